"""`convscope cache` in English."""

TEXTS = {
    "cache.name": "name",
    "cache.what": "what",
    "cache.entries": "entries",
    "cache.megabytes": "MB",
    "cache.used": "last written or used",
    "cache.what.weights": "borrowed weights, fetched or put here",
    "cache.what.data": "downloaded data sets",
    "cache.what.features": "features of pictures, kept so that a backbone runs once",
    "cache.what.decoded": "decoded pictures, kept so that training decodes once",
    "cache.what.engines": "networks compiled for this processor",
    "cache.what.timings": "what was faster here, f32 or bf16",
    "cache.folder": "{folder}: {megabytes:,.1f} MB; features, decoded pictures and engines each stay below {limit:,.1f} GB (CONVSCOPE_CACHE_GB)",
    "cache.freed": "{name}: {count} removed, {megabytes:,.1f} MB freed",
    "cache.total": "{megabytes:,.1f} MB freed in {folder}",
    "cache.left": "downloads stay, {megabytes:,.1f} MB: convscope cache clear {names} removes them, too",
    "cache.link": "{name} is a link to another place and was left alone: {path}",
}
