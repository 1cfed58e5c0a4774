"""``hwgen report``: what a folder holds, as a table and as a page."""

from pathlib import Path
from typing import Annotated

import typer

from .options import Json
from .output import note, show

__all__ = ["EXAMPLES", "command"]

EXAMPLES = ("hwgen report rtl_out/demo", "hwgen report rtl_out/digits-binary -o binary.html")


def command(
    folder: Annotated[Path, typer.Argument(
        metavar="FOLDER", help="Artefact folder, or that of a demo.")],
    out: Annotated[Path | None, typer.Option(
        "--out", "-o", help="HTML page; by default FOLDER/report.html.")] = None,
    as_json: Json = False,
):
    """Show what was measured so far, and write it as one HTML page with plots."""
    from hwgen.report import load, tables, write

    document = load(folder)
    path = write(document, out or folder / "report.html")
    show(document, as_json=as_json, text=lambda: tables(document))
    note(f"page written to {path}")
