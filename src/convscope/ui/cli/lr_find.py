"""`convscope lr-find`."""

import shlex
from collections.abc import Sequence
from math import log10
from pathlib import Path
from typing import Annotated

import typer

from convscope.errors import DataError, RecipeError
from convscope.ui.cli.options import Json, Lang, Quiet
from convscope.ui.cli.train import in_flags
from convscope.ui.console import Terminal

WIDTH, HEIGHT = 72, 10


def lr_find(
    data: Annotated[str, typer.Argument(metavar="DATA", help="What `convscope train` takes.", show_default=False)],
    model: Annotated[str | None, typer.Option(help="Network, from `convscope models`, or YAML of layers.")] = None,
    mode: Annotated[str, typer.Option(help="scratch or finetune.")] = "scratch",
    weights: Annotated[str | None, typer.Option(help="finetune: default (what is at hand), or a file.")] = None,
    recipe: Annotated[str | None, typer.Option(help="plain, paper or practical: all but the rate [plain].")] = None,
    optimiser: Annotated[str | None, typer.Option(help="adam, adamw, sgd or rmsprop [adam].")] = None,
    batch: Annotated[int | None, typer.Option(help="Pictures per step [64; finetune 32].")] = None,
    size: Annotated[int | None, typer.Option(help="Side of the network's input in pixels.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of initialisation and order [0].")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda [auto].")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE.png", help="Draw the loss over the rates.")] = None,
    json: Json = False,
    quiet: Quiet = False,
    lang: Lang = None,
) -> None:
    """A hundred steps, each at a larger rate, on a copy of the network: the suggested peak rate is where the loss falls
    fastest. Nothing is trained for good. The rate holds for this optimiser and batch, so give both to train, too.

    \b
    Examples:
      convscope lr-find photos/ --model resnet18 --size 128 --optimiser sgd --out curve.png
      convscope lr-find digits --model lenet5_modern --batch 32
      convscope lr-find photos/ --model vgg11 --recipe practical --json
    """
    from convscope.data.files import write_bytes
    from convscope.data.sources import read
    from convscope.training.lr_find import search
    from convscope.training.recipe import parse

    if out and out.suffix.lower() != ".png":
        raise DataError(f"--out {out}: give a file name that ends in .png")
    terminal = Terminal(json_wanted=json, quiet=quiet, lang=lang)
    given: dict[str, object] = {
        "data": data, "model": model, "mode": mode, "weights": weights, "recipe": recipe,
        "optimiser": optimiser, "batch": batch, "size": size, "seed": seed, "device": device,
    }  # fmt: skip
    given = {name: value for name, value in given.items() if value is not None}
    try:
        found, material = search(read(data), parse(given), terminal)
    except RecipeError as error:
        raise in_flags(error, given) from None
    terminal.close()
    if out:
        from convscope.explanation.draw.rate_curve import rate_curve

        drawn = rate_curve(found.rates, found.losses, found.smoothed, found.suggestion, terminal.language)
        try:
            write_bytes(out, drawn)
        except OSError as error:
            raise DataError(f"--out {out}: cannot be written ({error.strerror or error})") from None
    if not quiet:
        for line in chart(found.rates, found.smoothed, found.suggestion):
            terminal.line(line)
    if found.fell:
        low, high = found.rates[0], found.rates[-1]
        told = {"tried": len(found.rates), "low": low, "high": high, "best": found.lowest}
        terminal.say("lr_find.found", rate=found.suggestion, **told)
        flags = shlex.join(
            text for name, value in given.items() if name != "data" for text in (f"--{name}", str(value))
        )
        terminal.say("lr_find.next", data=shlex.quote(data), flags=flags, rate=found.suggestion)
    else:
        terminal.say("lr_find.none", rate=found.suggestion)
    if out:
        terminal.say("lr_find.saved", file=out)
    chosen = material.recipe
    about = {"model": chosen.network, "optimiser": chosen.optimiser, "batch": chosen.batch, "curve": out and str(out)}
    terminal.result(found.to_dict() | about)


def chart(
    rates: Sequence[float], losses: Sequence[float], suggestion: float, width: int = WIDTH, height: int = HEIGHT
) -> list[str]:
    """The loss over the rates in lines of text; what passes its first value is cut off.

    Args:
        rates: growing by the same factor.
        losses: one for each.
        suggestion: the rate that is marked below.
        width: letters beside the scale.
        height: lines above the axis.

    Example:
        >>> print("\\n".join(chart((0.01, 0.1, 1.0), (2.0, 1.0, 9.0), 0.1, width=3, height=2)))
           2.00 |* *
           1.00 | *
                +---
                  ^
                 0.01 … 1, ^ 0.1
    """
    places = [round(number * (width - 1) / (len(rates) - 1)) for number in range(len(rates))]
    low, high = min(losses), losses[0]
    span = max(high - low, 1e-12)
    grid = [[" "] * width for _ in range(height)]
    for place, loss in zip(places, losses, strict=True):
        line = round((high - min(loss, high)) / span * (height - 1))
        grid[line][place] = "*"
    marked = round(log10(suggestion / rates[0]) / log10(rates[-1] / rates[0]) * (width - 1))
    labels = [f"{high - span * number / (height - 1):7.2f}" for number in range(height)]
    lines = [f"{label} |{''.join(row)}".rstrip() for label, row in zip(labels, grid, strict=True)]
    lines += [f"{'':8}+{'-' * width}", f"{'':9}{' ' * marked}^"]
    return [*lines, f"{'':9}{rates[0]:.3g} … {rates[-1]:.3g}, ^ {suggestion:.3g}"]
