"""``hwgen simulate``: the emitted Verilog, or its netlist, against the golden values."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .errors import spec_error
from .options import Json, load_integers
from .output import note, show
from .progress import show_progress

__all__ = ["EXAMPLES", "command"]

EXAMPLES = (
    "hwgen simulate rtl_out/digits-binary",
    "hwgen simulate rtl_out/digits-binary --stalls random --seed 3 --simulator icarus",
    "hwgen simulate rtl_out/digits-binary --bench compiled --frames 10000",
    "hwgen simulate rtl_out/digits-binary --netlist ulx3s-85f",
    "hwgen simulate rtl_out/digits-fixed --reload other.hwgen",
    "hwgen simulate rtl_out/systolic-8x8 --stalls both",
)


RESULT = ("bench", "simulator", "version", "stalls", "seed", "mode", "compared", "mismatched",
          "latency_cycles", "interval_cycles", "cycles", "seconds")
"""What machines are told of the result, besides the scores."""

ENGINE_RESULT = ("simulator", "version", "stalls", "seed", "jobs", "compared", "cycles",
                 "simulated_cycles", "seconds")
"""The same of an engine."""


class Stalls(StrEnum):
    """Where the streams are held up."""

    NONE = "none"
    INPUT = "input"
    OUTPUT = "output"
    BOTH = "both"
    RANDOM = "random"


class Mode(StrEnum):
    """What else is done to the hardware."""

    STREAM = "stream"
    RESET = "reset"
    LENGTH = "length"


class Simulator(StrEnum):
    """What runs the Verilog."""

    VERILATOR = "verilator"
    ICARUS = "icarus"


class Bench(StrEnum):
    """What streams the frames."""

    COCOTB = "cocotb"
    COMPILED = "compiled"


def command(
    folder: Annotated[Path, typer.Argument(
        metavar="FOLDER", help="Artefact folder, as 'hwgen generate', 'hwgen core', 'hwgen engine'"
        " and 'hwgen spmv' write it.")],
    x: Annotated[Path | None, typer.Option(
        "--input", help="Input vectors, integers as .npy; else those of the artefact.")] = None,
    frames: Annotated[int | None, typer.Option(
        "--frames", help="Only the first so many; more than the artefact's are drawn.")] = None,
    stalls: Annotated[Stalls, typer.Option(
        "--stalls", help="Which side is held up.")] = Stalls.NONE,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the stalls.")] = 0,
    mode: Annotated[Mode, typer.Option(
        "--mode", help="Frames alone, or also resets in mid-frame, or frames of a wrong length.",
    )] = Mode.STREAM,
    bench: Annotated[Bench, typer.Option(
        "--bench", help="cocotb, or a compiled C++ program: the same, many times faster.",
    )] = Bench.COCOTB,
    simulator: Annotated[Simulator, typer.Option(
        "--simulator", help="What runs the Verilog.")] = Simulator.VERILATOR,
    netlist: Annotated[str | None, typer.Option(
        "--netlist", metavar="BOARD",
        help="Run the core's netlist for the device of this board in place of the Verilog.",
    )] = None,
    reload: Annotated[Path | None, typer.Option(
        "--reload", metavar="NET.hwgen",
        help="Where weights are loaded: behind the frames load those of this network, of the same "
        "structure, and send the frames again.")] = None,
    out: Annotated[Path | None, typer.Option(
        "--out", "-o", help="File for the scores, .npy.")] = None,
    as_json: Json = False,
):
    """Run an artefact's Verilog and compare every score with the golden model's.

    With --netlist yosys first maps the core to the cells of a device, and what runs is those
    cells. Ends with 1, and the first node, index, expected and found value, if one differs.
    """
    import numpy as np

    from hwgen.emit.manifest import kind_of
    from hwgen.flow.artefact import Artefact as Folder
    from hwgen.ir import load

    if kind_of(folder) == "engine":
        given = {"--input": x, "--frames": frames, "--reload": reload, "--out": out,
                 "--mode": None if mode == Mode.STREAM else mode,
                 "--bench": None if bench == Bench.COCOTB else bench}
        _engine(folder, given, as_json=as_json, stalls=str(stalls), seed=seed,
                simulator=str(simulator), netlist=netlist)
        return
    vectors = None if x is None else load_integers(x, "input")
    artefact = Folder(folder)
    with show_progress() as progress:
        result = artefact.verify(vectors, frames=frames, stalls=str(stalls), seed=seed,
                                 bench=str(bench), mode=str(mode), simulator=str(simulator),
                                 netlist=netlist, progress=progress,
                                 reload=None if reload is None else load(reload))
    if out is not None:
        np.save(out, result.scores)
        note(f"scores written to {out}")
    document = {"artefact": str(folder), "netlist": netlist,
                **{key: getattr(result, key) for key in RESULT}}
    show(document, as_json=as_json, text=lambda: _line(document))


def _engine(folder, given, *, as_json, **how):
    """The products of an engine's artefact, as ``hwgen engine`` writes it."""
    from hwgen.flow.engine import verify_engine

    for option, value in given.items():
        if value is not None:
            raise spec_error(f"{option} must be left out for an engine, whose bench sends what its"
                             f" folder holds")
    with show_progress() as progress:
        result = verify_engine(folder, progress=progress, **how)
    document = {"artefact": str(folder), "netlist": how["netlist"],
                **{key: getattr(result, key) for key in ENGINE_RESULT}}
    show(document, as_json=as_json, text=lambda: (
        f"[green]{result.compared:,} results of {result.jobs} jobs compared, 0 mismatched[/]"
        f" ({_netlist(document)}{result.simulator}, stalls {result.stalls}, seed {result.seed},"
        f" {result.simulated_cycles:,} cycles in {result.seconds:.1f} s)"
        + (f"\nAll jobs took {result.cycles:,} cycles, as stated" if result.cycles else "")))


def _line(document) -> str:
    text = (f"[green]{document['compared']:,} values compared, {document['mismatched']}"
            f" mismatched[/] ({_netlist(document)}{document['simulator']},"
            f" {document['bench']} bench,"
            f" mode {document['mode']}, stalls {document['stalls']}, seed {document['seed']},"
            f" {document['cycles']:,} cycles in {document['seconds']:.1f} s)")
    if document["interval_cycles"] is not None:
        text += f"\nA frame every {document['interval_cycles']:,.5g} cycles"
    if document["latency_cycles"] is not None:
        text += f"; latency {document['latency_cycles']:,} cycles"
    return text


def _netlist(document) -> str:
    return f"netlist for {document['netlist']}, " if document["netlist"] else ""
