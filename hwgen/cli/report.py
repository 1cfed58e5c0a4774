"""``hwgen report``: what a folder holds, as a table and as a page."""

from pathlib import Path
from typing import Annotated

import typer

from .errors import spec_error
from .options import Json
from .output import note, print_raw, show

__all__ = ["EXAMPLES", "command"]

EXAMPLES = ("hwgen report rtl_out/demo", "hwgen report rtl_out/digits-binary -o binary.html",
            "hwgen report rtl_out/demo --markdown")


def command(
    folder: Annotated[Path, typer.Argument(
        metavar="FOLDER", help="Artefact folder, or that of a demo.")],
    out: Annotated[Path | None, typer.Option(
        "--out", "-o", help="HTML page; by default FOLDER/report.html.")] = None,
    as_markdown: Annotated[bool, typer.Option(
        "--markdown", help="Print the headline and the steps as Markdown tables.")] = False,
    as_json: Json = False,
):
    """Show what was measured so far, and write it as one HTML page with plots."""
    from hwgen.report import load, markdown, tables, write

    if as_json and as_markdown:
        raise spec_error("--json and --markdown must not both be given")
    document = load(folder)
    path = write(document, out or folder / "report.html")
    if as_markdown:
        print_raw(markdown(document))
    else:
        show(document, as_json=as_json, text=lambda: tables(document))
    note(f"page written to {path}")
