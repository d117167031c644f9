"""Several looks at each picture, MobileNet v2 on 250 photos of ImageNet's classes: right answers and time of each.

The published gains stand beside: of the same protocol by another network, on ImageNet's validation set (AlexNet: the
test of 2010). Answers that change are counted against the centre: won are those that only the other looks get right.

    python benchmarks/views.py
"""

import sys
import time
from pathlib import Path

import tables
from asking import SHARED, WEIGHTS

FILE = WEIGHTS / "mobilenet_v2_tf.safetensors"
MODEL = "mobilenet_v2_same"
PHOTOS = SHARED / "imagenet-sample"

# what all looks take off the error of one, in points of top-1 / top-5
PUBLISHED = {
    "flip": "none",
    "ten-crop": "AlexNet 1.5/1.3, ResNet-50 1.8/1.1, GoogLeNet -/0.92",
    "144-crop": "GoogLeNet -/2.18",
    "multi-scale": "VGG-16 0.4/0.2, dense at three sizes against one",
    "dense": "VGG-16 0.2/0.0 less than 150 crops take off",
}


def photos() -> Path:
    """The sample as a table of paths and WordNet ids."""
    table = Path(__file__).parents[1] / "bars" / "sample.csv"
    table.parent.mkdir(exist_ok=True)
    rows = "".join(f'"{file}",{file.name[:9]}\n' for file in sorted(PHOTOS.glob("*.JPEG")))
    table.write_text(f"path,label\n{rows}", encoding="utf-8")
    return table


def main() -> int:
    import convscope as cs
    from convscope.evaluation.views import COUNTS
    from convscope.models.pretrained.importing import borrow

    if not FILE.is_file() or not PHOTOS.is_dir():
        print(f"needs {FILE} and {PHOTOS}")
        return 0
    bundle, listing = borrow(FILE, MODEL, "imagenet").bundle, cs.read(photos())
    cs.evaluate(bundle, listing, split="all")  # fingerprints the pictures and converts the network
    rows, centre = [], None
    for views, count in COUNTS.items():
        start = time.perf_counter()
        report = cs.evaluate(bundle, listing, split="all", views=views)
        seconds = time.perf_counter() - start
        assert report.predictions is not None
        right = report.predictions.predicted == report.predictions.truth
        centre = right if centre is None else centre
        won, lost, pace = (right & ~centre).sum(), (centre & ~right).sum(), f"{seconds / report.n * 1e3:.0f}"
        shares = f"{report.top1:.3f}", f"{report.top5 or 0:.3f}"
        looks = "" if views == "dense" else str(count)
        rows.append((views, looks, f"{right.sum()}", f"{won}", f"{lost}", *shares, pace, PUBLISHED.get(views, "")))
        print(f"{views} done", file=sys.stderr, flush=True)
    notes = [
        f"{len(listing)} photos, one of each of {len(listing)} classes: chance alone moves top-1 by 2 points",
        "dense and multi-scale as docs/evaluating.md defines them: the mean of probabilities, not mirrored",
        "dense computes in PyTorch, the others in OpenVINO, all in f32",
    ]
    print(tables.machine("torch", "openvino"))
    header = ("views", "looks", "right", "won", "lost", "top-1", "top-5", "ms each", "published, points")
    tables.show(header, rows, notes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
