"""Options that several commands have, and how their texts are read."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from .errors import did_you_mean, spec_error

__all__ = [
    "Artefact", "Board", "Clock", "CoreChoice", "Interval", "Json", "MemoryChoice", "PeChoice",
    "PlanesChoice", "Seed", "SimdChoice", "WeightsChoice", "clock_hz", "cores", "load_integers",
    "target_of", "weights_of_all",
]

CORES = ("binary", "binary-unrolled", "codebook", "fixed", "fixed-unrolled", "nm", "shift",
         "sparse", "sparse-columns")
OF_CORES = ("levels_per_register", "multipliers", "packing", "weights", "queue_depth", "lanes",
            "index", "index_bits", "values", "pointers", "block_rows", "block_columns",
            "column_groups", "group")
NUMBERS = ("levels_per_register", "queue_depth", "lanes", "index_bits", "block_rows",
           "block_columns", "column_groups", "group")
MEMORIES = ("auto", "block", "logic")
WEIGHTS = ("rom", "ram")
EXAMPLES = {"pe": "fc1=8", "simd": "fc1=16", "planes": "fc1=1", "memory": "fc1=block",
            "core": "fc1=binary", "weights": "fc1=ram"}

Json = Annotated[bool, typer.Option(
    "--json", help="Print the result as JSON alone on standard output.")]
Artefact = Annotated[Path, typer.Argument(
    metavar="FOLDER", help="Artefact folder, as 'hwgen generate' and 'hwgen core' write it.")]
Board = Annotated[str, typer.Option("--board", help="Board to plan for; see 'hwgen boards'.")]
Clock = Annotated[float | None, typer.Option(
    "--clk-mhz", help="Clock of the network in MHz; by default the board's.")]
Interval = Annotated[int | None, typer.Option(
    "--interval", help="Cycles between vectors to reach, for which more cores are tried; by default"
    " the fewest of 16, 32, 64 ... that fit with those taken unasked.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of everything random here.")]
PeChoice = Annotated[list[str] | None, typer.Option(
    "--pe", metavar="NODE=N", help="Outputs computed side by side; may be repeated.")]
SimdChoice = Annotated[list[str] | None, typer.Option(
    "--simd", metavar="NODE=N", help="Inputs taken side by side; may be repeated.")]
PlanesChoice = Annotated[list[str] | None, typer.Option(
    "--planes", metavar="NODE=N",
    help="Pairs of a weight's and an input's bits side by side: 1, or all; may be repeated.")]
MemoryChoice = Annotated[list[str] | None, typer.Option(
    "--memory", metavar="NODE=WHERE",
    help="Where weights are stored: auto, block or logic; may be repeated.")]
WeightsChoice = Annotated[list[str] | None, typer.Option(
    "--weights", metavar="[NODE=]KIND",
    help="rom: constants; ram: loaded while the hardware runs. Of all nodes, or of one; may be "
    "repeated.")]
CoreChoice = Annotated[list[str] | None, typer.Option(
    "--core", metavar="NODE=CORE",
    help="binary, binary-unrolled, codebook, fixed, fixed-unrolled, nm, shift, sparse or "
    "sparse-columns, of a node; fixed,multipliers=luts takes no multiplier blocks; may be "
    "repeated.")]


def cores(**given: Iterable[str] | None) -> dict[str, dict]:
    """What ``NODE=VALUE`` options ask for: ``{node: {"pe": int, "core": str, ...}}``.

    Parameters
    ----------
    given : texts of ``pe``, ``simd``, ``planes``, ``memory``, ``weights``, ``core``; None where
        there are none

    Raises
    ------
    SpecError    If one is no ``NODE=VALUE``, its value is wrong, or it is given twice.
    """
    chosen: dict[str, dict] = {}
    readers = {"pe": _positive, "simd": _positive, "planes": _positive,
               "memory": _one_of(MEMORIES), "weights": _one_of(WEIGHTS), "core": _one_of(CORES)}
    for what, texts in given.items():
        for text in texts or ():
            node, equals, value = text.partition("=")
            if not (node and equals and value):
                raise spec_error(f"--{what} must be NODE=VALUE, such as {EXAMPLES[what]},"
                                 f" not {text!r}")
            if what in chosen.setdefault(node, {}):
                raise spec_error(f"--{what} of '{node}' must be given once, not twice")
            where = f"--{what} of '{node}'"
            value, comma, rest = value.partition(",") if what == "core" else (value, "", "")
            chosen[node][what] = readers[what](where, value)
            if comma:
                chosen[node] |= _of_core(where, rest)
    return chosen


def _of_core(where: str, text: str) -> dict[str, object]:
    """What a core is told that has no option of its own: ``what=value``, separated by commas."""
    pairs = [pair.partition("=") for pair in text.split(",")]
    if not all(what in OF_CORES and value for what, _, value in pairs):
        raise spec_error(f"{where} must be a core and then"
                         f" {' or '.join(f'{what}=WHAT' for what in OF_CORES)}, not {text!r}")
    return {what: value if what not in NUMBERS or (what, value) == ("queue_depth", "fitted")
            else _positive(f"{where}: {what}", value) for what, _, value in pairs}


def weights_of_all(texts: list[str] | None) -> tuple[str | None, list[str]]:
    """The text that names no node, and those that name one.

    Raises
    ------
    SpecError    If more than one names none, or it is neither ``rom`` nor ``ram``.
    """
    of_all = [text for text in texts or () if "=" not in text]
    if len(of_all) > 1:
        raise spec_error(f"--weights of all nodes must be given once, not {len(of_all)} times")
    if of_all:
        _one_of(WEIGHTS)("--weights", of_all[0])
    return (of_all[0] if of_all else None), [text for text in texts or () if "=" in text]


def _positive(what: str, text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]*", text):
        raise spec_error(f"{what} must be a positive whole number, not {text!r}")
    return int(text)


def _one_of(known: tuple[str, ...]):
    def read(what: str, text: str) -> str:
        if text not in known:
            raise spec_error(f"{what} must be one of {', '.join(known)}, not {text!r}"
                             + did_you_mean(text, known))
        return text

    return read


def clock_hz(clk_mhz: float | None) -> int | None:
    """The clock in Hz; None where none is given."""
    if clk_mhz is None:
        return None
    if not 0 < clk_mhz < 10_000:
        raise spec_error(f"--clk-mhz must be above 0 and below 10000, not {clk_mhz:g}")
    return round(clk_mhz * 1e6)


def load_integers(path: Path, what: str):
    """The int64 array of a ``.npy`` file.

    Raises
    ------
    SpecError    If the file is no ``.npy`` file, or does not hold integers.
    OSError      If it cannot be read.
    """
    import numpy as np

    try:
        with path.open("rb") as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
    except ValueError as error:
        raise spec_error(f"{what} '{path}' must be a .npy file, not damaged or another kind"
                        f" ({error})") from error
    if array.dtype.kind not in "iu":
        raise spec_error(f"{what} '{path}' must hold integers, not {array.dtype}")
    return array.astype(np.int64)


def target_of(board: str):
    """What the planner needs to know of the board called so, or of a board's Python file."""
    from hwgen import board_targets

    return board_targets.load(board).target
