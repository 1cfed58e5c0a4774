"""``hwgen boards``: what can be built for."""

from dataclasses import asdict

from rich.table import Table

from .options import Json
from .output import show

__all__ = ["EXAMPLES", "command"]

EXAMPLES = ("hwgen boards",)


def command(as_json: Json = False):
    """List the boards, with what each offers."""
    from hwgen import board_targets

    targets = [board_targets.load(name).target for name in board_targets.names()]
    show([asdict(target) for target in targets], as_json=as_json, text=lambda: _table(targets))


def _table(targets) -> Table:
    table = Table(title="Boards", title_justify="left")
    table.add_column("board", style="bold")
    table.add_column("device")
    for column in ("LUT", "FF", "BRAM", "DSP", "clock MHz"):
        table.add_column(column, justify="right")
    for t in targets:
        counts = (f"{n:,}" for n in (t.luts, t.ffs, t.brams, t.dsps))
        table.add_row(t.name, f"{t.family} {t.device} {t.package}", *counts, f"{t.clk_hz / 1e6:g}")
    return table
