"""`compare`: is one run really better than another? Judged on the pictures that all of them answered."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from convscope.errors import DataError
from convscope.evaluation.finished import Finished
from convscope.evaluation.metrics import wilson
from convscope.evaluation.paired import RESAMPLES, bootstrap, holm, mcnemar
from convscope.words import Language, say

LEAST_PAIRS = 30
LEVEL = 0.05  # of the test: how often it may see a difference where there is none


@dataclass(frozen=True)
class Compared:
    """One run of a comparison.

    Attributes:
        run: its folder, as it was given.
        name: short, and no other's.
        network: what was trained.
        mode: how much of it was learned, where the run says so.
        precision: arithmetic it was judged with.
        seconds: of training and judging; None where the run does not say.
        n: pictures it was judged on by itself.
        right: of the paired pictures.
        top1: share of them.
        interval: 95 % Wilson interval of `top1`.
        only_this: pictures that this run alone gets right, beside the best run.
        only_best: pictures that the best run alone gets right.
        p_value: of the difference to the best run, corrected; None for that run itself.
        difference: by how much the best run's top-1 is higher; 0 for that run itself.
        difference_interval: 95 % interval of that, by paired bootstrap; None for that run itself.
    """

    run: str
    name: str
    network: str
    mode: str | None
    precision: str
    seconds: float | None
    n: int
    right: int
    top1: float
    interval: tuple[float, float]
    only_this: int
    only_best: int
    p_value: float | None
    difference: float
    difference_interval: tuple[float, float] | None

    @property
    def worse(self) -> bool:
        """Whether it is shown to be worse than the best run."""
        return self.p_value is not None and self.p_value < LEVEL

    @property
    def probability(self) -> str:
        """`p_value` as it is written; 1 for the best run."""
        p_value = 1.0 if self.p_value is None else self.p_value
        return "p < 0.0001" if p_value < 0.0001 else f"p = {p_value:.2g}"


@dataclass(frozen=True)
class Comparison:
    """What `compare` found.

    Attributes:
        runs: in the order given.
        best: index of the one that is right most often, the first of a tie.
        pairs: pictures that every run was judged on; copies of one picture count once.
        split: the part they are of.
    """

    runs: tuple[Compared, ...]
    best: int
    pairs: int
    split: str

    @property
    def p_value(self) -> float:
        """The largest of the runs': below 0.05, the best run is better than every other."""
        return max(run.p_value for run in self.runs if run.p_value is not None)

    @property
    def only(self) -> tuple[int, int] | None:
        """Of two runs: pictures that only the first gets right, and that only the second does."""
        if len(self.runs) != 2:
            return None
        rival = self.runs[1 - self.best]
        return (rival.only_this, rival.only_best) if self.best else (rival.only_best, rival.only_this)

    def verdict(self, language: Language = "en") -> str:
        """In a sentence, which run is better than which, and of which that cannot be said."""
        best = self.runs[self.best]
        others = [run for run in self.runs if run is not best]
        if len(others) == 1 and others[0].right == best.right:
            return say("compare.equal", language, first=self.runs[0].name, second=self.runs[1].name)
        worse, unclear = (
            ", ".join(f"{run.name} ({run.probability})" for run in others if run.worse == wanted)
            for wanted in (True, False)
        )
        key = "compare.mixed" if worse and unclear else "compare.better" if worse else "compare.none"
        return say(key, language, best=best.name, worse=worse, unclear=unclear)

    def paired(self, language: Language = "en") -> str:
        """In a sentence, how many pictures count."""
        return say("compare.pairs", language, pairs=self.pairs, split_name=say(f"split.{self.split}", language))

    def tested(self, language: Language = "en") -> str:
        """In a sentence, which test this is."""
        if self.only is None:
            return say("compare.test.many", language, count=len(self.runs) - 1)
        first, second = (run.name for run in self.runs)
        return say("compare.test.two", language, first=first, second=second, only_a=self.only[0], only_b=self.only[1])

    def differing(self, language: Language = "en") -> str:
        """In a sentence, by how much the best run is right more often than each other one."""
        best, parts = self.runs[self.best], []
        for run in self.runs:
            if run.difference_interval is not None:
                low, high = run.difference_interval
                points = {"points": 100 * run.difference, "low": 100 * low, "high": 100 * high}
                parts.append(say("compare.points", language, name=run.name, **points))
        return say("compare.bootstrap", language, best=best.name, others="; ".join(parts), count=f"{RESAMPLES:,}")

    def to_dict(self, language: Language = "en") -> dict[str, Any]:
        """What `convscope compare --json` prints; `only_a` and `only_b` are of two runs."""
        return {
            "runs": [asdict(run) for run in self.runs],
            "p_value": self.p_value,
            "verdict": self.verdict(language),
            "better": self.p_value < LEVEL,
            "best": self.runs[self.best].run,
            "pairs": self.pairs,
            "split": self.split,
            "only_a": self.only[0] if self.only else None,
            "only_b": self.only[1] if self.only else None,
            "difference": self.runs[1 - self.best].difference if self.only else None,
            "difference_interval": self.runs[1 - self.best].difference_interval if self.only else None,
            "test": "exact McNemar, two-sided" + ", each against the best, Holm-corrected" * (not self.only),
        }

    def chart(self, language: Language = "en") -> str:
        """Accuracy with its interval against training time, as an SVG file."""
        from convscope.evaluation.page.runs import chart

        return chart(self, language)

    def page(self, language: Language = "en") -> str:
        """Verdict and chart as one HTML file that needs nothing else, in both languages."""
        from convscope.evaluation.page.runs import page

        return page(self, language)

    def _repr_html_(self) -> str:
        return self.chart()


