"""``hwgen synth``: synthesis, place and route, bitstream."""

import json
from typing import Annotated

import typer
from rich.table import Table

from .options import Artefact, Json
from .output import show
from .progress import show_progress

__all__ = ["EXAMPLES", "command"]

EXAMPLES = (
    "hwgen synth rtl_out/digits-binary",
    "hwgen synth rtl_out/digits-binary --board icebreaker --seed 2",
)


def command(
    folder: Artefact,
    board: Annotated[str | None, typer.Option(
        "--board", help="Board; by default the one it was generated for.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of place and route.")] = 1,
    as_json: Json = False,
):
    """Synthesise, place and route an artefact on a board, and write the bitstream.

    The result stays in FOLDER/synth/BOARD; the same again is taken from there. Ends with 1 if the
    clock is not met.
    """
    from hwgen.flow.artefact import Artefact as Folder

    artefact = Folder(folder)
    board = board or artefact.manifest["target"]
    with show_progress() as progress:
        report = artefact.synthesise(
            board=board, seed=seed,
            progress=lambda step, at, text: progress(f"{board}: {step}", at, text))
    where = artefact.folder / "synth" / board
    document = {"artefact": str(folder), "board": board, "folder": str(where),
                **json.loads(report.to_json())}
    show(document, as_json=as_json, text=lambda: [_table(report), _line(report, where)])
    if not report.met:
        raise typer.Exit(1)


def _table(report) -> Table:
    table = Table(title=f"{report.device} {report.package}", title_justify="left")
    for column in ("used", "count", "of", "%"):
        table.add_column(column, justify="left" if column == "used" else "right")
    for name, (used, available) in sorted(report.utilisation.items()):
        share = f"{100 * used / available:.1f}" if available else ""
        table.add_row(name, f"{used:,}", f"{available:,}", share)
    return table


def _line(report, where) -> str:
    style, word = ("green", "meets") if report.met else ("bold red", "does not meet")
    seconds = sum(report.seconds.values())
    return (f"[{style}]{report.fmax_mhz:.1f} MHz after routing {word}"
            f" {report.clock.constraint_mhz:.1f} MHz[/]; {report.lut_eq:,} LUT, {report.ff:,} FF,"
            f" {report.bram:,} BRAM, {report.dsp:,} DSP in {seconds:.0f} s."
            f"\nBitstream: {where / report.bitstream}")
