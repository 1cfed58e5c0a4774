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
    "hwgen core binary --n-in 256 --n-out 64 --w-bits 2 --x-bits 2 --planes 4 --memory block",
    "hwgen core binary-unrolled --n-in 64 --n-out 32 --ternary --x-bits 4",
    "hwgen core fixed-unrolled --n-in 16 --n-out 16 --w-bits 6 --x-bits 6",
    "hwgen core shift --n-in 64 --n-out 64 --pe 4 --simd 8 --w-bits 5",
    "hwgen core codebook --n-in 128 --n-out 64 --pe 8 --simd 4 --w-bits 4",
    "hwgen core sparse --n-in 128 --n-out 64 --pe 8 --w-bits 4 --density 0.1 --seed 7",
)

MAX_BITS = 16
MATRIX, SOURCE = "fc", "x"

X_BITS, W_BITS = 8, 6
"""Bits of an input and a weight where none are given, but for binary cores, whose are signs."""

CODE_BITS = {"shift": (5, 2, 6), "codebook": (4, 1, 7)}
"""Core -> bits of a weight's code where none are given, and the fewest and most there can be."""

CENTROID = 127
"""Largest centroid of random weights, which are even distances apart."""

TERNARY_DENSITY = 2 / 3
"""Share of nonzeros of random ternary weights: all three values equally often."""


class Kind(StrEnum):
    """The core families."""

    BINARY = "binary"
    UNROLLED = "binary-unrolled"
    FIXED = "fixed"
    FIXED_UNROLLED = "fixed-unrolled"
    SPARSE = "sparse"
    SHIFT = "shift"
    CODEBOOK = "codebook"

    @property
    def counts_bits(self) -> bool:
        """Whether one bit is a sign, and more are planes."""
        return self in (Kind.BINARY, Kind.UNROLLED)


_WHOLE = "which takes whole vectors and gives whole ones"
_NO_PLANES = "which multiplies whole numbers"
_NO_PRODUCTS = "which adds up whole numbers"

NO_CHOICE = {
    Kind.BINARY: {},
    Kind.UNROLLED: {"pe": _WHOLE, "simd": _WHOLE, "planes": "which has all planes side by side",
                    "memory": "whose weights are wiring"},
    Kind.FIXED: {"planes": _NO_PLANES},
    Kind.FIXED_UNROLLED: {"pe": _WHOLE, "simd": _WHOLE, "planes": _NO_PLANES,
                          "memory": "whose weights are shifts and adders"},
    Kind.SPARSE: {"planes": _NO_PLANES, "memory": "whose elements have memories of their own"},
    Kind.SHIFT: {"planes": _NO_PRODUCTS},
    Kind.CODEBOOK: {"planes": _NO_PRODUCTS},
}
"""Core -> what cannot be chosen there, and why."""


