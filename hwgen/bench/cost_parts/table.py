"""Errors of the estimates, as rows and as the document that the command writes."""

from dataclasses import dataclass
from statistics import median

from hwgen.plan import Cells

from ..frame.row import Row
from .sweep import SEED

__all__ = ["Entry", "document", "error_percent", "rows_of"]

KINDS = {"LUT": "lut", "FF": "ff", "block RAM": "bram"}
HELD_OUT = "held out"

MEDIAN, WORST = 10, 30
"""Percent that errors may have."""

TEXT = """\
# How good the cost model is

The planner chooses foldings by an estimate of LUTs, flip-flops and block RAMs that needs no
synthesis. It counts the parts that the generator makes (slots of carry chains, columns of
constant memories, registers, banks of LUT RAM, counters) and multiplies each kind by what one of
it costs on the device family; those few constants, `COSTS` in
`hwgen/plan/stages/binary_cells.py`, are fitted to this table. Cycles need no estimate: intervals
are formulas that simulation holds exactly.

`hwgen bench cost` writes this file. Random weights of seed {seed}; stages alone, not placed;
{tool}. LUTs are LUT4 with those of carry cells and LUT RAM (ECP5), logic cells with lone
flip-flops (iCE40), LUT6 with route-throughs (Xilinx 7). A case names weights, inputs and outputs
(`1` one bit, `u2`, `u8` unsigned, `s2` signed, `t` ternary, `r2` two residual levels), the matrix
and its folding; `side`: all planes side by side, else one after another; `levels`: adder levels
between registers. `window` (a beat at a time), `wide` (a window a cycle) and `pool` are the units
around the matrix of a convolution, `unrolled` cores have their weights in logic, `argmax` and
`thermometer` are the ends of a network, `lanes` what stands between beats of two sizes. Cases that
are `held out` are drawn from a seed, formats and foldings alike: no constant was fitted to them.

"""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One configuration on one family: what was estimated, and what synthesis counted."""

    family: str
    case: str
    estimate: Cells
    measured: Cells
    cycles: int
    tool: str
    is_held_out: bool = False


def error_percent(entry: Entry, kind: str) -> float | None:
    """Of the estimate, in percent of what was counted; None where nothing was, nor estimated."""
    estimate, found = getattr(entry.estimate, kind), getattr(entry.measured, kind)
    if not found:
        return None if not estimate else 100.0
    return 100 * (estimate - found) / found


def rows_of(entries) -> list[Row]:
    """Median and worst error of each kind of cell: of all, and of each family."""
    rows = [Row(work="cost model", metric="configurations", value=len(entries), must=">= 40",
                seed=SEED)]
    for family in ("all", *dict.fromkeys(entry.family for entry in entries), HELD_OUT):
        chosen = [entry for entry in entries if family in ("all", entry.family)
                  or family == HELD_OUT and entry.is_held_out]
        if not chosen:
            continue
        for name, kind in KINDS.items():
            errors = [abs(error) for entry in chosen
                      if (error := error_percent(entry, kind)) is not None]
            common = {"work": f"cost model, {family}", "unit": "%", "device": family,
                      "tools": chosen[0].tool, "seed": SEED}
            rows += [Row(**common, metric=f"{name} error, median", must=f"<= {MEDIAN}",
                         value=round(median(errors), 2)),
                     Row(**common, metric=f"{name} error, worst", must=f"<= {WORST}",
                         value=round(max(errors), 2))]
    return rows


def document(entries, fits) -> str:
    """The text of docs/cost.md: a summary, then a table for each family and what fits it best."""
    lines = ["| family | cells | median error | worst error |", "|---|---|---|---|"]
    rows = rows_of(entries)[1:]
    for middle, worst in zip(rows[::2], rows[1::2], strict=True):
        lines.append(f"| {middle.device} | {middle.metric.partition(' error')[0]} |"
                     f" {middle.value:.1f} % | {worst.value:.1f} % |")
    for family in dict.fromkeys(entry.family for entry in entries):
        lines += ["", f"## {family}", "", "Estimated / counted (error).", "",
                  "| case | cycles | LUT | FF | block RAM |", "|---|---|---|---|---|"]
        lines += [_line(entry) for entry in entries if entry.family == family]
        costs = ", ".join(f"{part} {cost:g}" for part, cost in fits.get(family, {}).items())
        lines += ["", f"Costs that fit these best: {costs}."]
    return TEXT.format(seed=SEED, tool=f"yosys {entries[0].tool}") + "\n".join(lines) + "\n"


def _line(entry: Entry) -> str:
    cells = []
    for kind in KINDS.values():
        error = error_percent(entry, kind)
        shown = "" if error is None else f" ({error:+.0f} %)"
        cells.append(f"{getattr(entry.estimate, kind)} / {getattr(entry.measured, kind)}{shown}")
    case = f"{HELD_OUT}: {entry.case}" if entry.is_held_out else entry.case
    return f"| {case} | {entry.cycles} | {' | '.join(cells)} |"
