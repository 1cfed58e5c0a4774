"""The document as tables for the terminal."""

from rich.box import HORIZONTALS
from rich.table import Table
from rich.text import Text

from .facts import (
    NOTHING,
    RESOURCES,
    STAGES_OF_PROOF,
    accuracies,
    comparisons,
    count,
    exactness,
    index_bits,
    number,
    place,
    steps,
)

__all__ = ["tables"]


def tables(document) -> list:
    """The headline, the time of each step, and what was compared; for 100 columns and more."""
    return [_headline(document), _times(document), _proof(document)]


def _headline(document) -> Table:
    table = _table(_title(document))
    table.add_column("network\nboard", no_wrap=True)
    for column in ("accuracy, %\ntorch/golden/RTL", "weight\nbits,\nindex",
                   "LUT    FF \nBRAM   DSP ", "fmax,\nasked\nMHz", "latency\ncycles\nµs",
                   "interval\ncycles\nµs", "images/s", "time"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in document["rows"]:
        table.add_row(*_cells(row))
    return table


def _table(title) -> Table:
    return Table(title=f"{title}\n", title_justify="left", title_style="bold", box=HORIZONTALS,
                 padding=(0, 1, 0, 0), pad_edge=False, show_lines=True)


def _title(document) -> str:
    title = f"hwgen {document['hwgen']}"
    teacher = document["teacher"]
    return title if teacher is None else f"{title}, float teacher {teacher['accuracy']:.1f} %"


def _cells(row):
    yield Text.assemble((row["network"], "bold"), f"\n{row['board']}")
    yield accuracies(row)
    yield f"{count(row['weight_bits']['total'])}\n{count(index_bits(row))}"
    yield _resources(row)
    yield _clock(row)
    yield f"{count(row['latency_cycles'])}\n{number(row['latency_us'], 1)}"
    yield f"{count(row['interval_cycles'])}\n{number(row['interval_us'], 1)}"
    yield number(row["images_per_s"], 0)
    seconds = round(sum(row["seconds"].values()))
    yield f"{seconds // 60}:{seconds % 60:02}"


def _resources(row) -> Text:
    if not row["fits"]:
        return Text("does not fit", style="yellow")
    if row["cells"] is None:
        return Text(NOTHING)
    lut, ff, bram, dsp = (count(row["cells"][key]) for key in RESOURCES)
    return Text(f"{lut:>6} {ff:>6}\n{bram:>6} {dsp:>6}")


def _clock(row) -> Text:
    asked = number(row["clk_mhz"], 1)
    if row["fmax_mhz"] is None:
        return Text(f"{NOTHING}  \n{asked}  ")
    mark = ("✓", "green") if row["met"] else ("✗", "bold red")
    return Text.assemble(f"{number(row['fmax_mhz'], 1)} ", mark, f"\n{asked}  ")


def _times(document) -> Table:
    """Steps downwards, rows of the document across: there are more steps than rows."""
    table = _table("Seconds of each step")
    table.show_lines = False
    table.add_column("step", no_wrap=True)
    for row in document["rows"]:
        name = row["network"].replace("-", "-\n", 1)
        table.add_column(f"{name}\n{row['board']}", justify="right", no_wrap=True)
    for step in steps(document):
        seconds = (row["seconds"].get(step) for row in document["rows"])
        table.add_row(step.replace("_", " "), *(number(s, 1) for s in seconds))
    totals = (sum(row["seconds"].values()) for row in document["rows"])
    table.add_section()
    table.add_row("all", *(number(total, 1) for total in totals), style="bold")
    return table


def _proof(document) -> Text:
    text = Text()
    for row in document["rows"]:
        if row["reason"]:
            text.append(f"{row['network']} on {row['board']}: {row['reason']}\n", "yellow")
    for row, key, counts in comparisons(document):
        board = place(row, key)
        subject = row["network"] if board is None else f"{row['network']} on {board}"
        one, other, _ = STAGES_OF_PROOF.get(key, (key, "", ""))
        style = "green" if counts["mismatched"] == 0 else "bold red"
        text.append(f"{subject}: {one} = {other}: {counts['compared']:,} compared,")
        text.append(f" {counts['mismatched']:,} mismatched\n", style)
        if counts.get("first_mismatch"):
            text.append(f"  first: {counts['first_mismatch']}\n", style)
    total = exactness(document)
    if not total.compared:
        return text.append("nothing was simulated yet", "yellow")
    text.append(f"{total.compared:,} scores and classes compared, {total.mismatched:,} mismatched",
                "bold red" if total.mismatched else "bold green")
    return text
