"""The report page in Korean."""

TEXTS = {
    "report.title": "{model} 모델은 얼마나 정확할까요?",
    "report.split.train": "학습 세트로 평가",
    "report.split.val": "검증 세트로 평가",
    "report.split.test": "테스트 세트로 평가",
    "report.split.all": "전체 이미지로 평가",
    "report.views.centre": "이미지마다 가운데를 한 번 봄",
    "report.views.ten-crop": "이미지마다 열 부분을 봄",
    "report.views.multi-scale": "이미지마다 여러 크기로 봄",
    # the big number
    "report.top1": "Top-1 정확도 ({precision} 연산)",
    "report.right": "이미지 {total}장 중 {right}장 정답",
    "report.interval": "95 % 신뢰 구간: {low} ~ {high}",
    "report.interval.aria": "정확도 {share}, 95 % 신뢰 구간은 {low}에서 {high}까지입니다.",
    "report.interval.baseline": "가장 많은 클래스로만 답할 때",
    "report.verdict.better": "이미지를 보지 않고 찍는 것보다 확실히 낫습니다. 가장 많은 클래스(“{name}”)로만 답할 때의 "
    "정확도({share})보다 신뢰 구간 전체가 높습니다.",
    "report.verdict.unclear": "이미지를 보지 않고 찍는 것보다 낫다고 말하기 어렵습니다. 가장 많은 클래스(“{name}”)로만 "
    "답할 때의 정확도({share})가 신뢰 구간 안에 있습니다.",
    "report.verdict.worse": "이미지를 보지 않고 찍는 것보다 못합니다. 가장 많은 클래스(“{name}”)로만 답할 때의 "
    "정확도({share})보다 신뢰 구간 전체가 낮습니다.",
    "report.few": "평가한 이미지가 {n}장뿐입니다. 이미지가 적으면 운의 영향이 커서 신뢰 구간이 넓어지는데, 여기서는 "
    "폭이 {points} 퍼센트포인트입니다. 이미지가 네 배로 늘면 폭은 절반 정도나 그 이하로 줄어듭니다.",
    "report.warning.train": "모델이 학습할 때 본 이미지로 평가했으므로 실제보다 좋게 나온 값입니다. "
    "새로운 이미지에서의 성능을 알려면 테스트 세트로 평가하세요.",
    "report.warning.trained_on": "평가한 이미지 중 {count}장은 모델이 학습할 때 이미 본 것이어서 실제보다 좋게 나온 "
    "값입니다. 해당 파일은 이 페이지 아래쪽에 적혀 있습니다.",
    "report.figure.top5": "Top-5 정확도",
    "report.figure.pictures": "평가한 이미지 수",
    "report.figure.classes": "클래스 수",
    "report.figure.seconds": "이미지 한 장당 시간",
    # training
    "report.curves": "학습 과정",
    "report.curves.note": "세로 점선은 검증 손실이 가장 낮은 최적 에포크입니다.",
    "report.curves.loss": "손실 (낮을수록 좋음)",
    "report.curves.loss.aria": "{epochs}개 에포크 동안의 학습 손실과 검증 손실을 나타낸 꺾은선 그래프입니다.",
    "report.curves.top1": "검증 정확도, Top-1 (높을수록 좋음)",
    "report.curves.top1.aria": "{epochs}개 에포크 동안의 Top-1 검증 정확도를 나타낸 꺾은선 그래프입니다.",
    "report.curves.train": "학습",
    "report.curves.val": "검증",
    "report.curves.epoch": "에포크",
    "report.curves.best": "최적: 에포크 {epoch}",
    # confusion
    "report.confusion": "혼동 행렬",
    "report.confusion.note": "행은 실제 클래스, 열은 예측 클래스이며, 칸의 숫자는 이미지 수입니다. "
    "색이 진할수록 그 행에서 차지하는 비율이 높습니다.",
    "report.confusion.note.many": "클래스가 많아 칸에 숫자를 적지 않았습니다. 행은 실제 클래스, 열은 예측 클래스이고 "
    "번호는 아래 클래스별 성능 표와 같습니다. 색이 진할수록 그 행에서 차지하는 비율이 높습니다. 모든 값은 "
    "confusion.csv 파일에 있습니다.",
    "report.confusion.aria": "클래스 {size}개의 혼동 행렬입니다. 행은 실제 클래스, 열은 예측 클래스입니다.",
    "report.confusion.hit": "정답",
    "report.confusion.miss": "오답",
    "report.confusion.true": "실제 클래스",
    "report.confusion.predicted": "예측 클래스",
    "report.pairs": "가장 많이 혼동한 클래스",
    "report.pairs.none": "서로 혼동한 클래스가 없습니다.",
    "report.pairs.true": "실제 클래스",
    "report.pairs.predicted": "잘못 예측한 클래스",
    "report.pairs.count": "이미지 수",
    "report.pairs.share": "실제 클래스 중 비율",
    # mistakes
    "report.mistakes": "가장 크게 틀린 이미지",
    "report.mistakes.note": "오답 {total}장 중 {shown}장을 확신이 높았던 순서로 보여 줍니다. "
    "확신하고 틀린 이미지는 그림에서 이유가 보이거나 라벨이 잘못된 경우가 많습니다.",
    "report.mistakes.none": "틀린 이미지가 없습니다. {n}장을 모두 맞혔습니다.",
    "report.mistakes.missing": "이미지 없음",
    "report.mistakes.true": "실제 클래스",
    "report.mistakes.predicted": "예측 클래스",
    # classes
    "report.classes": "클래스별 성능",
    "report.classes.note": "정밀도는 이 클래스로 예측한 이미지 중 실제로 맞은 비율, 재현율은 이 클래스의 이미지 중 "
    "찾아낸 비율입니다. F1 점수는 둘을 하나로 합친 값으로 낮은 쪽에 가깝습니다. 표본 수는 이 클래스의 이미지(표본) "
    "수입니다. 나눌 대상이 없는 값은 줄표로 표시합니다.",
    "report.classes.name": "클래스",
    "report.classes.precision": "정밀도",
    "report.classes.recall": "재현율",
    "report.classes.f1": "F1 점수",
    "report.classes.support": "지원 수",
    "report.classes.text": "scikit-learn 출력 형식으로 보기",
    # files
    "report.broken": "읽지 못한 파일",
    "report.broken.none": "없습니다. 모든 파일을 읽었습니다.",
    "report.broken.note": "파일 {count}개는 위의 모든 수치에서 제외했습니다. 파일 이름과 이유는 다음과 같습니다.",
    "report.trained_on": "모델이 학습할 때 본 이미지",
    "report.trained_on.refused": "{count}장은 위의 모든 수치에서 제외했습니다. 모델은 학습한 이미지를 그대로 기억할 "
    "수 있으므로, 이런 이미지로는 새로운 이미지에서의 성능을 알 수 없습니다.",
    "report.trained_on.kept": "{count}장은 제외하지 않고 평가했습니다. 모델은 학습한 이미지를 그대로 기억할 수 "
    "있으므로, 위의 수치는 새로운 이미지에서보다 좋게 나온 값입니다.",
    "report.more": "외 {count}개",
    # foot
    "report.facts": "모델 정보",
    "report.made": "convscope로 만든 보고서입니다. 모든 내용이 이 파일에 들어 있으며 네트워크에서 아무것도 불러오지 "
    "않습니다.",
    "report.fact.model": "모델",
    "report.fact.paper": "논문",
    "report.fact.parameters": "파라미터 수",
    "report.fact.preprocess": "전처리",
    "report.fact.data": "데이터",
    "report.fact.split": "데이터 분할",
    "report.fact.epochs": "에포크",
    "report.fact.seconds": "학습 시간",
    "report.fact.precision": "연산 정밀도",
    "report.fact.seed": "시드",
    "report.fact.versions": "버전",
    "report.fact.command": "명령어",
    "report.fact.weights": "초기 가중치",
    "report.fact.classes": "클래스",
    "report.fact.hash": "해시",
    "report.value.data": "{title}: 학습 {train}장, 검증 {val}장, 테스트 {test}장 (분할 시드 {seed})",
    "report.value.crop": "가운데 정사각형을 잘라 {size}×{size} 픽셀로, 채널 {channels}개",
    "report.value.squash": "이미지 전체를 정사각형으로 눌러 {size}×{size} 픽셀로, 채널 {channels}개",
    "report.value.pad": "이미지 전체에 여백을 붙여 {size}×{size} 픽셀로, 채널 {channels}개",
    "report.value.epochs": "{epochs} 가운데 {done} 에포크, {best} 에포크의 가중치를 사용",
    "report.value.frozen": "동결한 특징 위에 분류층만 학습 (규제 강도 {strength})",
    "report.value.kept_head": "{epochs} 가운데 {done} 에포크, 분류층만 학습한 모델보다 나은 에포크가 없어 그 가중치를 사용",
    "report.value.seconds": "{seconds}초",
}
