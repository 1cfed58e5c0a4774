"""The plots, as SVG that stands inside the page and takes its colours from it.

matplotlib draws them in stand-in colours, each of which is then replaced by a CSS variable of the
page, so that one drawing serves light and dark. Text stays text, in the page's font.
"""

import io
import re

from .facts import networks

__all__ = ["accuracy_plots", "board_marks", "curve_plots", "log_scale", "series_class", "svg"]

WIDE_IN, NARROW_IN = (4.7, 3.1), (4.2, 3.0)
"""Inches, of plots two and three abreast; at 72 dots, about as wide as a phone."""

INK, MUTED, GRID, PANEL = "#010101", "#010102", "#010103", "#010104"
SERIES = tuple(f"#0102{k:02x}" for k in range(1, 7))
VARIABLES = {INK: "ink", MUTED: "muted", GRID: "line", PANEL: "panel",
             **{colour: f"n{k}" for k, colour in enumerate(SERIES, start=1)}}
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)), "-", "--")
MARKERS = {"o": "●", "^": "▲", "s": "■", "D": "◆", "v": "▼", "P": "✚"}

STYLE = {
    "svg.fonttype": "none", "font.size": 10, "axes.edgecolor": GRID, "axes.labelcolor": MUTED,
    "axes.linewidth": 1, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
    "axes.axisbelow": True, "grid.color": GRID, "grid.linewidth": 0.8, "xtick.color": GRID,
    "ytick.color": GRID, "xtick.labelcolor": MUTED, "ytick.labelcolor": MUTED, "text.color": INK,
    "figure.facecolor": "none", "axes.facecolor": "none", "savefig.facecolor": "none",
    "legend.frameon": False, "legend.fontsize": 9, "axes.titlesize": 10, "lines.linewidth": 1.8,
    "figure.constrained_layout.use": True,
}


def series_class(document) -> dict[str, int]:
    """Network -> number of its colour, from 1; the same in every plot of the page."""
    names = [row["network"] for row in networks(document)]
    return {name: k % len(SERIES) + 1 for k, name in enumerate(names)}


def board_marks(document) -> dict[str, str]:
    """Board -> the shape of its points, as a character; empty where there is one board."""
    boards = _boards(document)
    marks = list(MARKERS.values())
    return {} if len(boards) < 2 else {b: marks[k % len(marks)] for k, b in enumerate(boards)}


def _boards(document) -> list[str]:
    return list(dict.fromkeys(row["board"] for row in document["rows"]))


def curve_plots(document) -> list[str]:
    """Loss, accuracy and density over the epochs, as shares there and in percent here."""
    curves = {name: points for name, points in document["curves"].items() if points}
    if not curves:
        return []
    plots = [_curves(document, curves, "loss", "Loss", log=True),
             _curves(document, curves, "accuracy", "Accuracy while training, %", scale=100)]
    if any(p["density"] < 1 for points in curves.values() for p in points):
        plots.append(_curves(document, curves, "density", "Nonzero weights, %", scale=100))
    return plots


def _curves(document, curves, key, title, *, scale=1, log=False) -> str:
    colours = series_class(document)

    def draw(axes):
        for k, (name, points) in enumerate(curves.items()):
            # A recipe may train in phases, such as "digits-fixed-float": the network's colour.
            network = next((n for n in colours if name.startswith(n)), None)
            colour = MUTED if network is None else SERIES[colours[network] - 1]
            # Counted through: the phases of one recipe each begin at 1.
            axes.plot(range(1, len(points) + 1), [scale * p[key] for p in points],
                      color=colour, linestyle=DASHES[k % len(DASHES)], label=name)
        if log:
            log_scale(axes)
        axes.set_xlabel("epoch")
        axes.set_ylim(bottom=None if log or key == "accuracy" else 0)
        axes.legend(loc="best", labelcolor=INK, handlelength=2.4)

    return svg(draw, f"{title}, over epochs", NARROW_IN)


def log_scale(axes):
    """Ticks at 1, 2 and 5 of each decade, as plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())


def accuracy_plots(document) -> list[str]:
    """Accuracy against LUTs and against weight bits."""
    rows = [row for row in document["rows"] if row["accuracy"]["golden"] is not None]
    placed = [row for row in rows if row["cells"] is not None]
    plots = []
    if placed:
        plots.append(_scatter(document, placed, lambda r: r["cells"]["lut"], "LUT4 after routing"))
    if rows:
        plots.append(_scatter(document, rows, lambda r: r["weight_bits"]["total"] / 1000,
                              "constant bits, thousands"))
    return plots


def _scatter(document, rows, cost, label) -> str:
    colours, teacher, boards = series_class(document), document["teacher"], _boards(document)
    markers = list(MARKERS)

    def draw(axes):
        for row in rows:
            board = boards.index(row["board"])
            # The first board's are large, so that both are seen where they coincide.
            axes.plot([cost(row)], [row["accuracy"]["golden"]], linestyle="",
                      marker=markers[board % len(markers)], markersize=8 if board else 12,
                      color=SERIES[colours[row["network"]] - 1], markeredgecolor=PANEL)
        if teacher is not None:
            _teacher_lines(axes, teacher["accuracy"])
        axes.margins(x=0.15, y=0.25)
        axes.autoscale_view()
        axes.set_xlim(left=0)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlabel(label)

    return svg(draw, f"Test accuracy in percent, against {label}", WIDE_IN)


def _teacher_lines(axes, accuracy):
    for y, text, dash in ((accuracy, "float teacher", "-"),
                          (accuracy - 2, "2 points below", (0, (4, 3)))):
        axes.axhline(y, color=MUTED, linewidth=1, linestyle=dash, zorder=1)
        axes.annotate(text, (0, y), (4, 4), xycoords=("axes fraction", "data"),
                      textcoords="offset points", ha="left", fontsize=9, color=MUTED)


def svg(draw, title: str, size) -> str:
    """What ``draw(axes)`` draws, as an ``<svg>`` element titled ``title``."""
    import matplotlib
    from matplotlib.figure import Figure

    text = io.StringIO()
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": title}):
        figure = Figure(figsize=size)
        draw(figure.add_subplot())
        figure.savefig(text, format="svg", metadata={"Date": None})
    return _inline(text.getvalue(), title)


def _inline(svg: str, title: str) -> str:
    """Without what only a file of its own needs, and with the page's colours."""
    svg = svg[svg.index("<svg"):]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)  # the same in each plot of the page
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"| version="1.1"', "", svg)
    svg = svg.replace("xlink:href", "href")
    size = re.search(r'viewBox="[^"]*"', svg)[0]
    svg = re.sub(r"<svg[^>]*>", f'<svg {size} role="img" aria-label="{title}">', svg, count=1)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var(--{variable})")
    return svg
