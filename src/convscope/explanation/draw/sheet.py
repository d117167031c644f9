"""Pictures side by side with a line under each, as a PNG."""

import io
import math
import warnings
from collections.abc import Sequence

from torch import Tensor

# fonts that know Hangul, as systems ship them; matplotlib's own does not
FONTS = (
    "Noto Sans CJK KR", "Noto Sans KR", "NanumGothic", "Malgun Gothic", "Apple SD Gothic Neo", "AppleGothic",
    "Noto Sans CJK JP",
)  # fmt: skip
CELL_INCHES, DPI = 1.6, 140


def sheet(pictures: Sequence[tuple[str, Tensor]], title: str) -> bytes:
    """A sheet of pictures in rows, about as wide as it is high.

    Args:
        pictures: what is written under each, and the picture, uint8 (1 or 3, H, W).
        title: above all of them.

    Example:
        >>> import torch
        >>> sheet([("a", torch.zeros(1, 8, 8, dtype=torch.uint8))], "one")[:4]
        b'\\x89PNG'
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    columns = math.ceil(math.sqrt(len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    with rc_context({"font.family": [*_fonts(), "DejaVu Sans"], "font.size": 8}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # no such font here: boxes are drawn
        figure = Figure(figsize=(CELL_INCHES * columns, CELL_INCHES * 1.15 * rows + 0.4), layout="constrained")
        figure.suptitle(title, parse_math=False)
        for place, (line, picture) in enumerate(pictures):
            axes = figure.add_subplot(rows, columns, place + 1)
            axes.imshow(picture.expand(3, -1, -1).permute(1, 2, 0).numpy(), interpolation="nearest")
            axes.set_axis_off()
            axes.set_title(line, y=-0.14, parse_math=False)
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
    return file.getvalue()


def _fonts() -> list[str]:
    """Those that are installed; matplotlib would warn of others."""
    from matplotlib.font_manager import fontManager

    here = {font.name for font in fontManager.ttflist}
    return [name for name in FONTS if name in here][:1]
