"""The report of 10,000 test pictures in Chromium: how large the file is, and how soon it can be read and clicked.

The bars: below 30 MB, and open within 3 seconds. Each page is opened five times in a fresh browser context; the median
is told. Pictures are seeded noise that compresses as photos do; names are those that strangers give.
"""

import argparse
import io
import shutil
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from convscope.evaluation.predictions import Predictions
from convscope.evaluation.report import Report

ROUNDS = 5
LOADED = """() => {
  const entry = performance.getEntriesByType("navigation")[0];
  return [entry.domInteractive, entry.loadEventEnd].map((ms) => ms / 1000);
}"""


def report_of(count: int, classes: int, accuracy: float) -> Report:
    random = np.random.default_rng(0)
    truth = np.arange(count) % classes
    scores = random.normal(size=(count, classes)).astype(np.float32)
    right = random.random(count) < accuracy
    scores[np.arange(count), np.where(right, truth, random.integers(0, classes, count))] += 6
    powers = np.exp(scores)
    names = tuple(f"class {index:04d} 고양이" for index in range(classes))
    files = tuple(f"test/{names[label]}/IMG_{row:06d} <사진>.jpg" for row, label in enumerate(truth))
    told = Predictions(files, truth, powers / powers.sum(axis=1, keepdims=True), names)
    return Report.of(
        told, views="centre", seconds_per_image=0.005, split="test", model="mobilenet_v2", precision="f32", data="x"
    )


def photos() -> list[bytes]:
    """A hundred JPEGs of 160 x 120 pixels, of about the size that a photo's thumbnail has."""
    random = np.random.default_rng(1)
    made = []
    for _ in range(100):
        coarse = Image.fromarray(random.integers(0, 256, (18, 24, 3), dtype=np.uint8)).resize((160, 120))
        grain = random.integers(-12, 13, (120, 160, 3))
        file = io.BytesIO()
        Image.fromarray((np.asarray(coarse) + grain).clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=85)
        made.append(file.getvalue())
    return made


def opened(page: Path) -> tuple[float, float, float]:
    """Seconds until the page can be read, until its load event, and from a click on a cell to its pictures."""
    from playwright.sync_api import sync_playwright

    rounds = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for _ in range(ROUNDS):
            tab = chromium.new_context().new_page()
            tab.goto(page.as_uri())
            read, loaded = tab.evaluate(LOADED)
            begun = time.perf_counter()
            tab.locator(".matrix [data-cell]").first.click()
            tab.wait_for_function("document.querySelector('.matrix [aria-pressed=true]')")
            rounds.append((read, loaded, time.perf_counter() - begun))
            tab.context.close()
        chromium.close()
    return tuple(statistics.median(column) for column in zip(*rounds, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", type=Path, help="folder to leave the pages in")
    keep = parser.parse_args().keep
    some = photos()
    print(f"thumbnails of {statistics.mean(map(len, some)) / 1000:.1f} kB")
    print("| pictures | classes | right | made, s | MB | can be read, s | loaded, s | click to pictures, s |")
    print("|---|---|---|---|---|---|---|---|")
    with TemporaryDirectory() as folder:
        for count, classes, accuracy in ((10_000, 10, 0.9), (10_000, 40, 0.7), (10_000, 1000, 0.7)):
            report = report_of(count, classes, accuracy)
            where = (keep or Path(folder)) / f"{count}-{classes}"
            begun = time.perf_counter()
            report.write(
                where, picture=lambda row: some[row % 100], heatmap=lambda row: (some[row % 100], some[(row + 1) % 100])
            )
            made = time.perf_counter() - begun
            size = (where / "report.html").stat().st_size / 1e6
            seconds = " | ".join(f"{value:.2f}" for value in opened(where / "report.html"))
            print(f"| {count:,} | {classes:,} | {report.top1:.0%} | {made:.1f} | {size:.1f} | {seconds} |", flush=True)


if __name__ == "__main__":
    main()