def command(
    kind: Annotated[Kind, typer.Argument(
        metavar="KIND", help="binary, binary-unrolled, codebook, fixed, fixed-unrolled, shift or "
        "sparse.")],
    n_in: Annotated[int | None, typer.Option(
        "--n-in", help="Inputs; from the weights where they are given.")] = None,
    n_out: Annotated[int | None, typer.Option("--n-out", help="Outputs; likewise.")] = None,
    pe: Annotated[int | None, typer.Option(
        "--pe", help="Outputs computed side by side (not of unrolled cores).")] = None,
    simd: Annotated[int | None, typer.Option(
        "--simd", help="Inputs taken side by side (not of unrolled cores).")] = None,
    planes: Annotated[int | None, typer.Option(
        "--planes", help="Pairs of a weight's and an input's bits side by side: 1, or all (of "
        "binary).")] = None,
    memory: Annotated[str | None, typer.Option(
        "--memory", help="Where weights are stored: auto, block or logic (of binary, codebook, "
        "fixed and shift).")] = None,
    weights: Annotated[Path | None, typer.Option(
        "--weights", help="Integers (n_out, n_in) as .npy, in the format of --w-bits or --ternary. "
        "Without it they are random.")] = None,
    x_bits: Annotated[int | None, typer.Option(
        "--x-bits", help="Bits of an input: 8, or of binary cores 1, which is -1 or +1.")] = None,
    x_signed: Annotated[bool, typer.Option(
        "--x-signed/--x-unsigned", help="Whether inputs have a sign.")] = False,
    w_bits: Annotated[int | None, typer.Option(
        "--w-bits", help="Bits of a weight: 6, or of binary cores 1, which is -1 or +1; of a "
        "code of shift (5: zero and powers of two with signs) and of codebook (4).")] = None,
    ternary: Annotated[bool, typer.Option(
        "--ternary", help="Weights are -1, 0 and +1, instead of --w-bits.")] = False,
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

    matrix = _matrix(kind, weights, n_in=n_in, n_out=n_out, seed=seed, density=density,
                     fmt=_weight_format(kind, w_bits, ternary=ternary))
    folder = out or Path("rtl_out") / f"{kind}-{matrix.shape[1]}x{matrix.shape[0]}"
    network = layer_network(kind, matrix, name=folder.name, x_bits=x_bits, x_signed=x_signed)
    choice = _choice(kind, {"pe": pe, "simd": simd, "planes": planes, "memory": memory})
    design = api.plan(network, target=board, interval_cycles=interval, clk_hz=clock_hz(clk_mhz),
                      cores={MATRIX: choice})
    with show_progress() as progress:
        artefact = api.build(design, folder, progress=progress)
    show(describe(design, artefact, network), as_json=as_json,
         text=lambda: design_tables(design, artefact, network))


def _choice(kind: Kind, options) -> dict:
    """What the planner is told of the matrix: the core, and the options that are given."""
    given = {what: value for what, value in options.items() if value is not None}
    for what, value in given.items():
        if what in NO_CHOICE[kind]:
            raise spec_error(f"--{what} must not be given for the {kind} core,"
                             f" {NO_CHOICE[kind][what]}, not {value}")
    return {"core": str(kind)} | given


def layer_network(kind: Kind, matrix, *, name: str, x_bits: int | None, x_signed: bool):
    """A network of one matrix, a :class:`~hwgen.ir.Matrix`; the scores are its output."""
    from hwgen.ir import Input, MatVec, Network

    fmt = _format(kind, "--x-bits", x_bits, usual=X_BITS, signed=x_signed)
    nodes = (Input(SOURCE, (), (matrix.shape[1],), fmt), MatVec(MATRIX, (SOURCE,), matrix))
    return Network(name, nodes, (MATRIX,), {"core": str(kind)})


def _format(kind: Kind, what: str, bits: int | None, *, usual: int, signed: bool):
    """Of one bit in a binary core signs, else integers; ``usual`` bits where none are given."""
    from hwgen.numeric import Bipolar, Fixed

    if bits is None:
        bits = 1 if kind.counts_bits else usual
    fmt = Fixed(_bits(what, bits), signed=signed)
    return Bipolar() if kind.counts_bits and bits == 1 else fmt


def _weight_format(kind: Kind, w_bits: int | None, *, ternary: bool):
    from hwgen.numeric import Ternary

    if ternary and kind in CODE_BITS:
        raise spec_error(f"--ternary must not be given for the {kind} core, whose weights have"
                         f" codes of --w-bits")
    if kind in CODE_BITS:
        return _code_format(kind, w_bits)
    if not ternary:
        return _format(kind, "--w-bits", w_bits, usual=W_BITS, signed=True)
    if w_bits is not None:
        raise spec_error(f"--w-bits must not be given with --ternary, whose weights are -1, 0 and"
                         f" +1, not {w_bits}")
    return Ternary()


def _code_format(kind: Kind, w_bits: int | None):
    """Powers of two, or centroids in even distances, 0 among them."""
    from hwgen.numeric import Codebook, PowerOfTwo

    usual, fewest, most = CODE_BITS[kind]
    bits = usual if w_bits is None else w_bits
    if not fewest <= bits <= most:
        raise spec_error(f"--w-bits of the {kind} core must be in {fewest}..{most}, not {bits}")
    if kind is Kind.SHIFT:
        return PowerOfTwo(1 << bits - 2)
    half = 1 << bits - 1
    return Codebook(tuple(k * CENTROID // half for k in range(-half, half)))


def _matrix(kind, path, *, n_in, n_out, fmt, density, seed):
    """The weights of a file, or random ones, as the matrix that the core is for."""
    from hwgen.numeric import Ternary

    if path is None:
        shape = _size("--n-out", n_out), _size("--n-in", n_in)
        share = TERNARY_DENSITY if isinstance(fmt, Ternary) else 1.0
        share = density if kind is Kind.SPARSE else share
        return _structured(kind, _random(shape, fmt, density=share, seed=seed), fmt)
    values = load_integers(path, "weights")
    if values.ndim != 2:
        raise spec_error(f"weights '{path}' must be of shape (n_out, n_in), not {values.shape}")
    for what, asked, found in (("--n-out", n_out, values.shape[0]), ("--n-in", n_in,
                                                                     values.shape[1])):
        if asked not in (None, found):
            raise spec_error(f"{what} must be {found}, as in '{path}', not {asked}")
    return _structured(kind, values, fmt)


def _structured(kind: Kind, values, fmt):
    from hwgen.ir import Dense, PowerSums, Shared

    if kind is Kind.SHIFT:
        return PowerSums.of(values, fmt.exponents)
    return Shared.of(values) if kind is Kind.CODEBOOK else Dense(values, fmt)


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
