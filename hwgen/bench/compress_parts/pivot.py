"""The table of all methods, a line each, and where they stand in a plot."""

from pathlib import Path

from ..frame.markdown import line
from ..frame.plots import STYLE
from ..frame.table import format_number
from . import gates
from .methods import FAMILIES
from .work import METRICS

__all__ = ["COLUMNS", "draw", "found", "table"]

COLUMNS = {METRICS["error"]: "error, %", METRICS["float"]: "float, %", METRICS["bits"]: "bits",
           METRICS["ratio"]: "times smaller", METRICS["weights"]: "times fewer weights",
           **{gates.METRICS[each]: each_name for each, each_name in (
               ("lut", "LUT4"), ("ff", "FF"), ("bram", "block RAM"), ("dsp", "multiplier blocks"),
               ("interval", "interval"), ("fmax", "fmax, MHz"), ("mismatched", "mismatched"))}}
"""Metric of a row -> column."""


def found(rows) -> dict[str, dict[str, dict]]:
    """Family -> name of a work -> metric -> value, of those that were measured."""
    values: dict[str, dict] = {}
    for row in rows:
        values.setdefault(row.work, {})[row.metric] = row.value
    return {family: {work.name: values[work.name] for work in works if work.name in values}
            for family, works in FAMILIES.items()}


def table(rows) -> str:
    """The table in Markdown."""
    lines = [line(("family", "method", *COLUMNS.values())),
             line(["---", "---"] + ["---:"] * len(COLUMNS))]
    for family, works in found(rows).items():
        for name, values in works.items():
            cells = (format_number(values[metric]) if metric in values else ""
                     for metric in COLUMNS)
            lines.append(line((family, name.removesuffix(", lenet-300-100, MNIST"), *cells)))
    return "\n".join(lines)


def draw(rows, path) -> None:
    """Write error against bits and against LUTs, side by side; nothing without such rows.

    Works whose hardware was made have a number of LUTs; the others are in the first plot alone.
    """
    points = found(rows)
    if not any(points.values()):
        return
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9, 4))
        for axes, metric, label in zip(figure.subplots(1, 2, sharey=True),
                                       (METRICS["bits"], gates.METRICS["lut"]),
                                       ("bits that are stored", "LUT4 on an ECP5-85"), strict=True):
            for number, (family, works) in enumerate(points.items()):
                seen = [values for values in works.values() if metric in values]
                axes.scatter([values[metric] for values in seen],
                             [values[METRICS["error"]] for values in seen], s=18, label=family,
                             color=f"C{number}")
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.set_xlabel(label)
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter("{x:g}")
        figure.axes[0].set_ylabel("error, % of 10,000 test images")
        figure.axes[0].legend(fontsize=7, ncols=2)
        figure.savefig(Path(path), format="svg", metadata={"Date": None})
