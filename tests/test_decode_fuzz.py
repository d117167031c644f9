"""Thousands of damaged files, in a process of their own: a crash there is a bad exit status here."""

import json
import subprocess
import sys

import pytest

FUZZ = """
import importlib, io, json, os, random, sys
import psutil
from PIL import Image
from convscope.errors import UnreadableImage

kept = []
def leak(data):
    kept.append(bytearray(os.urandom(50_000)))

full = importlib.import_module("convscope.data.decode").decode
DECODERS = {
    "full": full, "scaled": lambda data: full(data, lambda width, height: 2),
    "abort": lambda data: os.abort(), "KeyError": lambda data: {}["planted"], "leak": leak,
}
decode, rounds = DECODERS[sys.argv[1]], int(sys.argv[2])

dice = random.Random(0)
seeds = []
for format, options in [
    ("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("WEBP", {}), ("WEBP", {"lossless": True}),
    ("GIF", {}), ("BMP", {}), ("TIFF", {"compression": "tiff_lzw"}), ("TIFF", {"compression": "jpeg"}),
]:
    exif = {} if format in {"GIF", "BMP"} else {"exif": bytes.fromhex("4578696600004d4d002a00000008"
        "0001011200030000000100060000" "00000000")}
    file = io.BytesIO()
    Image.frombytes("RGB", (24, 20), dice.randbytes(1440)).save(file, format, **options, **exif)
    seeds.append(file.getvalue())

counted = {"decoded": 0, "refused": 0}
for number in range(rounds):
    if number == rounds // 4:
        before = psutil.Process().memory_info().rss
    data = bytearray(seeds[number % len(seeds)])
    for _ in range(dice.choice([1, 1, 2, 4, 16])):
        place = min(int(dice.expovariate(1 / 100)), len(data) - 1)  # mostly headers
        data[place] = dice.choice([0, 1, 127, 128, 255, dice.randrange(256)])
    if dice.random() < 0.2:
        cut = dice.randrange(len(data))
        data[cut : cut + dice.randrange(64)] = dice.randbytes(dice.randrange(64))
    try:
        decode(bytes(data))
        counted["decoded"] += 1
    except UnreadableImage:
        counted["refused"] += 1
print(json.dumps({**counted, "grown": psutil.Process().memory_info().rss - before}))
"""


def fuzz(decoder, rounds):
    """Exit status, answer and error output of thousands of damaged files in a process of their own."""
    command = [sys.executable, "-c", FUZZ, decoder, str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


@pytest.mark.parametrize("decoder", ["full", "scaled"])
def test_thousands_of_damaged_files_raise_nothing_but_unreadable_image(decoder):
    status, answer, errors = fuzz(decoder, 6000)

    assert status == 0, errors[-2000:]
    assert "UserWarning" not in errors  # libjpeg and libtiff themselves cannot be silenced
    assert answer["decoded"] > 500 and answer["refused"] > 500  # both ways were walked
    assert answer["grown"] < 20e6


@pytest.mark.parametrize("planted", ["abort", "KeyError"])
def test_the_harness_sees_a_planted_crash(planted):
    status, _, _ = fuzz(planted, 10)

    assert status != 0


def test_the_harness_sees_a_planted_leak():
    _, answer, _ = fuzz("leak", 1000)

    assert answer["grown"] > 20e6


SUITE = """
import sys
from pathlib import Path
from convscope.data.decode import decode
from convscope.errors import UnreadableImage

for file in sorted(Path(sys.argv[1]).rglob("*.png")):
    try:
        shape = tuple(decode(file.read_bytes()).shape)
    except UnreadableImage:
        shape = "refused"
    print(file.name, shape, sep="|")
"""


# Pillow does not look at the checksum of pixels, whose own (zlib's) is enough, and insists on that of everything else
LENIENT = {"xcsn0g01.png", "x_interlaced_chck.png"}
STRICT = {"cicp_pq.png", "issue#430.png"}


def test_a_decoders_regression_suite_ends_no_process(shared):
    """A leading x names the files that are broken on purpose (PngSuite, W. van Schaik, and a decoder's own)."""
    command = [sys.executable, "-c", SUITE, str(shared / "odd-images" / "png")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    shapes = dict(line.split("|") for line in done.stdout.splitlines())
    refused = {name for name, shape in shapes.items() if shape == "refused"}
    assert (done.returncode, done.stderr) == (0, "")
    assert len(shapes) == 203
    assert shapes["basn2c08.png"] == "(3, 32, 32)"
    assert refused == {name for name in shapes if name.startswith("x")} - LENIENT | STRICT
