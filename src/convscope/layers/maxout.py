"""Maxout: an activation that is the largest of several linear pieces."""

from torch import Tensor, nn

from convscope.errors import ModelError


class Maxout(nn.Module):
    """y[c] = the largest of the `pieces` neighbouring maps x[c pieces], ..., x[c pieces + pieces - 1].

    The layer before makes `pieces` times as many maps and so holds all the weights: with two pieces, twice as many.

    Shape:
        (N, C * pieces, ...) -> (N, C, ...)

    Args:
        pieces: maps that compete for each one that comes out; two already bend as `abs` and ReLU do.

    Raises:
        ModelError: there are fewer than two pieces, or (when it runs) the maps cannot be shared out among them.
    Source:
        Goodfellow, Warde-Farley, Mirza, Courville & Bengio, "Maxout Networks", ICML 2013, section 3.

    Example:
        >>> import torch
        >>> Maxout(2)(torch.tensor([[1.0, -1.0, 3.0, 5.0]])).tolist()
        [[1.0, 5.0]]
    """

    def __init__(self, pieces: int = 2) -> None:
        super().__init__()
        if pieces < 2:
            raise ModelError(f"maxout chooses between at least 2 pieces, not {pieces}")
        self.pieces = pieces

    def forward(self, x: Tensor) -> Tensor:
        """Keep the largest piece; the gradient goes to it alone, in a tie to one of the largest."""
        if x.shape[1] % self.pieces:
            raise ModelError(
                f"maxout cannot share {x.shape[1]} maps out among {self.pieces} pieces; "
                f"let the layer before make a multiple of {self.pieces}"
            )
        return x.reshape(x.shape[0], -1, self.pieces, *x.shape[2:]).max(dim=2).values

    def extra_repr(self) -> str:
        """Pieces, for printing."""
        return f"pieces={self.pieces}"


class MaxoutConv2d(nn.Sequential):
    """A convolution with a maxout behind it: each output map is the largest of `pieces` convolutions.

    Shape:
        (N, channels_in, H, W) -> (N, channels_out, H', W'), H' and W' as of the convolution

    Args:
        channels_in: maps that come in.
        channels_out: maps that go out.
        kernel_size: side of the square kernels, in pixels.
        pieces: convolutions that compete for each map.
        stride: pixels from one position to the next.
        padding: pixels of zeros on each side.

    Raises:
        ModelError: there are fewer than two pieces.
    Source:
        Goodfellow, Warde-Farley, Mirza, Courville & Bengio, "Maxout Networks", ICML 2013, section 3.

    Example:
        >>> from convscope.layers.cost import parameters
        >>> parameters(MaxoutConv2d(3, 8, 5)), parameters(nn.Conv2d(3, 8, 5))
        (1216, 608)
    """

    def __init__(
        self, channels_in: int, channels_out: int, kernel_size: int, pieces: int = 2, stride: int = 1, padding: int = 0
    ) -> None:
        super().__init__(
            nn.Conv2d(channels_in, channels_out * pieces, kernel_size, stride, padding),
            Maxout(pieces),
        )
