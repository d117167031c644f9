"""What a tower shows from top to bottom: single layers, and blocks whose ways run side by side."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from convscope.explanation.draw.parts import Part, Row, rows, tree
from convscope.layers.summary import Summary

OUTER = {"", "features", "classifier"}  # the whole, and the halves of our own networks
MANY_STEPS = 40  # beyond which blocks are drawn once though what they take in differs
MOST_CELLS = 6  # of a block that is drawn as one


@dataclass(frozen=True)
class Cell:
    """One box.

    Attributes:
        rows: what it stands for: one row, or all those of a gate.
        gate: whether it weighs maps by what the whole picture shows (squeeze-and-excite).
    """

    rows: tuple[Row, ...]
    gate: bool = False

    def key(self, *, inputs: bool) -> tuple[object, ...]:
        """What makes two boxes the same but for their names; with `inputs`, they also take in as many maps."""
        layers = [layer for row in self.rows for layer in row.layers if inputs or layer.kernel or layer.macs]
        shapes = tuple((each.kind, each.shape, each.kernel, each.stride, each.padding) for each in layers)
        return (*shapes, *(each.parameters for each in layers)) if inputs else shapes


@dataclass(frozen=True)
class Unit:
    """One step down the tower.

    Attributes:
        name: of the layer or part.
        group: name of the part that it stands in.
        columns: boxes from top to bottom, in each of the ways that run side by side.
        shape: of its output for one picture.
        around: boxes of the shortcut, () where it changes nothing, None where there is none.
        times: how many equal ones follow each other.
        total: trainable numbers of all of them; blocks of a very deep network may differ in these alone.
        last: short name of the last of them; "" where there is one.
    """

    name: str
    group: str
    columns: tuple[tuple[Cell, ...], ...]
    shape: tuple[int, ...]
    around: tuple[Cell, ...] | None = None
    times: int = 1
    total: int = 0
    last: str = ""

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All its boxes."""
        return tuple(cell for column in (*self.columns, self.around or ()) for cell in column)

    @property
    def rows(self) -> tuple[Row, ...]:
        """All its rows."""
        return tuple(row for cell in self.cells for row in cell.rows)

    @property
    def single(self) -> Row | None:
        """Its row, where it is one layer and no block."""
        return self.rows[0] if len(self.rows) == 1 and self.around is None else None

    @property
    def parameters(self) -> int:
        """Trainable numbers of one of the equal ones."""
        return sum(row.parameters for row in self.rows)

    def equals(self, other: "Unit", *, inputs: bool) -> bool:
        """Whether both are the same block in the same part but for their names."""
        mine, others = (
            (
                unit.group,
                unit.single,
                [len(column) for column in unit.columns],
                unit.around is None,
                *(cell.key(inputs=inputs) for cell in unit.cells),
            )
            for unit in (self, other)
        )
        return self.single is None and mine == others


def plan(summary: Summary) -> list[Unit]:
    """The steps from the picture to the scores; equal blocks that follow each other are one step."""
    every = units(summary)
    folded = _folded(every, inputs=True)
    return folded if len(folded) <= MANY_STEPS else _folded(every, inputs=False)


def _folded(every: list[Unit], *, inputs: bool) -> list[Unit]:
    found: list[Unit] = []
    for unit in every:
        before = found[-1] if found else None
        if before and before.equals(unit, inputs=inputs):
            last = unit.name.rpartition(".")[2]
            found[-1] = replace(before, times=before.times + 1, total=before.total + unit.parameters, last=last)
        else:
            found.append(replace(unit, total=unit.parameters))
    return found


def units(summary: Summary) -> list[Unit]:
    """The same steps with every block on its own."""
    return list(_Planner(summary).units())


class _Planner:
    def __init__(self, summary: Summary) -> None:
        self.summary = summary
        self.shape: tuple[int, ...] = summary.input_shape
        # a layer may run several times: the object, not its name, tells which run is meant
        self.row_of = {id(row.first): row for row in rows(summary)}
        fields = [layer.receptive_field for layer in summary.layers]
        self.last_map = max((at for at, field in enumerate(fields) if field is not None), default=-1)
        self.place = {id(layer): at for at, layer in enumerate(summary.layers)}

    def units(self) -> Iterator[Unit]:
        yield from self._walk(tree(self.summary), "")

    def _walk(self, part: Part, group: str) -> Iterator[Unit]:
        cells = self._cells(part)
        if not cells:
            return
        columns: tuple[tuple[Cell, ...], ...] = (cells,)
        around: tuple[Cell, ...] | None = None
        if part.branches and part.name not in OUTER:
            columns = tuple(self._cells(branch) for branch in part.branches)
        elif part.goes_around(self.shape) and part.name not in OUTER:
            around = self._cells(part.shortcut) if part.shortcut else ()
            columns = (tuple(cell for cell in cells if cell not in around),)
        elif self._holds_steps(part, cells):
            for inner in part.parts:
                yield from self._walk(inner, part.name)
            return
        self.shape = part.shape if part.parts else cells[-1].rows[-1].first.shape
        yield Unit(part.name, group, columns, self.shape, around)

    def _holds_steps(self, part: Part, cells: tuple[Cell, ...]) -> bool:
        """Whether what it holds is shown step by step, and not as one block or one layer."""
        if part.layer or (len(cells) == 1 and part.name not in OUTER):
            return False
        return "." not in part.name or len(cells) > MOST_CELLS or any(_meets(inner) for inner in _inside(part))

    def _cells(self, part: Part) -> tuple[Cell, ...]:
        if part.layer:
            row = self.row_of.get(id(part.layer))
            return (Cell((row,)),) if row else ()
        inner = tuple(cell for each in part.parts for cell in self._cells(each))
        if part.name and len(inner) > 1 and self._gate(part):
            return (Cell(tuple(row for cell in inner for row in cell.rows), gate=True),)
        return inner

    def _gate(self, part: Part) -> bool:
        """Whether it sees the whole picture, and maps of the picture come after it all the same."""
        layers = list(part.layers())
        return all(each.receptive_field is None for each in layers) and self.place[id(layers[-1])] < self.last_map


def gated(summary: Summary) -> bool:
    """Whether maps are weighed by numbers that see the whole picture, as in squeeze-and-excite."""
    whole = False
    for layer in summary.layers:
        if whole and layer.receptive_field is not None:
            return True
        whole = whole or layer.receptive_field is None
    return False


def _inside(part: Part) -> list[Part]:
    return list(part.everything())[1:]


def _meets(part: Part) -> bool:
    return bool(part.branches or part.shortcut or part.body)
