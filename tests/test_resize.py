"""Our resize and scale give torchvision's bits without importing it."""

import subprocess
import sys

import pytest
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as transforms

from convscope.data import resize
from convscope.data.preprocess import Preprocess
from convscope.data.resize import resized

PICTURE = torch.randint(0, 256, (3, 61, 83), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(28, 28), (224, 224), (61, 40), (7, 83)], ids=str)
@pytest.mark.parametrize("layout", ["planes", "pixels", "batch", "grey", "cut"])
def test_a_resized_picture_is_torchvision_s_to_the_bit(layout, size, interpolation):
    picture = {
        "planes": PICTURE,
        "pixels": PICTURE.permute(1, 2, 0).contiguous().permute(2, 0, 1),
        "batch": PICTURE.unsqueeze(0).repeat(3, 1, 1, 1),
        "grey": PICTURE[:1],
        "cut": PICTURE[:, 3:50, 5:60],
    }[layout]

    ours = resized(picture, *size, interpolation)

    wanted = transforms.resize(picture, list(size), interpolation=InterpolationMode(interpolation), antialias=True)
    assert torch.equal(ours, wanted)


def test_a_processor_that_cannot_resize_bytes_rounds_as_torchvision_does(monkeypatch):
    monkeypatch.setattr(resize, "ON_BYTES", False)
    monkeypatch.setattr(
        "torchvision.transforms.v2.functional._geometry._do_native_uint8_resize_on_cpu", lambda _: False
    )

    assert torch.equal(resized(PICTURE, 30, 30), transforms.resize(PICTURE, [30, 30], antialias=True))


def test_scaled_bytes_are_torchvision_s_to_the_bit():
    preprocess = Preprocess(size=8, mean=(0.485, 0.456, 0.406), spread=(0.229, 0.224, 0.225))
    pixels = torch.arange(192, dtype=torch.uint8).reshape(3, 8, 8)

    wanted = transforms.normalize(
        transforms.to_dtype(pixels, torch.float32, scale=True), [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    )
    assert torch.equal(preprocess.scale(pixels), wanted)


def test_reading_a_photo_loads_neither_torchvision_nor_pytorch_s_compiler(photos):
    from PIL import Image

    Image.open(photos / "red" / "000.png").save(photos / "red" / "000.jpg")
    code = f"""
import sys, convscope
from convscope.data import decode
listing = convscope.read({str(photos)!r})
preprocess = convscope.Preprocess(size=28, mean=(0,) * 3, spread=(1,) * 3)
preprocess.scale(preprocess.fit(listing.picture(listing.files.index("red/000.jpg"))))
assert decode.BY_TORCHVISION
print([name for name in ("torchvision", "torch._dynamo") if name in sys.modules])
"""
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert seen.strip() == "[]"
