"""The page of a run that is still training: it loads itself anew until the report takes its place."""

from collections.abc import Sequence

from convscope.evaluation.page.curves import training
from convscope.evaluation.page.shell import document, masthead
from convscope.words import LANGUAGES, Language, say
from convscope.words.markup import both, escape

REFRESH_S = 5
SHOWN = ("train_loss", "val_loss", "val_top1")


def render(
    model: str, curves: Sequence[dict[str, float]], epochs: int, left_s: float | None, found: str, language: Language
) -> str:
    """The page, in both languages.

    Args:
        model: what the network is called.
        curves: rows of metrics.csv so far.
        epochs: that are to be trained.
        left_s: seconds until all of them are; None where training has ended, and the page is loaded no more.
        found: markup of what the doctor says.
        language: what the page opens in.
    """
    if left_s is None:
        said, again_s = both("live.ended"), 0
    else:
        minutes = both("live.left", minutes=f"{left_s / 60:.1f}")
        said, again_s = f"{minutes} {both('live.refresh', seconds=REFRESH_S)}", REFRESH_S
    head = "".join(f'<th scope="col">{both(f"live.{key}")}</th>' for key in ("epoch", *SHOWN))
    rows = "".join(
        f'<tr><th scope="row">{row["epoch"]:g}</th>{"".join(f"<td>{row[key]:.4f}</td>" for key in SHOWN)}</tr>'
        for row in reversed(curves)
    )
    body = (
        f"{masthead(both('live.title', model=escape(model)))}\n<main>"
        f'<section class="headline"><p class="verdict">{both("live.epochs", done=len(curves), epochs=epochs)}</p>'
        f"<p>{said}</p></section>\n"
        f"{training(curves, language)}\n{found}\n"
        f'<section><div class="scroll"><table class="list"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section></main>"
    )
    titles = {each: say("live.title", each, model=model) for each in LANGUAGES}
    return document(titles, body, language, refresh_s=again_s)
