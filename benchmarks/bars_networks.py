"""The bars of networks, their arithmetic and borrowed weights."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

from asking import SHARED, WEIGHTS, WORK, Seen, convscope, tests

SHEET = ("tests/test_sheet_counts.py", "tests/test_sheet_stages.py")


def listed() -> Seen:
    rows = json.loads(convscope("models", "--json"))
    text, good = tests(*SHEET)
    return f"{len(rows)} networks; figures: {text}", len(rows) == 48 and good


def photos() -> Path:
    """A list of the ImageNet sample: path and WordNet id, which is the start of each file's name."""
    file = WORK / "sample.csv"
    rows = [(str(photo), photo.name.split("_")[0]) for photo in sorted((SHARED / "imagenet-sample").iterdir())]
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows([("path", "label"), *rows])
    return file


def borrowed(model: str, weights: str, top1: int, top5: int | None, give: int, *flags: str) -> Callable[[], Seen]:
    def bar() -> Seen:
        out = WORK / f"{model}{len(flags)}.safetensors"
        convscope(
            "weights", "import", WEIGHTS / weights, "--model", model, "--classes", "imagenet", *flags, "--out", out
        )
        report = json.loads(convscope("evaluate", out, photos(), "--split", "all", "--precision", "f32", "--json"))
        seen = round(report["n"] * report["top1"]), round(report["n"] * report["top5"])
        good = report["n"] == 250 and abs(seen[0] - top1) <= give and (top5 is None or abs(seen[1] - top5) <= 1)
        return f"top-1 {seen[0]}, top-5 {seen[1]} of {report['n']}", good

    return bar


def caffe() -> Seen:
    out = WORK / "lenet_caffe.safetensors"
    convscope("weights", "import", WEIGHTS / "lenet_caffe_mnist.safetensors", "--model", "lenet_caffe", "--out", out)
    report = json.loads(convscope("evaluate", out, SHARED / "mnist", "--split", "test", "--json"))
    return f"{report['top1']:.4f} of {report['n']:,}", abs(report["top1"] - 0.9905) <= 0.0003 and report["n"] == 10_000


def summaries() -> Seen:
    run = WORK / convscope("train", "digits", "--model", "lenet5_modern", "--epochs", 1).splitlines()[-1]
    trained = json.loads(convscope("summary", run, "--json"))
    timm = json.loads(convscope("summary", "timm:resnet18", "--json"))
    wrong = WORK / "wrong.yaml"
    wrong.write_text("input: [1, 8, 8]\nlayers:\n  - conv: {filters: 4, kernel: 3}\n  - pool: 2\n  - pool: 4\n")
    try:
        convscope("summary", wrong)
    except RuntimeError as error:
        told = str(error)
    else:
        told = "nothing"
    good = (trained["parameters"], timm["parameters"]) == (61_706, 11_689_512) and "layer 3" in told
    return f"run {trained['parameters']:,}, timm:resnet18 {timm['parameters']:,}, wrong YAML: {told}", good


BARS: list[tuple[str, str, Callable[[], Seen], bool]] = [
    ("models --json, counts, MACs, stages, fields", "48, all pass", listed, False),
    ("torchvision and timm parity, float64", "all pass (1e-9)", lambda: tests("tests/test_parity.py"), False),
    (
        "mobilenet_v2_same on 250 photos", "224 ± 1, 244 ± 1",
        borrowed("mobilenet_v2_same", "mobilenet_v2_tf.safetensors", 224, 244, 1), True,
    ),
    (
        "the same with PyTorch's padding", "202 ± 2",
        borrowed("mobilenet_v2", "mobilenet_v2_tf.safetensors", 202, None, 2, "--preprocess", "tf"), True,
    ),
    (
        "mobilenet_v1_025_same on 250 photos", "154 ± 1, 201 ± 1",
        borrowed("mobilenet_v1_025_same", "mobilenet_v1_025_keras.safetensors", 154, 201, 1), True,
    ),
    ("lenet_caffe on MNIST's test", "0.9905 ± 0.0003", caffe, True),
    (
        "every network: scores, gradients, file, field by gradient", "all pass",
        lambda: tests("tests/test_networks.py", "tests/test_fields.py"), False,
    ),
    ("summary of a run, of timm:resnet18, of a wrong YAML", "61,706; 11,689,512; layer named", summaries, False),
    ("bad weights", "all pass", lambda: tests("tests/test_weights.py", "tests/test_weights_download.py"), False),
]  # fmt: skip
