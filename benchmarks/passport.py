"""`convscope check` on 10,000 pictures with planted copies, and its time and memory on 13,394.

    python benchmarks/passport.py [planted] [large]

Planted: imagenette-128, digits enlarged to 96 pixels and plain backgrounds, which look alike and are not copies; exact
copies in one class, across classes and across parts; near-duplicates that were resized (by 0.5 to 1.5), saved again
(JPEG quality 40 to 90), or made 5 % brighter or darker, or two of these. A pair counts as reported when a finding of
near-duplicates holds both.
"""

import io
import itertools
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
from asking import SHARED
from PIL import Image, ImageEnhance
from sklearn.datasets import load_digits

TOTAL, EXACT, LEAKS, ACROSS, NEAR, DIGITS, PLAIN = 10_000, 100, 100, 100, 900, 400, 100
SCALES = (0.5, 0.6, 0.75, 0.9, 1.25, 1.5)


def saved(picture: Image.Image, quality: int = 90) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return file.getvalue()


def altered(content: bytes, draw: random.Random) -> tuple[str, bytes]:
    """A near-duplicate, and how it was made."""
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    ways = draw.choice((("resized",), ("saved again",), ("brightness",), ("resized", "brightness")))
    quality = 90
    for way in ways:
        if way == "resized":
            scale = draw.choice(SCALES)
            how = draw.choice((Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS))
            picture = picture.resize((round(picture.width * scale), round(picture.height * scale)), how)
        elif way == "brightness":
            picture = ImageEnhance.Brightness(picture).enhance(draw.choice((0.95, 1.05)))
        else:
            quality = draw.randint(40, 85)
    return " + ".join(ways), saved(picture, quality)


def originals(draw: random.Random, count: int) -> dict[str, bytes]:
    """Name (part/class/file) to content: photos, digits and plain backgrounds."""
    made: dict[str, bytes] = {}
    with zipfile.ZipFile(SHARED / "imagenette-128.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".jpg")]
        for name in draw.sample(sorted(names), count - DIGITS - PLAIN):
            made[name.partition("/")[2]] = archive.read(name)
    numbers = load_digits().images
    for row in draw.sample(range(len(numbers)), DIGITS):
        grey = Image.fromarray((numbers[row] * 255 / 16).astype(np.uint8)).resize((96, 96), Image.Resampling.BICUBIC)
        made[f"train/digits/{row}.jpg"] = saved(grey)
    noise = np.random.default_rng(0)
    for row in range(PLAIN):
        tone = noise.integers(40, 220, 3)
        plain = (tone + noise.normal(0, 2, (128, 128, 3))).clip(0, 255).astype(np.uint8)
        made[f"train/plain/{row}.jpg"] = saved(Image.fromarray(plain))
    return made


def plant(folder: Path) -> tuple[list[tuple[str, str]], list[tuple[str, str]], dict[tuple[str, str], str]]:
    """Write the pictures; pairs that are exact copies, those of them in two parts, and near pairs with their way."""
    draw = random.Random(0)
    made = originals(draw, TOTAL - EXACT - LEAKS - ACROSS - NEAR)
    photos = [name for name in made if "/n0" in name]
    trained = [name for name in photos if name.startswith("train/")]
    classes = sorted({name.split("/")[1] for name in photos})
    chosen = iter(draw.sample(trained, EXACT + LEAKS + ACROSS))
    exact, leaks, near = [], [], {}
    for number in range(EXACT + LEAKS + ACROSS):
        name = next(chosen)
        part, label = name.split("/")[:2]
        if number >= EXACT + LEAKS:
            label = draw.choice([other for other in classes if other != label])
        elif number >= EXACT:
            part = "val"
        copy = f"{part}/{label}/copy{number}.jpg"
        made[copy] = made[name]
        exact.append((name, copy))
        if part == "val":
            leaks.append((name, copy))
    for number, name in enumerate(draw.sample([name for name in photos if name not in dict(exact)], NEAR)):
        part, label = name.split("/")[:2]
        copy = f"{part}/{label}/near{number}.jpg"
        way, made[copy] = altered(made[name], draw)
        near[name, copy] = way
    for name, content in made.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    assert len(made) == TOTAL
    return exact, leaks, near


def ask(data: Path) -> tuple[dict, dict]:
    """The passport; seconds by the clock and of the processors, and megabytes at the peak."""
    start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "convscope", "check", str(data), "--json", "--quiet"]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return told, {
        "seconds": time.monotonic() - start,
        "processor seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "megabytes": after.ru_maxrss / 1e3,
    }


def pairs(told: dict, kind: str) -> set[tuple[str, str]]:
    groups = [sorted(found["files"]) for found in told["findings"] if found["kind"] == kind]
    return {pair for group in groups for pair in itertools.combinations(group, 2)}


def planted() -> dict:
    folder = Path(tempfile.mkdtemp())
    try:
        exact, leaks, near = plant(folder)
        told, cost = ask(folder)
    finally:
        shutil.rmtree(folder)
    wanted, found = {tuple(sorted(pair)) for pair in exact}, pairs(told, "exact-duplicate")
    real = {tuple(sorted(pair)): way for pair, way in near.items()}
    reported = pairs(told, "near-duplicate")
    ways = sorted(set(real.values()))
    result = {
        "pictures": told["files"],
        "exact": len(wanted & found) / len(wanted),
        "false exact": len(found - wanted),
        "leaks": len({tuple(sorted(pair)) for pair in leaks} & pairs(told, "leak")) / len(leaks),
        "near": len(real.keys() & reported) / len(real),
        "near reported": len(reported),
        "false near": len(reported - real.keys() - wanted) / max(1, len(reported)),
        **cost,
    }
    for way in ways:
        these = {pair for pair, how in real.items() if how == way}
        result[f"near, {way}"] = len(these & reported) / len(these)
    result["false pairs"] = sorted(reported - real.keys() - wanted)[:5]
    return result


def large() -> dict:
    told, cost = ask(SHARED / "imagenette-128.zip")
    kinds = {found["kind"]: len(found["files"]) for found in told["findings"]}
    return {"pictures": told["files"], **cost, "found": kinds}


if __name__ == "__main__":
    for name, measure in (("planted", planted), ("large", large)):
        if not sys.argv[1:] or name in sys.argv[1:]:
            for key, value in measure().items():
                print(f"{name:8} {key:28} {value:.4f}" if isinstance(value, float) else f"{name:8} {key:28} {value}")
