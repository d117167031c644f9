"""The bars of evaluation, each by the command that a user would type or by test files."""

import json
import sys
from collections.abc import Callable

from asking import WEIGHTS, WORK, Seen, convscope, tests
from views import photos

LOST = 2  # pictures of 250


def sample() -> Seen:
    """Ten crops and three sizes on the ImageNet sample, against the centre."""
    weights, table = WEIGHTS / "mobilenet_v2_tf.safetensors", photos()
    flags = ("--model", "mobilenet_v2_same", "--classes", "imagenet", "--out", "views.safetensors")
    convscope("weights", "import", weights, *flags)
    right = {}
    for views in ("centre", "ten-crop", "multi-scale"):
        report = json.loads(
            convscope("evaluate", "views.safetensors", table, "--split", "all", "--views", views, "--json")
        )
        right[views] = round(report["top1"] * report["n"])
    told = ", ".join(f"{views} {count}" for views, count in right.items())
    return f"{told} of 250", min(right.values()) >= right["centre"] - LOST


def files(*names: str) -> Callable[[], Seen]:
    return lambda: tests(*(f"tests/{name}.py" for name in names))


BARS: list[tuple[str, str, Callable[[], Seen], bool]] = [  # name, wanted, how, whether it needs real pictures
    ("views: ImageNet sample, ten-crop and multi-scale", ">= centre - 2 of 250", sample, True),
    ("views: offsets, averages; dense is the single crop", "all pass", files("test_views", "test_dense"), False),
    ("views: an ensemble of one is itself", "all pass", files("test_ensemble"), False),
    ("views: exported files answer the same", "all pass", files("test_exported"), False),
]

if __name__ == "__main__":
    WORK.mkdir(exist_ok=True)
    for name, wanted, bar, _ in BARS:
        if not sys.argv[1:] or any(word in name for word in sys.argv[1:]):
            print(name, wanted, *bar(), sep=" | ", flush=True)
