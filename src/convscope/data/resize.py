"""The one resize that every path shares: antialiased, on bytes, by PyTorch's own operator.

The same bits as torchvision's `resize`, whose import loads PyTorch's compiler: two to three seconds at every start.
"""

import platform

import torch
from torch import Tensor
from torch.nn import functional

# where PyTorch resizes bytes without a detour; elsewhere torchvision, and so we, resize numbers and round them
ON_BYTES = torch.backends.cpu.get_cpu_capability() in {"AVX2", "AVX512"} or platform.machine() in {"aarch64", "arm64"}


def resized(picture: Tensor, height: int, width: int, interpolation: str = "bilinear") -> Tensor:
    """A picture at another size, antialiased when it becomes smaller.

    Shape:
        uint8 (C, H, W) or (N, C, H, W) -> uint8 (C, height, width) or (N, C, height, width)

    Args:
        picture: on the CPU.
        height: wanted, in pixels.
        width: wanted, in pixels.
        interpolation: "bilinear" or "bicubic".

    Example:
        >>> resized(torch.tensor([[[0, 100], [100, 200]]], dtype=torch.uint8), 1, 1)
        tensor([[[100]]], dtype=torch.uint8)
    """
    if picture.shape[-2:] == (height, width):
        return picture
    x = picture.reshape(-1, *picture.shape[-3:])
    on_bytes = ON_BYTES or interpolation == "bicubic"
    x = functional.interpolate(
        x if on_bytes else x.float(), (height, width), mode=interpolation, align_corners=False, antialias=True
    )
    if not on_bytes:
        x = x.round_().to(torch.uint8)
    return x.reshape(*picture.shape[:-2], height, width)
