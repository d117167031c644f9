"""Pictures with detail, and copies of them with one fault each: what tests of the data passport plant."""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter


def scene(seed: int, size=(160, 120)) -> Image.Image:
    """A picture of coloured blocks and clouds at several scales; two seeds have nothing in common."""
    draw = np.random.default_rng(seed)
    picture = np.zeros((size[1], size[0], 3))
    for cells in (3, 7, 15, 40):
        grid = Image.fromarray(draw.integers(0, 256, (cells, cells, 3), dtype=np.uint8))
        edges = Image.Resampling.NEAREST if cells == 15 else Image.Resampling.BICUBIC
        picture += np.asarray(grid.resize(size, edges), dtype=float) / 4
    return Image.fromarray(np.clip((picture - 128) * 1.8 + 128, 0, 255).astype(np.uint8))


def put(file: Path, picture: Image.Image, **options) -> Path:
    """Save a picture, and make the folders it needs."""
    file.parent.mkdir(parents=True, exist_ok=True)
    picture.save(file, **options)
    return file


def clean_set(root: Path, classes=("ant", "bee"), count=14, parts=("",)) -> Path:
    """Different pictures in class folders, in part folders where parts are named."""
    for p, part in enumerate(parts):
        for c, label in enumerate(classes):
            for number in range(count):
                seed = 10_000 * p + 1000 * c + number
                put(root / part / label / f"{number:02d}.jpg", scene(seed), quality=92)
    return root


def jpeg(picture: Image.Image, quality=90) -> bytes:
    """A picture as the bytes of a JPEG."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return file.getvalue()


def resized(picture: Image.Image, times: float) -> Image.Image:
    """The same picture, so many times as large."""
    return picture.resize((round(picture.width * times), round(picture.height * times)), Image.Resampling.BICUBIC)


def brighter(picture: Image.Image, times: float) -> Image.Image:
    """The same picture in another light."""
    return ImageEnhance.Brightness(picture).enhance(times)


def blurred(picture: Image.Image, radius: float) -> Image.Image:
    """The same picture out of focus; the radius in pixels."""
    return picture.filter(ImageFilter.GaussianBlur(radius))
