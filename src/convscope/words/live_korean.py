"""Korean texts of the page of a run that is still training."""

TEXTS = {
    "live.title": "{model} 학습 중",
    "live.epochs": "{epochs} 에포크 중 {done} 에포크",
    "live.left": "약 {minutes}분 남았습니다.",
    "live.refresh": "이 페이지는 {seconds}초마다 새로 고쳐지고, 학습이 끝나면 보고서로 바뀝니다.",
    "live.ended": "학습이 여기서 끝났습니다. 지금까지 학습한 내용은 실행 폴더에 있습니다.",
    "live.tracker": "{name}에 더 기록하지 못해({reason}) 트래커 없이 학습을 계속합니다",
    "train.unwritten": "metrics.csv나 페이지를 쓰지 못했습니다({reason}). 학습은 계속됩니다",
    "live.epoch": "에포크",
    "live.train_loss": "학습 손실",
    "live.val_loss": "검증 손실",
    "live.val_top1": "검증 정확도",
    "live.curve": "  검증 손실 {losses}   검증 정확도 {accuracies}",
}
