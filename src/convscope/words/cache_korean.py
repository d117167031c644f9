"""`convscope cache` in Korean."""

TEXTS = {
    "cache.name": "이름",
    "cache.what": "내용",
    "cache.entries": "항목",
    "cache.megabytes": "MB",
    "cache.used": "마지막 기록 또는 사용",
    "cache.what.weights": "사전 학습 가중치(내려받은 것과 직접 넣은 것)",
    "cache.what.data": "내려받은 데이터셋",
    "cache.what.features": "사진의 특징(백본을 한 번만 돌리려고 저장)",
    "cache.what.decoded": "디코딩한 사진(학습할 때 한 번만 디코딩하려고 저장)",
    "cache.what.engines": "이 프로세서에 맞게 컴파일한 네트워크",
    "cache.what.timings": "이 컴퓨터에서 f32와 bf16 가운데 빠른 쪽의 측정 결과",
    "cache.folder": "{folder}: {megabytes:,.1f} MB. features, decoded, engines는 각각 {limit:,.1f} GB를 넘지 않습니다(CONVSCOPE_CACHE_GB)",
    "cache.freed": "{name}: {count}개 삭제, {megabytes:,.1f} MB 확보",
    "cache.total": "{folder}에서 {megabytes:,.1f} MB를 확보했습니다",
    "cache.left": "내려받은 것 {megabytes:,.1f} MB는 그대로 두었습니다. convscope cache clear {names} 명령으로 지울 수 있습니다",
    "cache.link": "{name}: 다른 곳을 가리키는 링크라서 그대로 두었습니다: {path}",
}
