"""`Preprocess`: how a picture becomes a network's input, as data that travels inside the model file."""

from functools import lru_cache
from typing import Annotated, Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor

from convscope.data.resize import resized

Resize = Literal["crop", "squash", "pad"]
Finite = Annotated[float, Field(allow_inf_nan=False)]

# ITU-R BT.601 luma in 16-bit fixed point, as in libjpeg and Pillow; the three add up to 65,536
LUMA = (19_595, 38_470, 7_471)


class Preprocess(BaseModel):
    """Picture → input: cut a box in whole pixels, one antialiased uint8 resize to `size`, then scale.

    The picture is decoded to uint8 and turned by its EXIF orientation before it comes here (`data.decode`).

    Attributes:
        size: side of the network's square input, in pixels.
        channels: 1 (grey, BT.601 luma) or 3 (RGB).
        resize: `crop` cuts the central square, `squash` takes the whole picture and changes its shape,
            `pad` keeps both and fills the rest with `fill`.
        share: with `crop`, the square's side as a share of the shorter side.
        fill: grey level, 0 to 255, of what `pad` adds.
        interpolation: how pixels are mixed; always antialiased.
        decode: `full`, or `scaled`: a large JPEG is made smaller by 2, 4 or 8 as it is decoded, which takes a half
            to a third of the time and moves answers a little; the box is then cut from what comes out.
        mean: subtracted from each channel after values were brought from 0..255 to 0..1.
        spread: what each channel is divided by then.

    Example:
        >>> Preprocess(size=28, channels=1, mean=(0.5,), spread=(0.5,)).box(40, 30)
        (0, 5, 30, 30)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int = Field(ge=8, le=4096)
    channels: Literal[1, 3] = 3
    resize: Resize = "crop"
    share: float = Field(default=1.0, gt=0, le=1)
    fill: int = Field(default=128, ge=0, le=255)
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    decode: Literal["full", "scaled"] = "full"
    mean: tuple[Finite, ...]
    spread: tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...]

    @model_validator(mode="after")
    def _one_number_per_channel(self) -> Self:
        if not len(self.mean) == len(self.spread) == self.channels:
            raise ValueError(f"mean and spread need {self.channels} numbers, one per channel")
        return self

    def box(self, width: int, height: int) -> tuple[int, int, int, int]:
        """The rectangle of the picture that is used, in whole pixels: (top, left, height, width)."""
        if self.resize != "crop":
            return 0, 0, height, width
        side = max(1, round(self.share * min(width, height)))
        return (height - side) // 2, (width - side) // 2, side, side

    def placement(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Where the resized box lies in the input, in pixels: (top, left, height, width).

        Everything but `pad` fills the input; `pad` centres the longer side's fit.

        >>> Preprocess(size=32, channels=1, resize="pad", mean=(0,), spread=(1,)).placement(64, 16)
        (12, 0, 8, 32)
        """
        if self.resize != "pad":
            return 0, 0, self.size, self.size
        longer = max(width, height)
        tall, wide = max(1, round(height * self.size / longer)), max(1, round(width * self.size / longer))
        return (self.size - tall) // 2, (self.size - wide) // 2, tall, wide

    def shrink(self, width: int, height: int) -> int:
        """How many times smaller a JPEG of this size may be decoded: 1, 2, 4 or 8.

        What is cut from it stays at least twice as large, each way, as what it becomes. The sides may be swapped, as
        a camera does that was held upright.

        >>> Preprocess(size=224, decode="scaled", mean=(0,) * 3, spread=(1,) * 3).shrink(4000, 3000)
        4
        """
        if self.decode == "full":
            return 1
        return next((times for times in (8, 4, 2) if self._ample(-(-width // times), -(-height // times))), 1)

    def _ample(self, width: int, height: int) -> bool:
        there, here = self.box(width, height)[2:], self.placement(width, height)[2:]
        return all(cut >= 2 * becomes for cut, becomes in zip(there, here, strict=True))

    def fit(self, picture: Tensor) -> Tensor:
        """Cut and resize, still in bytes.

        Shape:
            uint8 (..., 1 or 3, H, W) -> uint8 (..., channels, size, size)
        """
        height, width = picture.shape[-2:]
        top, left, tall, wide = self.placement(width, height)
        fitted = self.cut(picture, self.box(width, height), tall, wide)
        return fitted if (tall, wide) == (self.size, self.size) else self._laid(fitted, top, left, self.size, self.size)

    def cut(self, picture: Tensor, box: tuple[int, int, int, int], height: int, width: int) -> Tensor:
        """Any box of a picture at any size, still in bytes; where it reaches beyond the picture, there is `fill`.

        Args:
            picture: uint8 (..., 1 or 3, H, W).
            box: (top, left, height, width) in whole pixels; some of it lies in the picture.
            height: of what comes out, in pixels.
            width: likewise.

        Shape:
            uint8 (..., 1 or 3, H, W) -> uint8 (..., channels, height, width)

        >>> preprocess = Preprocess(size=8, channels=1, fill=9, mean=(0,), spread=(1,))
        >>> preprocess.cut(torch.tensor([[[1, 2]]], dtype=torch.uint8), (0, 1, 1, 2), 1, 2).tolist()
        [[[2, 9]]]
        """
        top, left, tall, wide = box
        first, last = max(0, top), min(picture.shape[-2], top + tall)
        start, end = max(0, left), min(picture.shape[-1], left + wide)
        part = _with_channels(picture[..., first:last, start:end], self.channels)
        if part.shape[-2:] == (tall, wide):
            return resized(part, height, width, self.interpolation).contiguous()
        rows = max(1, round((last - first) * height / tall))
        columns = max(1, round((end - start) * width / wide))
        above = min(round((first - top) * height / tall), height - rows)
        before = min(round((start - left) * width / wide), width - columns)
        return self._laid(resized(part, rows, columns, self.interpolation), above, before, height, width)

    def _laid(self, part: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
        """A part on a ground of `fill`."""
        whole = torch.full((*part.shape[:-2], height, width), self.fill, dtype=torch.uint8)
        whole[..., top : top + part.shape[-2], left : left + part.shape[-1]] = part
        return whole

    def scale(self, pixels: Tensor) -> Tensor:
        """Bytes to the numbers that the network reads: (x / 255 - mean) / spread.

        Shape:
            uint8 (..., channels, size, size) -> float32, same shape
        """
        mean, spread = _constants(self, pixels.device)
        return pixels.to(torch.float32).mul_(1 / 255).sub_(mean).div_(spread)


@lru_cache(maxsize=64)
def _constants(preprocess: Preprocess, device: torch.device) -> tuple[Tensor, Tensor]:
    """Mean and spread, each (channels, 1, 1): made once, for a training loop asks at every step."""
    mean, spread = (torch.tensor(values, device=device) for values in (preprocess.mean, preprocess.spread))
    return mean[:, None, None], spread[:, None, None]


def _with_channels(picture: Tensor, channels: int) -> Tensor:
    """Grey to RGB by repetition, RGB to grey by BT.601 luma rounded to whole bytes."""
    here = picture.shape[-3]
    if here == channels:
        return picture
    if channels == 3:
        return picture.expand(*picture.shape[:-3], 3, *picture.shape[-2:])
    red, green, blue = (picture.select(-3, channel).to(torch.int32) for channel in range(3))
    luma = (LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue + 32_768) >> 16
    return luma.to(torch.uint8).unsqueeze(-3)
