"""The network behind the figures, layer by layer."""

from convscope.layers.summary import Layer, Summary
from convscope.words.markup import both, escape


def layer_table(summary: Summary | None) -> str:
    """Name, kind, shape, parameters and cost of every layer, closed until it is asked for."""
    if summary is None:
        return ""
    heads = "".join(
        f'<th scope="col"{"" if key in {"name", "kind"} else " class=number"}>{both(f"report.layers.{key}")}</th>'
        for key in ("name", "kind", "shape", "parameters", "macs")
    )
    rows = "".join(_row(layer) for layer in summary.layers)
    sums = both(
        "report.layers.sums",
        layers=f"{len(summary.layers):,}",
        parameters=f"{summary.parameters:,}",
        macs=f"{summary.macs:,}",
    )
    return (
        f"<section><h2>{both('report.layers')}</h2><p>{sums}</p>"
        f"<details><summary>{both('report.layers.open')}</summary>"
        f'<div class="scroll tall"><table class="list layers"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody>'
        f"</table></div></details></section>"
    )


def _row(layer: Layer) -> str:
    shape = " × ".join(str(side) for side in layer.shape)
    figures = "".join(
        f'<td class="number">{shown}</td>' for shown in (shape, f"{layer.parameters:,}", f"{layer.macs:,}")
    )
    return f'<tr><th scope="row"><code>{escape(layer.name)}</code></th><td>{escape(layer.kind)}</td>{figures}</tr>'
