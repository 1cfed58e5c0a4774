"""Load balance against the depth of FIFOs and the elements, and what density is even, as SVG."""

from pathlib import Path

from ..frame.plots import STYLE
from .against_dense import BREAK_EVEN, DENSITIES, SAVED, WORKS
from .fifo import OF_DEPTH, OF_ELEMENTS
from .works import LAYERS

__all__ = ["draw", "draw_densities", "saved", "series"]


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


def saved(rows, name: str) -> list[tuple[float, float]]:
    """Points ``(percent of nonzeros, dense cycles / sparse cycles)`` of a device."""
    values = [row.value for row in rows if row.metric == SAVED and f"{name}, " in row.work]
    return [(100 * density, value) for density, value in zip(DENSITIES, values, strict=False)]


def draw_densities(rows, path) -> None:
    """Write the cycles that a sparse core saves, and where it is even; nothing without such rows.

    Dashed lines are at the density at which time is even, dotted ones where time times LUTs is.
    """
    lines = {work.name: saved(rows, work.name) for work in WORKS}
    if not all(lines.values()):
        return
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6, 3.6))
        axes = figure.subplots()
        for number, (name, points) in enumerate(lines.items()):
            axes.plot(*zip(*points, strict=True), marker="o", markersize=3, linewidth=1,
                      label=name, color=f"C{number}")
            for what, style in (("time", "--"), ("time x LUT", ":")):
                even = [row.value for row in rows if row.metric == f"{BREAK_EVEN}, {what}"
                        and row.work.endswith(name)]
                for value in even:
                    axes.axvline(value, linestyle=style, linewidth=1, color=f"C{number}")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("nonzeros, %")
        axes.set_ylabel(SAVED)
        axes.legend(fontsize=7)
        figure.savefig(Path(path), format="svg", metadata={"Date": None})
