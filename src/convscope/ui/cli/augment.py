"""`convscope augment`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_type_hints

import typer

from convscope.errors import DataError, RecipeError
from convscope.ui.cli.options import Json, Lang, Quiet
from convscope.ui.console import Terminal
from convscope.words import say

if TYPE_CHECKING:
    from torch import Tensor

    from convscope.data.augment import Plan
    from convscope.data.listing import Listing
    from convscope.data.preprocess import Preprocess


def augment(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="A picture.", show_default=False)],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The sheet, a PNG.")] = Path("augment.png"),
    crop: Annotated[str, typer.Option(help="none, shift, area or jitter.")] = "area",
    area_from: Annotated[float, typer.Option(help="crop area: least share of the picture that is cut.")] = 0.35,
    jitter_to: Annotated[float, typer.Option(help="crop jitter: largest scale, as a multiple of the smallest.")] = 2.0,
    flip: Annotated[bool, typer.Option("--flip/--no-flip", help="Mirror half of them.")] = True,
    colour: Annotated[str, typer.Option(help="none, pca (AlexNet's) or jitter.")] = "none",
    policy: Annotated[str, typer.Option(help="none, rand (RandAugment) or trivial (TrivialAugment).")] = "none",
    erase: Annotated[float, typer.Option(help="Share of pictures from which a box is erased.")] = 0.0,
    size: Annotated[int, typer.Option(help="Side of the network's input in pixels.")] = 224,
    resize: Annotated[str, typer.Option(help="How the picture becomes square: crop, squash or pad.")] = "crop",
    count: Annotated[int, typer.Option(help="Epochs to show.")] = 15,
    seed: Annotated[int, typer.Option(help="Of all that is drawn.")] = 0,
    json: Json = False,
    quiet: Quiet = False,
    lang: Lang = None,
) -> None:
    """A sheet with the picture as a network sees it, and what it becomes in each epoch of training. The options are
    those of a recipe.

    \b
    Examples:
      convscope augment cat.jpg --out cat.png
      convscope augment cat.jpg --policy trivial --erase 0.25
      convscope augment cat.jpg --crop jitter --colour pca --count 24
      convscope augment digit.png --size 28 --crop shift --no-flip --json
    """
    from convscope.data.augment import Plan
    from convscope.data.files import write_bytes
    from convscope.data.preprocess import Preprocess
    from convscope.data.sources import gather
    from convscope.explanation.draw.sheet import sheet

    terminal = Terminal(json_wanted=json, quiet=quiet, lang=lang)
    wanted: dict[str, Any] = {
        "crop": crop, "area_from": area_from, "jitter_to": jitter_to, "flip": flip, "colour": colour, "policy": policy,
        "erase": erase,
    }  # fmt: skip
    _check_words(get_type_hints(Plan) | {"resize": get_type_hints(Preprocess)["resize"]}, wanted | {"resize": resize})
    bounds: dict[str, tuple[float, float]] = {
        "area_from": (0.01, 1), "jitter_to": (1, 4), "erase": (0, 1), "size": (8, 4096), "count": (1, 99),
        "seed": (0, 2**32 - 1),
    }  # fmt: skip
    _check_numbers(bounds, wanted | {"size": size, "count": count, "seed": seed})
    if out.suffix.lower() != ".png":
        raise RecipeError(f"--out {out}: a PNG is written; give a name that ends in .png")
    listing = gather([image])
    if len(listing) != 1:
        raise DataError(f"{image}: {len(listing):,} pictures; give one")
    plan, channels = Plan(**wanted), listing.channels
    preprocess = Preprocess(
        size=size, channels=channels, resize=resize, mean=(0.5,) * channels, spread=(0.5,) * channels
    )
    original, *variants = _pictures(listing, preprocess, plan, seed, count)
    language = terminal.language
    lines = [say("augment.epoch", language, number=number + 1) for number in range(count)]
    title = say("augment.title", language, name=Path(image).name, size=size, seed=seed)
    content = sheet([(say("augment.original", language), original), *zip(lines, variants, strict=True)], title)
    try:
        write_bytes(out, content)
    except OSError as error:
        raise RecipeError(f"--out {out}: cannot be written ({error.strerror or error})") from None
    terminal.message("augment.plan", plan=_told(plan))
    terminal.say("augment.saved", file=out)
    terminal.result(
        {
            "file": image, "out": str(out), "plan": asdict(plan),
            "variants": [{"epoch": number + 1} for number in range(count)],
        }
    )  # fmt: skip


def _pictures(listing: "Listing", preprocess: "Preprocess", plan: "Plan", seed: int, count: int) -> "list[Tensor]":
    """The picture as it is, and as each epoch sees it: the way that training takes."""
    import numpy as np

    from convscope.data.augment import Augmented, roomy
    from convscope.data.batches import Pixels

    one, pixels = np.array([0]), Pixels(listing, roomy(preprocess, plan), keep="memory", threads=1)
    augmented = Augmented(pixels, preprocess.size, seed, plan)
    epochs = [augmented.epoch(number + 1)[one][0] for number in range(count)]
    return [preprocess.fit(listing.picture(0)), *epochs]


def _check_words(kinds: dict[str, Any], given: dict[str, Any]) -> None:
    for name, kind in kinds.items():
        allowed = get_args(kind)
        if name in given and allowed and given[name] not in allowed:
            raise RecipeError(f"--{name} {given[name]}: allowed: {', '.join(allowed)}")


def _check_numbers(bounds: dict[str, tuple[float, float]], given: dict[str, Any]) -> None:
    for name, (least, most) in bounds.items():
        if not least <= given[name] <= most:
            raise RecipeError(f"--{name.replace('_', '-')} {given[name]:.10g}: needs {least} to {most}")


def _told(plan: "Plan") -> str:
    """What is done, in the recipe's own words."""
    unused = {"area_from": plan.crop != "area", "jitter_to": plan.crop != "jitter"}
    done = {name: value for name, value in asdict(plan).items() if value not in {"none", 0} and not unused.get(name)}
    return ", ".join(name if value is True else f"{name} {value}" for name, value in done.items()) or "none"
