"""From a JPEG to a network's bytes: Pillow, torchvision and `decode: scaled`; and what scaling does to answers.

Photos of twelve megapixels are made of ordinary ones, enlarged; `grainy` adds the noise of a camera, which such photos
lack, and which makes files larger than any decoder can skip. Every picture goes through all three in turn, on one core.

    python benchmarks/decode.py [PHOTOS]
"""

import io
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import tables
import torch
from asking import SHARED, WEIGHTS
from numpy.typing import NDArray
from PIL import Image, ImageOps, features
from torch import Tensor

import convscope as cs
from convscope.data.batches import fitted
from convscope.data.decode import decode
from convscope.data.listing import Listing
from convscope.data.preprocess import Preprocess
from convscope.data.sources import gather
from convscope.inference.engine import Engine
from convscope.models.bundle import Bundle
from convscope.models.pretrained import importing

LARGE = (4000, 3000)
GRAIN = 6.0  # standard deviation in grey levels
NEAR = 0.01
NETWORK, FILE = "mobilenet_v2_same", WEIGHTS / "mobilenet_v2_tf.safetensors"


def enlarged(photos: Listing, folder: Path, grain: float = 0.0) -> Listing:
    """The same photos with twelve megapixels each, as JPEGs of quality 90."""
    folder.mkdir()
    for row, file in enumerate(photos.files):
        image = Image.fromarray(photos.picture(row).permute(1, 2, 0).numpy()).resize(LARGE, Image.Resampling.BICUBIC)
        if grain:
            noise = np.random.default_rng(row).normal(0, grain, (LARGE[1], LARGE[0], 1))
            image = Image.fromarray((np.asarray(image) + noise).clip(0, 255).astype(np.uint8))
        image.save(folder / f"{row:04d}_{Path(file).stem}.jpg", quality=90)
    return gather([str(folder)])