def compare(runs: Sequence[str | Path]) -> Comparison:
    """Compare finished runs on the pictures that all of them were judged on, told by their content.

    Two runs meet in McNemar's exact test, which counts only the pictures that one of them gets right and the other
    wrong. Of more than two, each meets the best, and the p-values are corrected by Holm for the number of tests. How
    much better the best is, a paired bootstrap says.

    Args:
        runs: run folders, at least two.

    Raises:
        DataError: no finished run there, runs of other classes or another part, or fewer than 30 common pictures.

    Source:
        Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
        Psychometrika 12, 1947; S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian
        Journal of Statistics 6, 1979.
    """
    given = [str(runs)] if isinstance(runs, (str, Path)) else [str(run) for run in runs]
    if len(given) < 2:
        raise DataError(f"compare: {len(given)} run given ({', '.join(given)}); it takes two or more")
    answers = [Finished.read(Path(run)) for run in given]
    _refuse_strangers(given, answers)
    shared = set(answers[0].right).intersection(*(each.right for each in answers[1:]))
    if len(shared) < LEAST_PAIRS:
        counts = ", ".join(f"{run} {len(each.right):,}" for run, each in zip(given, answers, strict=True))
        raise DataError(
            f"only {len(shared):,} pictures were judged by all of these runs ({counts}); a paired test needs "
            f"{LEAST_PAIRS}: train them on the same data with the same --split-seed and --test-share"
        )

    right = [{key for key in shared if each.right[key]} for each in answers]
    best = max(range(len(given)), key=lambda index: len(right[index]))
    others = [index for index in range(len(given)) if index != best]
    tests = [mcnemar(len(right[index] - right[best]), len(right[best] - right[index])) for index in others]
    p_values = dict(zip(others, holm(tests), strict=True))
    names = _short(given)
    compared = (
        Compared(
            run=given[index],
            name=names[index],
            network=each.report.model,
            mode=each.mode,
            precision=each.report.precision,
            seconds=each.seconds,
            n=each.report.n,
            right=len(right[index]),
            top1=len(right[index]) / len(shared),
            interval=wilson(len(right[index]), len(shared)),
            only_this=len(right[index] - right[best]),
            only_best=len(right[best] - right[index]),
            p_value=p_values.get(index),
            difference=(len(right[best]) - len(right[index])) / len(shared),
            difference_interval=None
            if index == best
            else bootstrap(len(right[best] - right[index]), len(right[index] - right[best]), len(shared)),
        )
        for index, each in enumerate(answers)
    )
    return Comparison(tuple(compared), best, len(shared), answers[0].report.split)


def _refuse_strangers(given: list[str], answers: list[Finished]) -> None:
    first = answers[0].report
    for run, report in zip(given[1:], (each.report for each in answers[1:]), strict=True):
        if set(report.classes) != set(first.classes):
            odd = sorted(set(report.classes) ^ set(first.classes))
            raise DataError(
                f"{given[0]} and {run} know other classes ({len(odd):,} are of one run only; first: {odd[0]!r}); "
                "compare runs of the same data"
            )
        if report.split != first.split:
            raise DataError(
                f"{given[0]} was judged on {first.split} pictures, {run} on {report.split} pictures; "
                "train both with the same --test-share"
            )


def _short(given: list[str]) -> list[str]:
    """The runs' folder names; as they were given, where two are alike."""
    names = [Path(run).resolve().name for run in given]
    return names if len(set(names)) == len(names) else given
