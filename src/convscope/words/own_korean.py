"""Networks of one's own, in Korean."""

TEXTS = {
    "own.lost": "{number}번째 층({name}): {size}에서 스트라이드 {stride}: 버려지는 행 {rows}개, 열 {columns}개 (버려지는 것이 없는 스트라이드: {strides})",
    "report.value.own": "층 목록으로 직접 만든 신경망",
}
