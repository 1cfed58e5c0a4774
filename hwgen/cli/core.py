"""``hwgen core``: a single core, alone, as an artefact with its bench."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .design_table import describe, design_tables
from .errors import spec_error
from .options import Board, Clock, Interval, Json, Seed, clock_hz, load_integers
from .output import show
from .progress import show_progress

__all__ = ["EXAMPLES", "Kind", "command", "layer_network"]

EXAMPLES = (
    "hwgen core binary --n-in 256 --n-out 64 --pe 8 --simd 32 --weights w.npy -o rtl_out/mine",
    "hwgen core sparse --n-in 128 --n-out 64 --pe 8 --w-bits 4 --density 0.1 --seed 7",
)

MAX_BITS = 16
MATRIX, SOURCE = "fc", "x"


class Kind(StrEnum):
    """The core families."""

    BINARY = "binary"
    FIXED = "fixed"
    SPARSE = "sparse"


def command(
    kind: Annotated[Kind, typer.Argument(metavar="KIND", help="binary, fixed or sparse.")],
    n_in: Annotated[int | None, typer.Option(
        "--n-in", help="Inputs; from the weights where they are given.")] = None,
    n_out: Annotated[int | None, typer.Option("--n-out", help="Outputs; likewise.")] = None,
    pe: Annotated[int | None, typer.Option("--pe", help="Outputs computed side by side.")] = None,
    simd: Annotated[int | None, typer.Option(
        "--simd", help="Inputs taken side by side (not of the sparse core).")] = None,
    weights: Annotated[Path | None, typer.Option(
        "--weights", help="Integers (n_out, n_in) as .npy; -1 and +1 for the binary core. "
        "Without it they are random.")] = None,
    x_bits: Annotated[int, typer.Option(
        "--x-bits", help="Bits of an input, unless the core is binary.")] = 8,
    x_signed: Annotated[bool, typer.Option(
        "--x-signed/--x-unsigned", help="Whether inputs have a sign.")] = False,
    w_bits: Annotated[int, typer.Option(
        "--w-bits", help="Bits of a weight, unless the core is binary.")] = 6,
    density: Annotated[float, typer.Option(
        "--density", help="Share of nonzeros of the sparse core's random weights.")] = 0.15,
    board: Board = "ulx3s-85f",
    clk_mhz: Clock = None,
    interval: Interval = None,
    seed: Seed = 0,
    out: Annotated[Path | None, typer.Option(
        "--out", "-o", help="Artefact folder; by default rtl_out/KIND-N_INxN_OUT.")] = None,
    as_json: Json = False,
):
    """Generate one matrix-vector core alone, with Verilog, bench and manifest."""
    from hwgen.flow import api

    matrix = _matrix(kind, weights, n_in=n_in, n_out=n_out, w_bits=w_bits, density=density,
                     seed=seed)
    folder = out or Path("rtl_out") / f"{kind}-{matrix.shape[1]}x{matrix.shape[0]}"
    network = layer_network(kind, matrix, name=folder.name, x_bits=x_bits, x_signed=x_signed)
    choice = {"core": str(kind), "pe": pe, "simd": simd}
    if kind is Kind.SPARSE and simd is not None:
        raise spec_error(f"--simd must not be given for the sparse core, which takes one nonzero at"
                        f" a time for each pe, not {simd!r}")
    design = api.plan(network, target=board, interval_cycles=interval, clk_hz=clock_hz(clk_mhz),
                      cores={MATRIX: {k: v for k, v in choice.items() if v is not None}})
    with show_progress() as progress:
        artefact = api.build(design, folder, progress=progress)
    show(describe(design, artefact), as_json=as_json, text=lambda: design_tables(design, artefact))


def layer_network(kind: Kind, matrix, *, name: str, x_bits: int, x_signed: bool):
    """A network of one matrix, a :class:`~hwgen.ir.Dense`; the scores are its output."""
    from hwgen.ir import Input, MatVec, Network
    from hwgen.numeric import Bipolar, Fixed

    fmt = Bipolar() if kind is Kind.BINARY else Fixed(_bits("--x-bits", x_bits), signed=x_signed)
    nodes = (Input(SOURCE, (), (matrix.shape[1],), fmt), MatVec(MATRIX, (SOURCE,), matrix))
    return Network(name, nodes, (MATRIX,), {"core": str(kind)})


def _matrix(kind, path, *, n_in, n_out, w_bits, density, seed):
    """The weights of a file, or random ones, as a :class:`~hwgen.ir.Dense`."""
    from hwgen.ir import Dense
    from hwgen.numeric import Bipolar, Fixed

    fmt = Bipolar() if kind is Kind.BINARY else Fixed(_bits("--w-bits", w_bits))
    if path is None:
        shape = _size("--n-out", n_out), _size("--n-in", n_in)
        share = density if kind is Kind.SPARSE else 1.0
        return Dense(_random(shape, fmt, density=share, seed=seed), fmt)
    values = load_integers(path, "weights")
    if values.ndim != 2:
        raise spec_error(f"weights '{path}' must be of shape (n_out, n_in), not {values.shape}")
    for what, asked, found in (("--n-out", n_out, values.shape[0]), ("--n-in", n_in,
                                                                     values.shape[1])):
        if asked not in (None, found):
            raise spec_error(f"{what} must be {found}, as in '{path}', not {asked}")
    return Dense(values, fmt)


def _random(shape, fmt, *, density: float, seed: int):
    """int64 ``shape``: uniform over the values of ``fmt``, all but ``density`` of them zero."""
    import numpy as np

    if not 0 < density <= 1:
        raise spec_error(f"--density must be above 0 and at most 1, not {density:g}")
    rng = np.random.default_rng(seed)
    values = np.arange(fmt.min, fmt.max + 1)
    values = values[fmt.allowed(values) & (values != 0)]
    keep = rng.permutation(shape[0] * shape[1]) < max(1, round(density * shape[0] * shape[1]))
    return rng.choice(values, shape) * keep.reshape(shape)


def _size(what: str, size: int | None) -> int:
    if size is None:
        raise spec_error(f"{what} must be given where there is no --weights")
    if size < 1:
        raise spec_error(f"{what} must be at least 1, not {size}")
    return size


def _bits(what: str, bits: int) -> int:
    if not 1 <= bits <= MAX_BITS:
        raise spec_error(f"{what} must be in 1..{MAX_BITS}, not {bits}")
    return bits
