"""A learning-rate range test as a picture: the loss over the rates that were tried."""

from collections.abc import Sequence
from io import BytesIO

from convscope.words import Language, say

# fonts that can write Hangul, by system; without one of them the labels are English
HANGUL = ("Noto Sans CJK KR", "Noto Sans KR", "NanumGothic", "Malgun Gothic", "Apple SD Gothic Neo", "AppleGothic")
INCHES, DOTS = (7.0, 4.2), 120
BLUE, GREY, RED = "#1f5fa8", "#b8c4d0", "#c0392b"
# of the scale's height, above what the loss was at first: an exploding loss would flatten the rest
ROOM = 0.3


def rate_curve(
    rates: Sequence[float],
    losses: Sequence[float],
    smoothed: Sequence[float],
    suggestion: float,
    language: Language = "en",
) -> bytes:
    """The curve as a PNG file's bytes.

    Args:
        rates: that were tried, growing.
        losses: of each step.
        smoothed: the same, averaged.
        suggestion: the rate to mark.
        language: of the labels.
    """
    from matplotlib import font_manager
    from matplotlib.figure import Figure

    fonts = [name for name in HANGUL if name in font_manager.get_font_names()]
    spoken: Language = language if language != "ko" or fonts else "en"
    family = fonts[:1] if spoken == "ko" else ["DejaVu Sans"]
    figure = Figure(figsize=INCHES, dpi=DOTS, layout="constrained")
    axes = figure.add_subplot()
    axes.plot(rates, losses, ".", color=GREY, markersize=4, label=say("lr_find.loss", spoken))
    axes.plot(rates, smoothed, color=BLUE, linewidth=2, label=say("lr_find.smoothed", spoken))
    label = f"{say('lr_find.suggestion', spoken)}: {suggestion:.3g}"
    axes.axvline(suggestion, color=RED, linestyle="--", linewidth=1.2, label=label)
    low, first = min(smoothed), smoothed[0]
    height = max(first - low, 0.05 * first)
    axes.set_ylim(low - ROOM * height, first + ROOM * height)
    axes.set_xscale("log")
    axes.set_xlabel(say("lr_find.rate", spoken), family=family)
    axes.grid(visible=True, alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, prop={"family": family})
    written = BytesIO()
    figure.savefig(written, format="png")
    return written.getvalue()
