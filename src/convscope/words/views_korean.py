"""Views and ensembles in Korean."""

TEXTS = {
    "report.views.144-crop": "이미지마다 144부분을 봄",
    "report.views.dense": "이미지 전체를 마지막 특징 맵의 모든 위치에서 봄",
    "report.views.flip": "이미지마다 원본과 좌우로 뒤집은 것을 봄",
    "views.averaged": "사진마다 확률을 평균해서 답합니다: {told}",
    "views.ensemble": "모델 {count}개의 앙상블이며 모델마다 같은 비중으로 평균합니다: {names}",
    "views.manifest_gone": (
        "이 모델은 매니페스트로 학습했는데 실행 폴더가 없어 그때의 클래스를 알 수 없습니다. 여기서는 데이터의 클래스로 평가합니다. "
        "--manifest로 매니페스트를 지정하세요"
    ),
    "views.splits_differ": (
        "모델들이 이 데이터의 서로 다른 부분으로 학습했으므로 어느 모델의 분할도 쓰지 않습니다. 데이터 자체의 분할을 쓰고, "
        "그것도 없으면 모든 사진으로 평가합니다"
    ),
}
