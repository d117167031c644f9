"""A network as a tower, from the picture at the top to the scores at the bottom: one SVG, made of text."""

from collections.abc import Callable
from importlib.resources import files

from convscope.explanation.draw.arithmetic import shape, window
from convscope.explanation.draw.boxes import bold, box, in_letters, kind, slab, wire, with_kernel
from convscope.explanation.draw.parts import Row
from convscope.explanation.draw.plan import Cell, Unit, plan
from convscope.layers.summary import Summary
from convscope.words import Language, say
from convscope.words.markup import both_in_svg, escape, spoken

Words = Callable[..., str]

WIDTH, MARGIN = 1000, 20
AXIS = 410  # where the maps have their middle
TEXT = 632  # where what is said of a step begins
FRAME = 404  # of a block
CELL, GAP, PAD = 26, 12, 16  # height of a box in a block, space between two, and around them
LINE, ARROW = 17, 20
NAME_LETTERS = 26


def tower(summary: Summary, about: str = "", language: Language = "en", *, in_page: bool = False) -> str:
    """The drawing.

    Args:
        summary: of any network.
        about: a line under the title, such as its paper.
        language: of its words.
        in_page: for the inside of our page: words in both languages, and boxes that lead to the rows of its list.
    """

    def alone(key: str, **values: object) -> str:
        return escape(say(key, language, **values))

    drawing = _Drawing(summary, both_in_svg if in_page else alone, in_page=in_page)
    drawing.head(about)
    drawing.picture()
    for unit in drawing.steps:
        drawing.unit(unit)
    drawing.foot()
    style = files("convscope.explanation.draw").joinpath("tower.css").read_text(encoding="utf-8")
    aloud = spoken("tower.aria", language, name=summary.name, rows=len(drawing.steps))
    height = round(drawing.y + MARGIN)
    size = "" if in_page else f' width="{WIDTH}" height="{height}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="tower"{size} viewBox="0 0 {WIDTH} {height}" {aloud}>'
        f'<style>{style}</style><rect class="paper" width="{WIDTH}" height="{height}"/>{"".join(drawing.parts)}</svg>\n'
    )


