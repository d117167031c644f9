"""`convscope weights` in Korean."""

TEXTS = {
    "stage.fetch": "내려받기 (MB)",
    "stage.pack": "묶기 (MB)",
    "stage.verify": "검사 (MB)",
    "weights.network": "네트워크",
    "weights.name": "가중치",
    "weights.top1": "top-1",
    "weights.licence": "라이선스",
    "weights.where": "위치",
    "weights.where.fetch": "내려받아야 함",
    "weights.where.import": "safetensors로는 없음: 직접 변환한 뒤 convscope weights import",
    "weights.cached": "{name}: 이미 있고 체크섬이 맞습니다",
    "weights.fetched": "{name}: {megabytes:.1f} MB, sha256 {sha256}, 라이선스 {licence}",
    "weights.packed": "가중치 파일 {count}개, {megabytes:.1f} MB. 옮긴 컴퓨터에서: convscope weights verify DIR",
    "weights.verified": "가중치 파일 {count}개, {megabytes:.1f} MB: 체크섬이 모두 맞습니다",
    "weights.made": "{network}: 파라미터 {parameters:,}개, 클래스 {count}개 ({first} … {last})",
    "weights.input": "입력: {size}x{size} 픽셀 ({resize} {share:g}, {interpolation}), 평균 {mean}, 표준편차 {spread}",
    "weights.turned": "첫 합성곱의 입력 채널을 파랑-초록-빨강에서 빨강-초록-파랑 순서로 바꿨습니다",
    "weights.terms": "라이선스: {licence}",
}
