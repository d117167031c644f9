"""보정과 "해당 없음"의 한국어 문장."""

TEXTS = {
    "stage.score": "확신하는 정도 확인",
    "train.calibrated": "온도 {temperature:g}: 검증 사진 {pictures}장으로 맞췄습니다. 점수를 이 온도로 나눈 뒤 확률로 바꿉니다",
    "train.uncalibrated": (
        "확률은 신경망이 낸 그대로입니다: 검증 사진 {pictures}장으로는 온도를 맞추기에 부족합니다(최소 {fewest}장)"
    ),
    "result.calibration": "확신하는 정도와 실제 정확도의 차이는 평균 {ece:.4f}입니다(ECE)",
    "result.mended": (
        "확신하는 정도와 실제 정확도의 차이는 평균 {ece:.4f}입니다(ECE, 온도 {temperature:g} 없이는 {before:.4f})"
    ),
    "result.threshold": (
        "확률 {value:g} 이상인 답: 사진의 {coverage:.1%}이고 그중 {accuracy:.1%}가 맞습니다"
        "(95 % 신뢰 구간 {low:.1%}~{high:.1%}). 나머지는 해당 없음입니다"
    ),
    "result.foreign": (
        "{data}의 사진 {n}장 중 {accepted}장을 아는 클래스로 받아들였습니다"
        "({share:.1%}, 95 % 신뢰 구간 {low:.1%}~{high:.1%})"
    ),
    "predict.none_of_these": "해당 없음",
}
