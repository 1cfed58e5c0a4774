"""Errors of the estimates, as rows and as the document that the command writes."""

from dataclasses import dataclass
from statistics import median

from hwgen.plan import Cells

from ..frame.row import Row
from .sweep import SEED

__all__ = ["Entry", "document", "error_percent", "rows_of"]

KINDS = {"LUT": "lut", "FF": "ff", "block RAM": "bram", "multiplier blocks": "dsp"}
HELD_OUT = "held out"

MEDIAN, WORST = 10, 30
"""Percent that errors may have."""

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


def rows_of(entries, work: str = "cost model") -> list[Row]:
    """Median and worst error of each kind of cell: of all, and of each family."""
    rows = [Row(work=work, metric="configurations", value=len(entries), must=">= 40",
                seed=SEED)]
    for family in ("all", *dict.fromkeys(entry.family for entry in entries), HELD_OUT):
        chosen = [entry for entry in entries if family in ("all", entry.family)
                  or family == HELD_OUT and entry.is_held_out]
        if not chosen:
            continue
        for name, kind in KINDS.items():
            errors = [abs(error) for entry in chosen
                      if (error := error_percent(entry, kind)) is not None]
            if not errors:
                continue
            common = {"work": f"{work}, {family}", "unit": "%", "device": family,
                      "tools": chosen[0].tool, "seed": SEED}
            rows += [Row(**common, metric=f"{name} error, median", must=f"<= {MEDIAN}",
                         value=round(median(errors), 2)),
                     Row(**common, metric=f"{name} error, worst", must=f"<= {WORST}",
                         value=round(max(errors), 2))]
    return rows


def document(entries, fits, text: str) -> str:
    """``text``, a summary, then a table for each family and what fits it best."""
    kinds = [name for name, kind in KINDS.items()
             if any(error_percent(entry, kind) is not None for entry in entries)]
    lines = ["| family | cells | median error | worst error |", "|---|---|---|---|"]
    rows = rows_of(entries)[1:]
    for middle, worst in zip(rows[::2], rows[1::2], strict=True):
        lines.append(f"| {middle.device} | {middle.metric.partition(' error')[0]} |"
                     f" {middle.value:.1f} % | {worst.value:.1f} % |")
    for family in dict.fromkeys(entry.family for entry in entries):
        lines += ["", f"## {family}", "", "Estimated / counted (error).", "",
                  f"| case | cycles | {' | '.join(kinds)} |", "|---|---|" + len(kinds) * "---|"]
        lines += [_line(entry, kinds) for entry in entries if entry.family == family]
        costs = ", ".join(f"{part} {cost:g}" for part, cost in fits.get(family, {}).items())
        lines += ["", f"Costs that fit these best: {costs}."]
    return text.format(seed=SEED, tool=f"yosys {entries[0].tool}") + "\n".join(lines) + "\n"


def _line(entry: Entry, kinds) -> str:
    cells = []
    for kind in (KINDS[name] for name in kinds):
        error = error_percent(entry, kind)
        shown = "" if error is None else f" ({error:+.0f} %)"
        cells.append(f"{getattr(entry.estimate, kind)} / {getattr(entry.measured, kind)}{shown}")
    case = f"{HELD_OUT}: {entry.case}" if entry.is_held_out else entry.case
    return f"| {case} | {entry.cycles} | {' | '.join(cells)} |"
