"""Training pictures in Korean."""

TEXTS = {
    "pictures.known": "디코딩해 둔 사진 {count}장을 그대로 씁니다: {file}",
    "pictures.written": "디코딩한 사진을 디스크에 저장했습니다({size:.1f} GB). 다음 에포크와 다음 실행부터는 디코딩하지 않습니다: {file}",
    "pictures.damaged": "{file} 파일이 손상되어({reason}) 다시 만듭니다",
    "pictures.failed": "디코딩한 사진을 디스크에 저장하지 못해({reason}) 에포크마다 다시 디코딩합니다: {file}",
    "pictures.none": (
        "디코딩한 사진에는 {wanted:.1f} GB가 필요하지만 남은 공간은 메모리 {memory:.1f} GB, {folder} {disk:.1f} GB입니다. "
        "에포크마다 다시 디코딩합니다"
    ),
    "augment.original": "원본",
    "augment.epoch": "에포크 {number}",
    "augment.title": "{name}, {size}x{size} 픽셀, 시드 {seed}",
    "augment.plan": "데이터 증강: {plan}",
    "augment.saved": "저장: {file}",
}
