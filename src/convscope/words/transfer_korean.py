"""What training says when it starts from borrowed weights, in Korean."""

TEXTS = {
    "stage.embed": "사진 살펴보기",
    "stage.head": "분류층 규제 강도 고르기",
    "stage.recalibrate": "배치 정규화 통계 재기",
    "train.scratch": "{model} 모델을 처음부터 학습합니다. 빌려 쓸 사전 학습 가중치가 없으므로 클래스마다 사진 수백 장이 필요합니다",
    "train.scratch.more": "전이 학습이라면 수십 장으로 충분합니다. convscope weights fetch {better}를 한 번 실행하거나 --model NAME --weights FILE을 주십시오",
    "train.frozen": "{model}의 가중치를 동결합니다({file}, 라이선스 {licence}). 사진을 한 번씩만 통과시켜 얻은 특징으로 새 분류층을 맞추며, 배치 정규화는 변하지 않습니다",
    "train.finetune": "{model}의 가중치({file}, 라이선스 {licence})에서 시작합니다. 새 분류층을 먼저 맞춘 다음 전체를 미세 조정하며, 가져온 층은 더 느리게 배웁니다",
    "train.looked": "사진 {computed}장을 새로 살펴보았고 {known}장은 저장된 특징을 썼습니다",
    "train.balanced": "클래스별 사진 수가 고르지 않아(학습 사진 {least}~{most}장) 클래스마다 같은 비중으로 계산합니다",
    "train.strength.chosen": "분류층: 규제 강도 {strength}, 학습 사진의 교차 검증으로 골랐습니다",
    "train.strength.given": "분류층: 규제 강도 {strength}, 지정한 값입니다",
    "train.strength.usual": "분류층: 규제 강도 {strength}, 기본값입니다. 클래스당 사진이 너무 적거나 클래스가 너무 많아 교차 검증을 하지 않았습니다",
    "train.stop.frozen": "분류층 학습 완료  train_loss {train_loss:.4f}  val_loss {val_loss:.4f}  val_top1 {val_top1:.4f}",
    "train.head": "분류층만  train_loss {train_loss:.4f}  val_loss {val_loss:.4f}  val_top1 {val_top1:.4f}",
    "train.recalibrated": "배치 정규화: {count}개 층이 합성곱에 합쳐진 채로 왔습니다. 학습 사진 {pictures}장으로 통계를 다시 쟀으며 출력은 그대로입니다",
    "train.thawing": "분류층이 계속 배우고, 가져온 층은 {blocks}개 블록으로 나누어 뒤쪽부터 풀립니다. 배치 정규화는 자기 블록과 함께 배웁니다",
    "train.kept_head": "분류층만 학습한 모델(val_loss {val_loss:.4f})보다 나은 에포크가 없어, 가져온 층을 그대로 둔 모델을 저장합니다",
}
