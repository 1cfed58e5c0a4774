"""``hwgen engine``: hardware that multiplies whatever the host sends, as an artefact."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from .errors import spec_error
from .options import Board, Json, target_of
from .output import show
from .progress import show_progress

__all__ = ["EXAMPLES", "command"]

EXAMPLES = (
    "hwgen engine systolic --rows 8 --columns 8 -o rtl_out/array",
    "hwgen engine systolic --rows 4 --columns 2 --w-bits 4 --x-unsigned --board icebreaker",
    "hwgen engine systolic --rows 16 --columns 8 --product 256x784x64",
)

MAX_BITS = 18
"""Of an operand: what a multiplier block of an ECP5 takes."""


class Kind(StrEnum):
    """The engines."""

    SYSTOLIC = "systolic"


class Multipliers(StrEnum):
    """What products are made of."""

    BLOCKS = "blocks"
    LUTS = "luts"


def command(
    kind: Annotated[Kind, typer.Argument(metavar="KIND", help="systolic.")],
    rows: Annotated[int, typer.Option(
        "--rows", help="Elements of a vector that are taken side by side.")],
    columns: Annotated[int, typer.Option("--columns", help="Sums made side by side.")],
    x_bits: Annotated[int, typer.Option(
        "--x-bits", min=1, max=MAX_BITS, help="Bits of an activation.")] = 8,
    x_signed: Annotated[bool, typer.Option(
        "--x-signed/--x-unsigned", help="Whether activations have a sign.")] = True,
    w_bits: Annotated[int, typer.Option(
        "--w-bits", min=1, max=MAX_BITS, help="Bits of a weight.")] = 8,
    w_signed: Annotated[bool, typer.Option(
        "--w-signed/--w-unsigned", help="Whether weights have a sign.")] = True,
    depth: Annotated[int, typer.Option(
        "--depth", help="Most vectors of a job: so many accumulators for each column.")] = 256,
    tiles: Annotated[int, typer.Option(
        "--tiles", help="Most tiles of a job: sums are of up to rows times tiles products.")] = 256,
    multipliers: Annotated[Multipliers, typer.Option(
        "--multipliers", help="What products are made of.")] = Multipliers.BLOCKS,
    product: Annotated[str | None, typer.Option(
        "--product", metavar="MxKxN", help="Also tell the cycles of an (M, K) by (K, N) product.",
    )] = None,
    board: Board = "ulx3s-85f",
    out: Annotated[Path | None, typer.Option(
        "--out", "-o", help="Artefact folder; by default rtl_out/KIND-ROWSxCOLUMNS.")] = None,
    as_json: Json = False,
):
    """Generate a matrix engine, with Verilog, bench and manifest: weights come by stream.

    For networks that do not fit as a pipeline: the host cuts every layer into tiles.
    """
    from hwgen.flow.engine import build_engine
    from hwgen.numeric import Fixed
    from hwgen.plan.engines import SystolicSpec

    spec = SystolicSpec(rows=rows, columns=columns, x=Fixed(x_bits, signed=x_signed),
                        weights=Fixed(w_bits, signed=w_signed), depth=depth, tiles=tiles,
                        multipliers=str(multipliers))
    timing = None if product is None else _timing(spec, product)
    folder = out or Path("rtl_out") / f"{kind}-{rows}x{columns}"
    target = target_of(board)
    with show_progress() as progress:
        build_engine(spec, folder, progress=progress)
    document = {"artefact": str(folder), "board": target.name, **spec.to_dict(),
                "macs": spec.macs, "memory_bits": spec.memory_bits,
                "estimate": spec.estimate(target).to_dict(), "product": timing}
    show(document, as_json=as_json, text=lambda: [_table(spec, document), *_lines(document)])


def _timing(spec, text: str) -> dict:
    sizes = text.lower().split("x")
    if len(sizes) != 3 or not all(size.isdecimal() for size in sizes):
        raise spec_error(f"--product must be MxKxN, such as 256x784x64, not {text!r}")
    m, k, n = map(int, sizes)
    return {"m": m, "k": k, "n": n, "jobs": len(spec.jobs(m, k, n)),
            "cycles": spec.cycles(m, k, n), "utilisation": spec.utilisation(m, k, n)}


def _table(spec, document) -> Table:
    table = Table(title=f"systolic array, {spec.rows} rows by {spec.columns} columns",
                  title_justify="left", show_header=False)
    cells = document["estimate"]
    for name, value in (
            ("products a cycle", f"{spec.macs:,}"),
            ("activations, weights", f"{spec.x}, {spec.weights}"),
            ("accumulators", f"{spec.depth:,} of {spec.columns} times {spec.accumulator.bits} bits"
                             f", for sums of up to {spec.inner:,} products"),
            ("latency", f"{spec.latency_cycles} cycles from a vector to its sums"),
            (f"estimate for {document['board']}",
             f"about {cells['lut']:,} LUT, {cells['ff']:,} FF, {cells['bram']:,} BRAM,"
             f" {cells['dsp']:,} DSP")):
        table.add_row(name, value)
    return table


def _lines(document):
    timing = document["product"]
    if timing is not None:
        yield (f"({timing['m']}, {timing['k']}) by ({timing['k']}, {timing['n']}):"
               f" {timing['cycles']:,} cycles in {timing['jobs']:,} job(s),"
               f" {timing['utilisation']:.1%} of all products that there could be")
    folder = document["artefact"]
    yield f"[green]Written to {folder}. Next: hwgen simulate {folder}[/]"