def by_pillow(data: bytes, preprocess: Preprocess) -> Tensor:
    """As a tutorial without torchvision writes it."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    top, left, tall, wide = preprocess.box(*image.size)
    size, box = (preprocess.size, preprocess.size), (left, top, left + wide, top + tall)
    return torch.from_numpy(np.array(image.resize(size, Image.Resampling.BILINEAR, box=box))).permute(2, 0, 1)


def seconds(listing: Listing, full: Preprocess, scaled: Preprocess) -> dict[str, list[float]]:
    """Of every picture, by each way, in turn."""
    ways: dict[str, Callable[[int], object]] = {
        "Pillow": lambda row: by_pillow(listing.store.content(listing.files[row]), full),
        "torchvision": lambda row: fitted(listing, row, full),
        "scaled": lambda row: fitted(listing, row, scaled),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for row in range(len(listing)):
        for name, way in ways.items():
            start = time.perf_counter()
            way(row)
            taken[name].append(time.perf_counter() - start)
    return taken


def speed(sets: dict[str, Listing], full: Preprocess) -> None:
    """Print images a second of each way."""
    scaled = full.model_copy(update={"decode": "scaled"})
    torch.set_num_threads(1)
    rows = []
    for name, listing in sets.items():
        megabytes = sum(len(listing.store.content(file)) for file in listing.files) / len(listing) / 1e6
        taken = seconds(listing, full, scaled)
        cells = [f"{1 / median(times):.1f}" for times in taken.values()]
        ratios = [
            f"{median(a / b for a, b in zip(taken[one], taken['scaled'], strict=True)):.2f}"
            for one in ("torchvision", "Pillow")
        ]
        rows.append((name, str(len(listing)), f"{megabytes:.2f}", *cells, *ratios))
    tables.show(
        ("photos", "count", "MB", "Pillow", "torchvision", "scaled", "over torchvision", "over Pillow"),
        rows,
        [
            f"images/s on one core, read, decoded and fitted to {full.size} pixels; medians; scaled must be at least "
            "2.5 times torchvision at twelve megapixels",
            f"libjpeg-turbo of Pillow: {features.version('libjpeg_turbo')}; torchvision brings its own",
        ],
    )


def in_numbers(picture: Tensor, preprocess: Preprocess) -> Tensor:
    """`Preprocess.fit` with the resize in float32 and rounded once, instead of in bytes."""
    top, left, tall, wide = preprocess.box(picture.shape[2], picture.shape[1])
    cut, size = picture[None, :, top : top + tall, left : left + wide].float(), (preprocess.size, preprocess.size)
    return torch.nn.functional.interpolate(cut, size, mode="bilinear", antialias=True)[0].round().to(torch.uint8)


def moved(engine: Engine, listing: Listing) -> list[tuple[str, NDArray[np.float32], NDArray[np.float32]]]:
    """Of each change: its name, and the probabilities without and with it."""
    full = engine.bundle.card.preprocess
    whole, kinds = full.model_copy(update={"share": 1.0}), {"decode": "scaled"}
    sharing = f"scaled, share {full.share:g} as the network's"
    made: dict[str, list[Tensor]] = {name: [] for name in ("full", sharing, "whole", "scaled, share 1", "numbers")}
    for file in listing.files:
        data = listing.store.content(file)
        picture = decode(data)
        small = decode(data, full.model_copy(update=kinds).shrink)
        less = decode(data, whole.model_copy(update=kinds).shrink)
        for name, fit in zip(
            made,
            (full.fit(picture), full.fit(small), whole.fit(picture), whole.fit(less), in_numbers(picture, full)),
            strict=True,
        ):
            made[name].append(fit)
    stacks = {name: torch.stack(pictures) for name, pictures in made.items()}
    dice = torch.Generator().manual_seed(0)
    by_one = 2 * torch.randint(0, 2, stacks["full"].shape, generator=dice) - 1
    by_one *= torch.rand(by_one.shape, generator=dice) < 0.1
    stacks["one"] = (stacks["full"] + by_one).clamp(0, 255).to(torch.uint8)
    chances = {name: engine.probabilities(pictures) for name, pictures in stacks.items()}
    return [
        (sharing, chances["full"], chances[sharing]),
        ("scaled, share 1 instead", chances["whole"], chances["scaled, share 1"]),
        ("full, resized in float32", chances["full"], chances["numbers"]),
        ("full, a tenth of all bytes ±1", chances["full"], chances["one"]),
    ]


def answers(judged: dict[str, tuple[Bundle, Listing]]) -> None:
    """Print how far probabilities move."""
    rows = []
    for name, (bundle, listing) in judged.items():
        for change, before, after in moved(Engine(bundle, precision="f32", backend="torch"), listing):
            moves = np.abs(before - after).max(axis=1)
            rows.append(
                (
                    f"{name}: {change}", str(len(listing)), f"{(moves <= NEAR).mean():.1%}", f"{np.median(moves):.4f}",
                    f"{moves.max():.4f}", str((before.argmax(axis=1) != after.argmax(axis=1)).sum()),
                )
            )  # fmt: skip
    tables.show(
        ("what is changed", "photos", f"within {NEAR}", "median", "most", "first class changed"),
        rows,
        [
            f"the largest move of any class's probability, against full decoding; promised: within {NEAR} on 99 %",
            "the last two rows of each network say what its answers do when nothing but rounding changes",
        ],
    )


def main() -> None:
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    ants, sample = gather([str(SHARED / "hymenoptera" / "val")]), gather([str(SHARED / "imagenet-sample")])
    ants, sample = (some.take(np.linspace(0, len(some) - 1, min(most, len(some))).round()) for some in (ants, sample))
    borrowed = importing.borrow(FILE, NETWORK, classes="imagenet").bundle
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["CONVSCOPE_CACHE"] = str(folder / "cache")
        large = enlarged(ants, folder / "large")
        sets = {"hymenoptera": ants, "12 megapixels": large}
        sets["12 megapixels, grainy"] = enlarged(ants, folder / "grainy", GRAIN)
        print(tables.machine("torch", "torchvision", "pillow"))
        speed(sets, borrowed.card.preprocess)
        print()
        recipe = cs.Recipe(model=NETWORK, weights=str(FILE), mode="frozen", test_share=0.0)
        run = cs.train(SHARED / "hymenoptera", recipe, out=folder / "runs")
        answers(
            {
                "ants and bees": (Bundle.load(run.path), large),
                "1,000 classes": (borrowed, enlarged(sample, folder / "sample")),
            }
        )


if __name__ == "__main__":
    main()
