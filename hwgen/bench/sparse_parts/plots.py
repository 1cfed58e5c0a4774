"""Load balance of each layer against the depth of the FIFOs and the number of elements, as SVG."""

from pathlib import Path

from .fifo import OF_DEPTH, OF_ELEMENTS
from .works import LAYERS

__all__ = ["draw", "series"]

STYLE = {"svg.fonttype": "none", "font.size": 9, "axes.spines.top": False,
         "axes.spines.right": False, "axes.grid": True, "grid.linewidth": 0.5,
         "svg.hashsalt": "hwgen", "figure.constrained_layout.use": True}


def series(rows, work: str) -> dict[str, list[tuple[int, float]]]:
    """Layer -> points ``(depth or elements, load balance)`` of the rows of ``work``."""
    found: dict[str, list[tuple[int, float]]] = {}
    for row in rows:
        if row.work.startswith(f"{work} "):
            place = int(row.work.removeprefix(f"{work} "))
            found.setdefault(row.metric, []).append((place, row.value))
    return found


def draw(rows, path) -> None:
    """Write both plots side by side; nothing where there are no such rows."""
    plots = {"FIFO depth": series(rows, OF_DEPTH), "elements": series(rows, OF_ELEMENTS)}
    if not all(plots.values()):
        return
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9, 3.6))
        for axes, (label, lines) in zip(figure.subplots(1, 2, sharey=True), plots.items(),
                                        strict=True):
            for name, points in lines.items():
                axes.plot(*zip(*points, strict=True), marker="o", markersize=3, linewidth=1,
                          label=name, color=f"C{list(LAYERS).index(name)}")
            axes.set_xscale("log", base=2)
            axes.set_xlabel(label)
        figure.axes[0].set_ylabel("load balance")
        figure.axes[0].legend(fontsize=7, ncols=2)
        figure.savefig(Path(path), format="svg", metadata={"Date": None})
