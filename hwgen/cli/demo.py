"""``hwgen demo``: the whole path on the handwritten digits."""

from pathlib import Path
from typing import Annotated

import typer

from .errors import did_you_mean, spec_error
from .options import Json, Seed
from .output import note, show
from .progress import show_progress

__all__ = ["EXAMPLES", "command"]

EXAMPLES = ("hwgen demo", "hwgen demo --only digits-binary --board icebreaker --json")


def command(
    only: Annotated[list[str] | None, typer.Option(
        "--only", metavar="NETWORK", help="This network alone; may be repeated.")] = None,
    board: Annotated[list[str] | None, typer.Option(
        "--board", help="This board alone; may be repeated.")] = None,
    seed: Seed = 1,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder.")] = Path("rtl_out/demo"),
    as_json: Json = False,
):
    """Train three networks, generate, simulate, place and route them, and report.

    Goes on where an interrupted run stopped. Ends with 1 if a score differs from the golden model.
    """
    from hwgen.flow.demo import DEMO, run_demo
    from hwgen.report import save, tables, write
    from hwgen.report.facts import exactness

    _require("--only", only, [job.network for job in DEMO])
    _require("--board", board, [job.board for job in DEMO])
    with show_progress() as progress:
        document = run_demo(out, progress=progress, only=only or None, boards=board or None,
                            seed=seed)
    numbers, page = save(document, out), write(document, out / "report.html")
    show(document, as_json=as_json, text=lambda: tables(document))
    note(f"numbers in {numbers}, page in {page}")
    if exactness(document).mismatched:
        raise typer.Exit(1)


def _require(what: str, asked: list[str] | None, known: list[str]):
    for name in asked or ():
        if name not in known:
            choices = ", ".join(dict.fromkeys(known))
            raise spec_error(f"{what} must be one of {choices}, not {name!r}"
                             + did_you_mean(name, known))
