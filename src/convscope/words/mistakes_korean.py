"""`convscope mistakes`, k-fold and manifests in Korean."""

TEXTS = {
    "stage.folds": "레이블 판단",
    "mistakes.network": "{model} 모델({file})이 사진에서 뽑은 특징으로 클래스를 구분합니다",
    "mistakes.pixels.grey": "빌려 쓸 사전 학습 가중치가 없어 픽셀만으로 클래스를 구분합니다",
    "mistakes.pixels.photos": (
        "빌려 쓸 사전 학습 가중치가 없고, 픽셀만으로는 사진을 구분하기 어렵습니다. 먼저 가중치를 받거나"
        "(convscope weights fetch mobilenet_v2) --model NAME --weights FILE을 주십시오"
    ),
    "mistakes.rank": "순위",
    "mistakes.file": "파일",
    "mistakes.given": "레이블",
    "mistakes.suggested": "제안",
    "mistakes.probability": "확률",
    "mistakes.found": "레이블 {n}개 가운데 약 {estimated}개가 틀렸습니다. 의심스러운 사진 {suspects}장을 틀렸을 가능성이 큰 순서로 나열합니다",
    "mistakes.none": "레이블 {n}개 가운데 의심스러운 것이 없습니다",
    "mistakes.pair": "레이블은 {given}인데 {other}처럼 보이는 사진 {count}장",
    "mistakes.more": "그 밖에 {count}장. --json과 --csv FILE은 모두 나열하고 --out FILE.html은 사진과 함께 보여 줍니다",
    "mistakes.alone": "사진 {count}장은 같은 레이블의 다른 사진이 없어 제외했습니다(첫 번째: {first})",
    "mistakes.checked": "이미 확인한 사진 {count}장은 다시 나열하지 않습니다",
    "mistakes.page": "페이지: {file}. 여기서 결정하고 decisions.csv를 저장한 다음 convscope mistakes DATA --apply decisions.csv --manifest split.csv를 실행하십시오",
    "mistakes.applied": "{manifest}: 레이블 확인 {accept}개, 변경 {relabel}개, 제외한 사진 {drop}장. 사진은 하나도 옮기지 않았습니다",
    "mistakes.use": "convscope train DATA --manifest {manifest}로 이 목록에 따라 학습합니다",
    # the page
    "mistakes.title": "확인할 레이블: {data}",
    "mistakes.heading": "확인할 레이블",
    "mistakes.lead": (
        "레이블 {n}개 가운데 약 {estimated}개가 틀렸을 가능성이 큽니다. 사진마다 그 사진을 본 적이 없는 모델이 무엇인지 답했고, "
        "모델이 레이블을 가장 믿지 않는 사진부터 나열합니다. 모델도 틀리므로 사진을 직접 보고 결정하십시오."
    ),
    "mistakes.lead.none": "사진 {n}장의 레이블 가운데 의심스러운 것이 없습니다. 아래는 모델이 레이블을 가장 믿지 않는 사진입니다.",
    "mistakes.how": (
        "로지스틱 회귀의 폴드 밖 확률(폴드 {folds}개, 같은 사진은 한 폴드에 넣음)과 확신 학습(Northcutt 외, 2021)을 썼습니다. "
        "이 모델들은 레이블의 {accuracy}에 동의합니다."
    ),
    "mistakes.seen": "사진의 특징은 {network} 모델로 뽑았습니다.",
    "mistakes.seen.pixels": "픽셀만 보고 판단했습니다.",
    "mistakes.keys": "키: ← → 다른 사진, A 레이블이 맞음, R 레이블 변경, D 제외, U 취소, S 저장.",
    "mistakes.decided": "결정한 사진:",
    "mistakes.of": "전체 {count}장",
    "mistakes.save": "decisions.csv 저장",
    "mistakes.next": "저장한 다음 사진이 있는 곳에서:",
    "mistakes.accept": "레이블이 맞음",
    "mistakes.relabel": "레이블 변경",
    "mistakes.drop": "제외",
    "mistakes.undo": "취소",
    "mistakes.now": "레이블 {label} → {other}",
    "mistakes.list": "사진",
    "mistakes.list.cut": "{count}장 가운데 처음 {shown}장입니다. 먼저 결정하여 반영한 다음 다시 나열하십시오.",
    "mistakes.missing": "더 이상 읽을 수 없음",
    "mistakes.suspect": "의심",
    "mistakes.made": "convscope로 만든 페이지입니다. 모든 내용이 이 파일에 들어 있으며 네트워크에서 아무것도 불러오지 않습니다. 사진은 옮기거나 지우지 않습니다.",
    # k-fold
    "folds.begin": "폴드 {count}개, 폴드마다 사진 약 {pictures}장(클래스별로 고르게, 같은 사진은 한 폴드에)",
    "folds.aside": "테스트 사진 {count}장은 모든 폴드에서 제외합니다",
    "folds.fold": "폴드 {number}/{count}: 나머지 사진으로 배운 모델이 {held}장을 평가합니다",
    "folds.kept": "폴드 {number}/{count}: 이미 끝나 그대로 씁니다",
    "folds.done": "폴드 {number}: 사진 {n}장, top-1 {top1:.4f}",
    "folds.mean": "폴드 {count}개: 평균 top-1 {mean:.4f}, 표준 오차 {error:.4f}",
    "folds.meaning": (
        "모든 사진을 그 사진을 본 적이 없는 모델이 한 번씩 평가했습니다. 이만한 수의 사진으로 이 방법이 만드는 모델들이 얼마나 좋은지를 "
        "나타냅니다. 폴드끼리 학습 사진을 공유하므로 표준 오차는 실제보다 작은 편입니다. 사용할 모델은 --folds 없이 학습하십시오"
    ),
    "folds.resume": "{run}을 이어서 실행합니다. 폴드 {count}개 가운데 {done}개가 끝났습니다",
    "report.fact.folds": "폴드",
    "report.value.folds": (
        "폴드 {count}개, 평균 top-1 {mean}, 표준 오차 {error}. 모든 사진을 그 사진을 본 적이 없는 모델이 한 번씩 평가했습니다. 모델 하나가 "
        "아니라 이 방법이 만드는 모델들이 얼마나 좋은지를 나타냅니다. 폴드끼리 학습 사진을 공유하므로 표준 오차는 실제보다 작은 편입니다."
    ),
    "report.split.folds": "폴드 밖 평가: 사진마다 그 사진을 본 적이 없는 모델이 평가",
    "split.folds": "폴드 밖",
}
