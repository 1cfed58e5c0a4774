"""The headline of a document and the time of each step, as Markdown tables for a README."""

from .facts import RESOURCES, accuracies, count, index_bits, number, steps

__all__ = ["markdown"]

COLUMNS = ("network, board", "accuracy torch / golden / RTL, %", "weight bits (of them index)",
           "LUT / FF / BRAM / DSP", "fmax (asked), MHz", "latency, cycles (µs)",
           "interval, cycles (µs)", "images/s", "time, s")

BAR = r"\|"
"""A bar that ends no cell."""


def markdown(document) -> str:
    """One line for each network on each board, as on the terminal; then its steps, in seconds."""
    rows, names = document["rows"], steps(document)
    parts = [_table(COLUMNS, map(_cells, rows))]
    if names:
        parts.append(_table((COLUMNS[0], *(f"{name}, s" for name in names)),
                            (_seconds(row, names) for row in rows)))
    return "\n".join(parts)


def _table(heads, rows) -> str:
    lines = [_line(heads), _line(["---"] + ["---:"] * (len(heads) - 1)), *map(_line, rows)]
    return "".join(f"{line}\n" for line in lines)


def _line(cells) -> str:
    return f"| {' | '.join(cell.replace('|', BAR) for cell in cells)} |"


def _cells(row):
    yield _name(row)
    yield accuracies(row).replace("/", " / ")
    yield f"{count(row['weight_bits']['total'])} ({count(index_bits(row))})"
    if row["cells"] is None:
        yield row["reason"] or "not placed"
    else:
        yield " / ".join(count(row["cells"][key]) for key in RESOURCES)
    yield f"{number(row['fmax_mhz'], 1)} ({number(row['clk_mhz'], 1)})"
    for what in ("latency", "interval"):
        yield f"{count(row[f'{what}_cycles'])} ({number(row[f'{what}_us'], 1)})"
    yield number(row["images_per_s"], 0)
    yield number(sum(row["seconds"].values()), 0)


def _seconds(row, names):
    yield _name(row)
    for name in names:
        yield number(row["seconds"].get(name), 1)


def _name(row) -> str:
    return f"{row['network']}, {row['board']}"
