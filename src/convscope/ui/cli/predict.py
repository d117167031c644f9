"""`convscope predict`."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from convscope.errors import DataError
from convscope.ui.cli.options import Json, Lang, Model, Quiet
from convscope.ui.console import Terminal
from convscope.words import say

if TYPE_CHECKING:
    from convscope.evaluation.answers import Answer
    from convscope.evaluation.threshold import Wish as Threshold


def predict(
    model: Model,
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT...", help="Pictures, folders, zips or patterns such as 'new/*.jpg'.")
    ],
    top: Annotated[int, typer.Option(help="Classes to name for each picture, at most.")] = 5,
    csv: Annotated[
        Path | None, typer.Option(help="Also write a table: file, label, probability, error, and every class's.")
    ] = None,
    precision: Annotated[
        str, typer.Option(help="auto, f32 or bf16; auto takes bf16 for many pictures where that is faster.")
    ] = "auto",
    engine: Annotated[str, typer.Option(help="auto, torch (the reference), openvino or onnx.")] = "auto",
    threads: Annotated[int | None, typer.Option(help="To compute with; else what the machine allows.")] = None,
    threshold: Annotated[
        str,
        typer.Option(help="Probability below which a picture is none of these: 0 to 1, auto (the model's) or none."),
    ] = "none",
    json: Json = False,
    quiet: Quiet = False,
    lang: Lang = None,
) -> None:
    """A picture that cannot be read is named with the reason, and the others are answered all the same; the exit status
    is 2 only when none could be read. The table is written as the answers come, and is there when all have.

    \b
    Examples:
      convscope predict runs/lenet5_modern-photos new.jpg
      convscope predict model.safetensors holiday/ --top 1 --csv answers.csv
      convscope predict model.safetensors 'new/*.png' --json
      convscope predict model.safetensors new/ --threshold auto
    """
    from convscope.data.files import write_csv
    from convscope.data.sources import gather
    from convscope.evaluation.answers import stream
    from convscope.evaluation.threshold import asked
    from convscope.inference.choice import Wish
    from convscope.inference.engine import PRECISIONS
    from convscope.models.bundle import Bundle

    wishes: tuple[Wish, ...] = ("auto", *PRECISIONS)
    wish = next((known for known in wishes if known == precision), None)
    if wish is None:
        raise DataError(f"--precision {precision}: allowed: {', '.join(wishes)}")
    for flag, value in (("--top", top), ("--threads", threads)):
        if value is not None and value < 1:
            raise DataError(f"{flag} {value}: needs at least 1")
    terminal = Terminal(json_wanted=json, quiet=quiet, lang=lang)
    bundle = Bundle.load(model)
    limit = asked(_wish(threshold), bundle.card.threshold)
    listing = gather(inputs)
    told = _Told(terminal, top, limit, keep=json)
    answers = told.each(stream(bundle, listing, precision=wish, backend=engine, threads=threads, listener=terminal))
    if csv:
        added = () if limit is None else ("known",)
        header = ("file", "label", "probability", "error", *added, *(f"p:{name}" for name in bundle.card.classes))
        try:
            write_csv(csv, header, (_cells(answer, limit) for answer in answers))
        except OSError as error:
            raise DataError(f"--csv {csv}: cannot be written ({error.strerror or error})") from None
    else:
        for _ in answers:
            pass
    if told.failed == len(listing):
        others = f" (and {told.failed - 1} more)" if told.failed > 1 else ""
        raise DataError(f"{told.rows[0]['file']}: {told.rows[0]['error']}{others}")
    if told.failed:
        terminal.message("predict.broken", count=told.failed, total=len(listing))
    terminal.result(told.rows)


class _Told:
    """Prints answers as they come; failures wait for the first success, for without one there is one error to tell."""

    def __init__(self, terminal: Terminal, top: int, limit: float | None, *, keep: bool) -> None:
        self.terminal, self.top, self.limit, self.keep = terminal, top, limit, keep
        self.rows: list[dict[str, Any]] = []  # not printed yet; with `keep` all of them, for JSON is printed at the end
        self.failed = self.told = 0

    def each(self, answers: "Iterator[Answer]") -> "Iterator[Answer]":
        """The same answers, printed on their way by."""
        for answer in answers:
            self.rows.append(answer.to_dict(self.top, self.limit))
            self.failed += answer.error is not None
            self.told += 1
            if self.failed < self.told and not self.keep:
                for row in self.rows:
                    self._print(row)
                self.rows.clear()
            yield answer

    def _print(self, row: dict[str, Any]) -> None:
        unknown = say("predict.none_of_these", self.terminal.language) if row.get("known") is False else None
        told = row["error"] or unknown
        self.terminal.line(f"{row['file']}" + (f": {told}" if told else ""))
        for entry in row["top"]:
            self.terminal.line(f"  {entry['probability']:.4f}  {entry['label']}")


def _wish(threshold: str) -> "Threshold":
    """What `--threshold` asks for."""
    if threshold in {"auto", "none"}:
        return threshold  # type: ignore[return-value]
    try:
        return float(threshold)
    except ValueError:
        raise DataError(f"--threshold {threshold}: allowed: a number from 0 to 1, auto or none") from None


def _cells(answer: "Answer", limit: float | None) -> list[str]:
    """A row of the table, the numbers as in a run's predictions.csv; "yes" or "no" where a limit was asked for."""
    chances = answer.probabilities
    if chances is None:
        added = [] if limit is None else [""]
        return [answer.file, "", "", answer.error or "", *added, *("" for _ in answer.classes)]
    best = int(chances.argmax())
    numbers = [f"{chance:.6f}" for chance in chances]
    added = [] if limit is None else ["yes" if answer.known(limit) else "no"]
    return [answer.file, answer.classes[best], numbers[best], "", *added, *numbers]