class _Drawing:
    """Grows downwards; `y` is where the next thing begins."""

    def __init__(self, summary: Summary, words: Words, *, in_page: bool) -> None:
        self.summary, self.words, self.in_page = summary, words, in_page
        self.steps = plan(summary)
        self.parts: list[str] = []
        self.y = 0.0
        self.group = ""
        self.largest = max(
            summary.input_shape[-1], *(each.shape[-1] for each in summary.layers if len(each.shape) == 3), 1
        )
        self.place = {id(layer): at for at, layer in enumerate(summary.layers)}

    def head(self, about: str) -> None:
        """Title, paper, sums, legend; in a page, the page says the first three."""
        if not self.in_page:
            self._text(MARGIN, 42, escape(self.summary.name), "title")
            self._text(MARGIN, 68, escape(about), "soft")
            sums = {"parameters": f"{self.summary.parameters:,}", "macs": f"{self.summary.macs:,}"}
            self._text(MARGIN, 68 + 22 * bool(about), self.words("tower.total", **sums), "soft")
            self.y = 68.0 + 22 * bool(about) + 14
        x, y = float(MARGIN), self.y + 12
        self._text(x, y + 13, self.words("tower.scale"), "soft")
        for name in self._colours():
            self.parts.append(box(name, x + 8, y + 27, 16, 16))
            self._text(x + 23, y + 40, self.words(f"tower.{name}"), "soft")
            x += 140
        self.y = y + 64

    def _colours(self) -> list[str]:
        """What the legend explains: the colours that occur."""
        used = {"other" if cell.gate else kind(cell.rows[0]) for unit in self.steps for cell in unit.cells}
        used |= {"map" for unit in self.steps if not unit.single}
        return [name for name in ("conv", "pool", "dense", "other", "map") if name in used]

    def picture(self) -> None:
        """What comes in."""
        self._slab(
            self.summary.input_shape, "picture", [self.words("tower.picture")], [shape(self.summary.input_shape)]
        )

    def unit(self, unit: Unit) -> None:
        """One step: a layer, or a block and the map that comes out of it."""
        if unit.group != self.group:
            self._heading(unit.group)
        self._arrow()
        row = unit.single
        if row:
            after = [escape(f"+ {' + '.join(row.kinds[1:])}")] if row.kinds[1:] else []
            numbers = escape(shape(row.first.shape))
            if row.parameters:
                numbers += " · " + self.words("tower.numbers", parameters=f"{row.parameters:,}")
            self._slab(
                unit.shape, kind(row), [bold(with_kernel(row)), self._window(row)], [*after, numbers], unit.name, row
            )
            return
        self._block(unit)

    def foot(self) -> None:
        """What comes out."""
        self._arrow()
        last = self.summary.layers[-1].shape if self.summary.layers else self.summary.input_shape
        self._text(AXIS, self.y + 13, self.words("tower.scores", count=f"{last[0]:,}"), "strong", "middle")
        self.y += 20

    def _block(self, unit: Unit) -> None:
        top, rows = self.y, max(len(column) for column in (*unit.columns, unit.around or ()))
        height = 2 * PAD + rows * CELL + (rows - 1) * GAP
        extra = 26 if unit.around is not None else 0  # for the sum
        left = AXIS - FRAME / 2
        self.parts.append(
            f'<rect class="frame" x="{left}" y="{top:.1f}" width="{FRAME}" height="{height + extra:.1f}" rx="10"/>'
        )
        many = len(unit.columns)
        width = 176.0 if many == 1 else (FRAME - 2 * PAD - (many - 1) * GAP) / many
        first = AXIS if many == 1 else left + PAD + width / 2
        bottom = top + height
        middles = [first + number * (width + GAP) for number in range(many)]
        for middle, column in zip(middles, unit.columns, strict=True):
            self.parts.append(
                wire(f"M{AXIS} {top:.1f}V{top + 6:.1f}H{middle:.1f}V{bottom - 6:.1f}H{AXIS}V{bottom:.1f}")
            )
            self._column(column, middle, top, height, width, short=many > 1)
        if unit.around is not None:
            self._around(unit.around, top, height)
        self.y = top + height + extra
        self._block_text(unit, top)
        self._name(unit.name + (f" … {unit.last}" if unit.last else ""), top + PAD + 17)
        if unit.times > 1:
            self.parts.append(
                f'<rect class="badge" x="{left - 14}" y="{top - 10:.1f}" width="48" height="24" rx="12"/>'
            )
            self._text(left + 10, top + 7, f"×{unit.times}", "times", "middle")
        self._arrow()
        self._slab(unit.shape, "map", [], [escape(shape(unit.shape))])

    def _column(
        self, cells: tuple[Cell, ...], middle: float, top: float, height: float, width: float, *, short: bool
    ) -> None:
        used = len(cells) * CELL + (len(cells) - 1) * GAP
        y = top + (height - used) / 2
        for cell in cells:
            row = cell.rows[0]
            name = "other" if cell.gate else kind(row)
            label = self.words("tower.gate") if cell.gate else escape(in_letters(row, named=not short))
            drawn = box(name, middle, y, width, CELL)
            text = f'<text class="in" x="{middle:.1f}" y="{y + 17.5:.1f}" text-anchor="middle">{label}</text>'
            self.parts.append(self._link(row, drawn + text))
            y += CELL + GAP

    def _around(self, cells: tuple[Cell, ...], top: float, height: float) -> None:
        right, joint = AXIS + (148.0 if cells else 118.0), top + height + 8
        path = f"M{AXIS} {top + 6:.1f}H{right - 12:.1f}Q{right} {top + 6:.1f} {right} {top + 18:.1f}"
        path += f"V{joint - 12:.1f}Q{right} {joint:.1f} {right - 12:.1f} {joint:.1f}H{AXIS + 10}"
        self.parts.append(wire(path, "wire around"))
        self.parts.append(wire(f"M{AXIS} {top + height:.1f}V{joint + 18:.1f}"))
        self.parts.append(f'<circle class="sum" cx="{AXIS}" cy="{joint:.1f}" r="10"/>')
        self._text(AXIS, joint + 5.5, "+", "strong", "middle")
        if cells:
            self._column(cells, right, top, height, 88, short=True)
        else:
            self._text(right + 7, top + height / 2 + 4, self.words("tower.shortcut"), "soft")

    def _block_text(self, unit: Unit, top: float) -> None:
        title = self.words("tower.block", count=len(unit.cells))
        if len(unit.columns) > 1:
            title = self.words("tower.branches", count=len(unit.columns))
        elif unit.around is not None:
            title = self.words("tower.residual")
        lines = [bold(title), self.words("tower.numbers", parameters=f"{unit.parameters:,}")]
        if unit.times > 1:
            same = unit.total == unit.times * unit.parameters
            key = "tower.times" if same else "tower.alike"
            lines.append(self.words(key, count=unit.times, parameters=f"{unit.total:,}"))
        self._lines(lines, top + PAD + 17)

    def _window(self, row: Row) -> str:
        layer = row.first
        if not layer.stride or not layer.padding:
            return ""
        return " " + self.words("tower.window", stride=window(layer.stride), padding=window(layer.padding))

    def _slab(
        self,
        values: tuple[int, ...],
        name: str,
        title: list[str],
        lines: list[str],
        called: str = "",
        row: Row | None = None,
    ) -> None:
        width, height = slab(values, self.largest)
        said = ["".join(title), *lines] if title else lines
        room = max(height, len(said) * LINE)
        y = self.y + (room - height) / 2
        drawn = box(name, AXIS, y, width, height)
        self.parts.append(self._link(row, drawn) if row else drawn)
        self._lines(said, self.y + (room - len(said) * LINE) / 2 + 13)
        self._name(called, self.y + room / 2 + 4)
        self.y += room

    def _lines(self, lines: list[str], y: float) -> None:
        for number, line in enumerate(lines):
            self._text(TEXT, y + number * LINE, line, "soft")

    def _name(self, name: str, y: float) -> None:
        inner = name.removeprefix(f"{self.group}.")
        cut = inner if len(inner) <= NAME_LETTERS else f"…{inner[1 - NAME_LETTERS :]}"
        self._text(MARGIN, y, escape(cut), "name")

    def _heading(self, group: str) -> None:
        self.group = group
        self.parts.append(wire(f"M{MARGIN} {self.y + 22:.1f}H{WIDTH - MARGIN}", "rule"))
        self._text(MARGIN, self.y + 40, escape(group), "strong")
        self.parts.append(wire(f"M{AXIS} {self.y + 4:.1f}V{self.y + 40:.1f}"))
        self.y += 34

    def _arrow(self) -> None:
        y = self.y
        self.parts.append(wire(f"M{AXIS} {y + 3:.1f}V{y + ARROW - 3:.1f}m-4 -5l4 5l4 -5"))
        self.y += ARROW

    def _text(self, x: float, y: float, markup: str, name: str, anchor: str = "start") -> None:
        if markup:
            self.parts.append(f'<text class="{name}" x="{x:g}" y="{y:.1f}" text-anchor="{anchor}">{markup}</text>')

    def _link(self, row: Row, markup: str) -> str:
        return f'<a href="#row-{self.place[id(row.first)]}">{markup}</a>' if self.in_page else markup
