"""``hwgen engine``: hardware that multiplies whatever the host sends, as an artefact."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from .engine_eie import build_eie
from .engine_output import facts, following, made
from .errors import spec_error
from .options import Board, Json, target_of
from .output import show

__all__ = ["EXAMPLES", "command"]

EXAMPLES = (
    "hwgen engine systolic --rows 8 --columns 8 -o rtl_out/array",
    "hwgen engine systolic --rows 4 --columns 2 --w-bits 4 --x-unsigned --board icebreaker",
    "hwgen engine systolic --rows 16 --columns 8 --product 256x784x64",
    "hwgen engine eie --pe 16 --lanes 8 --set code_bits=6 --set index_bits=5 -o rtl_out/eie",
    "hwgen engine eie --pe 16 --network lenet.hwgen --huffman",
    "hwgen engine eie --pe 16 --network lenet.hwgen --delta --threshold 2",
)

MAX_BITS = 18
"""Of an operand: what a multiplier block of an ECP5 takes."""


class Kind(StrEnum):
    """The engines."""

    SYSTOLIC = "systolic"
    EIE = "eie"


class Multipliers(StrEnum):
    """What products are made of."""

    BLOCKS = "blocks"
    LUTS = "luts"


OPTIONS = {
    Kind.SYSTOLIC: {"rows": "--rows", "columns": "--columns", "depth": "--depth",
                    "tiles": "--tiles", "multipliers": "--multipliers", "product": "--product"},
    Kind.EIE: {"pe": "--pe", "lanes": "--lanes", "sizes": "--set", "network": "--network",
               "balance": "--balance", "huffman": "--huffman", "delta": "--delta",
               "thresholds": "--threshold"}}
"""Engine -> parameter -> option, of those that one engine alone has."""


def command(
    context: typer.Context,
    kind: Annotated[Kind, typer.Argument(
        metavar="KIND", help="systolic, a grid of multipliers; or eie, all layers of a sparse"
        " network on one core.")],
    rows: Annotated[int | None, typer.Option(
        "--rows", help="systolic: elements of a vector that are taken side by side.")] = None,
    columns: Annotated[int | None, typer.Option(
        "--columns", help="systolic: sums made side by side.")] = None,
    pe: Annotated[int, typer.Option(
        "--pe", help="eie: elements, each of which takes an entry a cycle.")] = 16,
    lanes: Annotated[int | None, typer.Option(
        "--lanes", help="eie: activations looked at, and results narrowed, side by side; by"
        " default as many as there are elements.")] = None,
    sizes: Annotated[list[str] | None, typer.Option(
        "--set", metavar="WHAT=N", help="eie: code_bits, index_bits, accumulator_bits, layers,"
        " vector, rows, biases, columns, entries or queue_depth; may be repeated.")] = None,
    network: Annotated[Path | None, typer.Option(
        "--network", metavar="NET.hwgen", help="eie: what it must hold; all that is not given is"
        " fitted to it, and the bench runs it.")] = None,
    balance: Annotated[bool, typer.Option(
        "--balance/--no-balance", help="eie --network: whether rows of hidden layers are dealt out"
        " so that elements have as much to do; scores stay as they are.")] = True,
    huffman: Annotated[bool, typer.Option(
        "--huffman", help="eie: entries may come as Huffman codes.")] = False,
    delta: Annotated[bool, typer.Option(
        "--delta", help="eie: only activations that moved are sent.")] = False,
    thresholds: Annotated[list[int] | None, typer.Option(
        "--threshold", metavar="N", help="eie --delta: an activation is sent when it moved by more"
        " than this, as an integer; given once for all layers, or for each in turn. By default 0.",
    )] = None,
    x_bits: Annotated[int | None, typer.Option(
        "--x-bits", min=1, max=MAX_BITS, help="Bits of an activation; by default 8.")] = None,
    x_signed: Annotated[bool | None, typer.Option(
        "--x-signed/--x-unsigned", help="Whether activations have a sign; by default those of"
        " systolic do.")] = None,
    w_bits: Annotated[int | None, typer.Option(
        "--w-bits", min=1, max=MAX_BITS, help="Bits of a weight; by default 8.")] = None,
    w_signed: Annotated[bool | None, typer.Option(
        "--w-signed/--w-unsigned", help="Whether weights have a sign; by default they do."),
    ] = None,
    depth: Annotated[int, typer.Option(
        "--depth", help="systolic: most vectors of a job, so many accumulators for each column.",
    )] = 256,
    tiles: Annotated[int, typer.Option(
        "--tiles", help="systolic: most tiles of a job; sums are of up to rows times tiles"
        " products.")] = 256,
    multipliers: Annotated[Multipliers, typer.Option(
        "--multipliers", help="systolic: what products are made of.")] = Multipliers.BLOCKS,
    product: Annotated[str | None, typer.Option(
        "--product", metavar="MxKxN", help="systolic: also tell the cycles of an (M, K) by (K, N)"
        " product.",
    )] = None,
    board: Board = "ulx3s-85f",
    out: Annotated[Path | None, typer.Option(
        "--out", "-o", help="Artefact folder; by default rtl_out/KIND-ROWSxCOLUMNS or -PE.",
    )] = None,
    as_json: Json = False,
):
    """Generate an engine, with Verilog, bench and manifest: weights come by stream.

    For networks that do not fit as a pipeline, or one of many: systolic multiplies dense matrices
    tile by tile, eie runs all layers of a sparse network.
    """
    from hwgen.numeric import Fixed

    _require_own(context, kind)
    if kind == Kind.EIE:
        formats = {"x": _format(x_bits, x_signed, False), "weights": _format(w_bits, w_signed,
                                                                             True)}
        build_eie(pe=pe, lanes=lanes, sizes=sizes or [], network=network, balance=balance, out=out,
                  board=board,
                  formats={what: Fixed(*fmt) for what, fmt in formats.items() if fmt},
                  flags={"huffman": huffman, "delta": delta}, thresholds=thresholds or [],
                  as_json=as_json)
        return
    for what, value in (("rows", rows), ("columns", columns)):
        if value is None:
            raise spec_error(f"--{what} must be given for a systolic array")
    from hwgen.plan.engines import SystolicSpec

    x, weights = (Fixed(*(_format(bits, signed, True) or (8,))) for bits, signed in (
        (x_bits, x_signed), (w_bits, w_signed)))
    spec = SystolicSpec(rows=rows, columns=columns, x=x, weights=weights, depth=depth, tiles=tiles,
                        multipliers=str(multipliers))
    timing, target = None if product is None else _timing(spec, product), target_of(board)
    document = made(spec, out or Path("rtl_out") / f"{kind}-{rows}x{columns}", target,
                    macs=spec.macs, product=timing)
    show(document, as_json=as_json, text=lambda: [_table(spec, document), *_lines(document)])


def _require_own(context: typer.Context, kind: Kind) -> None:
    """SpecError if an option of another engine is given."""
    for other in Kind:
        for name, option in OPTIONS[other].items():
            given = context.get_parameter_source(name).name == "COMMANDLINE"
            if other != kind and given:
                raise spec_error(f"{option} must be left out for {kind}: it is an option of"
                                 f" {other}")


def _format(bits: int | None, signed: bool | None, by_default: bool):
    """Bits, fraction and sign of a format, where any of it is given."""
    if bits is None and signed is None:
        return None
    return 8 if bits is None else bits, 0, by_default if signed is None else signed


def _timing(spec, text: str) -> dict:
    sizes = text.lower().split("x")
    if len(sizes) != 3 or not all(size.isdecimal() for size in sizes):
        raise spec_error(f"--product must be MxKxN, such as 256x784x64, not {text!r}")
    m, k, n = map(int, sizes)
    return {"m": m, "k": k, "n": n, "jobs": len(spec.jobs(m, k, n)),
            "cycles": spec.cycles(m, k, n), "utilisation": spec.utilisation(m, k, n)}


def _table(spec, document) -> Table:
    return facts(f"systolic array, {spec.rows} rows by {spec.columns} columns", (
            ("products a cycle", f"{spec.macs:,}"),
            ("activations, weights", f"{spec.x}, {spec.weights}"),
            ("accumulators", f"{spec.depth:,} of {spec.columns} times {spec.accumulator.bits} bits"
                             f", for sums of up to {spec.inner:,} products"),
            ("latency", f"{spec.latency_cycles} cycles from a vector to its sums")), document)


def _lines(document):
    timing = document["product"]
    if timing is not None:
        yield (f"({timing['m']}, {timing['k']}) by ({timing['k']}, {timing['n']}):"
               f" {timing['cycles']:,} cycles in {timing['jobs']:,} job(s),"
               f" {timing['utilisation']:.1%} of all products that there could be")
    yield following(document)
