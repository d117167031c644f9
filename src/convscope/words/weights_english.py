"""`convscope weights` in English."""

TEXTS = {
    "stage.fetch": "fetching (MB)",
    "stage.pack": "packing (MB)",
    "stage.verify": "checking (MB)",
    "weights.network": "network",
    "weights.name": "weights",
    "weights.top1": "top-1",
    "weights.licence": "licence",
    "weights.where": "where",
    "weights.where.fetch": "to be fetched",
    "weights.where.import": "nowhere as safetensors: convert it yourself, then convscope weights import",
    "weights.cached": "{name}: already here, checksum right",
    "weights.fetched": "{name}: {megabytes:.1f} MB, sha256 {sha256}, licence {licence}",
    "weights.packed": "{count} weights files, {megabytes:.1f} MB; on the other machine: convscope weights verify DIR",
    "weights.verified": "{count} weights files, {megabytes:.1f} MB: every checksum is right",
    "weights.made": "{network}: {parameters:,} parameters, {count} classes ({first} … {last})",
    "weights.input": "input: {size}x{size} pixels ({resize} {share:g}, {interpolation}), mean {mean}, spread {spread}",
    "weights.turned": "the first convolution was turned from blue-green-red to red-green-blue",
    "weights.terms": "licence: {licence}",
}
