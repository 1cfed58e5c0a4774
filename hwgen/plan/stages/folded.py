"""What the folded matrix-vector cores share: the folding law, its schedule, and what follows.

A folded core keeps a frame of ``sf = n_in / simd`` rows and reads it ``nf = n_out / pe`` times,
one row a cycle: the matrix-vector-threshold unit of FINN (arXiv 1612.07119).
"""

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

from ...ir import Edge, Matrix, MatVec, Node, Requantise, Threshold
from ...numeric import Fixed, SpecError, as_int, pack_rows
from ..target import in_block_ram
from .base import Flow, Stage, divisors, require_divisor
from .loaded_memory import LoadedMemory
from .narrowing import Narrowing
from .scaling import MULTIPLIERS, Scaling
from .ways_to_load import core_to_load

__all__ = ["MatVecStage", "FoldedStage", "adder_levels", "tree_registers"]

FEW_PRODUCTS = 16
"""Products a cycle below which no folding is left out as wider than needed."""

MEMORIES = ("auto", "block", "logic")
"""Where weights may be stored."""

OPERAND_REGISTERS = 3
"""Cycles from the transfer of a row to the operands in registers: write, read, register."""

def adder_levels(terms: int) -> int:
    """Depth of a balanced tree of two-input adders over ``terms``."""
    return max(0, terms - 1).bit_length()


def tree_registers(levels: int, levels_per_register: int) -> int:
    """Registers in a tree of ``levels`` with one after every ``levels_per_register``."""
    return levels // levels_per_register


def _free(where: str, choice: Mapping, what: str, total: int) -> list[int]:
    """The values that ``choice`` leaves for ``what``: the one it names, or all divisors."""
    return [as_int(choice[what], f"{where}: {what}")] if what in choice else divisors(total)


@dataclass(frozen=True, eq=False)
class MatVecStage(Stage):
    """A matrix-vector product and, if ``post`` is given, the node that narrows its result.

    Parameters
    ----------
    mat_vec : MatVec
    x : Edge                           the edge it reads
    post : Threshold, Requantise or None
    pe : int                           outputs side by side
    multipliers : str
        ``blocks``, or ``luts`` where no product of the stage, those of a requantise that follows
        included, is to take a multiplier block.
    scaling : Scaling
        What products of a requantise that follows are cut for; the planner takes it from the target
        and the clock.
    """

    choices: ClassVar[tuple[str, ...]] = ("pe",)
    compares: ClassVar[bool] = True
    """Whether a Threshold may follow in the same stage."""
    columns_in_groups: ClassVar[bool] = False
    """Whether what the stage stores rests on which columns stand side by side."""
    mat_vec: MatVec
    x: Edge
    post: Node | None
    pe: int
    multipliers: str = field(default="blocks", kw_only=True)
    scaling: Scaling = field(default=Scaling(), kw_only=True)

    @classmethod
    @abstractmethod
    def suits(cls, mat_vec: MatVec, x: Edge, post: Node | None = None) -> bool:
        """Whether the planner should take this core for ``mat_vec`` unless told otherwise.

        ``post`` is the Threshold or Requantise that follows, if one does.
        """

    @classmethod
    def loads(cls, weights: Matrix) -> bool:
        """Whether such weights may be loaded while the hardware runs."""
        return False

    @classmethod
    def candidates(cls, mat_vec: MatVec, x: Edge, post: Node | None, *, interval_cycles: int,
                   levels_per_register: int, choice: Mapping) -> list["MatVecStage"]:
        """Foldings worth comparing; ``choice`` fixes any of :attr:`choices`."""
        fixed = {key: value for key, value in choice.items() if key != "pe"}
        return [cls(mat_vec, x, post, pe, **fixed)
                for pe in _free(cls.path(mat_vec), choice, "pe", mat_vec.weights.shape[0])]

    def thriftier(self, interval_cycles: int) -> list["MatVecStage"]:
        """The same in other ways that reach ``interval_cycles``, and may take fewer cells."""
        return []

    @classmethod
    def path(cls, mat_vec: MatVec) -> str:
        """How errors name this core of ``mat_vec``."""
        return f"{cls.core} core '{mat_vec.name}'"

    def __post_init__(self):
        self._require_pe()
        if self.mat_vec.is_loaded and not self.loads(self.mat_vec.weights):
            raise SpecError(f"{self.where}: weights must be rom, as this core has no memory to load"
                            f" {self.mat_vec.weights.format} into, not ram;"
                            f" {core_to_load(self.mat_vec.weights)}")
        if not isinstance(self.post, Threshold | Requantise | None):
            raise SpecError(f"{self.where}: what follows must be a Threshold or a Requantise,"
                            f" not {type(self.post).__name__}")
        if self.multipliers not in MULTIPLIERS:
            raise SpecError(f"{self.where}: multipliers must be one of {', '.join(MULTIPLIERS)},"
                            f" not {self.multipliers!r}")

    def _require_pe(self) -> None:
        require_divisor(self.where, "pe", self.pe, "n_out", self.n_out)

    @property
    def where(self) -> str:
        return self.path(self.mat_vec)

    @property
    def n_out(self) -> int:
        return self.mat_vec.weights.shape[0]

    @property
    def n_in(self) -> int:
        return self.mat_vec.weights.shape[1]

    @property
    def nf(self) -> int:
        """Folds of the outputs: beats in an output frame."""
        return self.n_out // self.pe

    @property
    def nodes(self) -> tuple[Node, ...]:
        return (self.mat_vec,) if self.post is None else (self.mat_vec, self.post)

    @property
    def in_edge(self) -> Edge:
        return self.x

    @property
    def acc_edge(self) -> Edge:
        """The accumulator's final value."""
        return self.mat_vec.infer(self.x)

    @property
    def out_edge(self) -> Edge:
        return self.acc_edge if self.post is None else self.post.infer(self.acc_edge)

    @property
    def out_lanes(self) -> int:
        return self.pe

    @property
    def acc_format(self) -> Fixed:
        """Holds every partial sum in any order, from the actual weights."""
        return Fixed.covering(*self.mat_vec.partial_sum_range(self.x))

    @property
    def bias_format(self) -> Fixed:
        """In which the biases are stored."""
        least, most = self.mat_vec.bias_range(self.x)
        return Fixed.covering(min(0, least), most)

    def bias_rows(self) -> list[int]:
        """Row ``f`` holds the biases of the ``pe`` outputs of fold ``f``."""
        return pack_rows(self.mat_vec.bias_or_zero.reshape(self.nf, self.pe), self.bias_format)

    def loaded_biases(self) -> tuple[LoadedMemory, ...]:
        """Biases as they are loaded behind the weights, where there are any."""
        if self.mat_vec.bias is None:
            return ()
        return (LoadedMemory.of_outputs(
            self.name, "bias", self.nf, self.pe, self.bias_format, self.bias_rows,
            in_blocks=in_block_ram(self.nf, self.pe * self.bias_format.bits)),)

    @property
    def bits_beside_weights(self) -> dict[str, int]:
        """Of :attr:`memory_bits` what biases take, and a requantise that follows."""
        bias = {} if self.mat_vec.bias is None else {"bias": self.n_out * self.bias_format.bits}
        return bias if self.narrowing is None else bias | self.narrowing.memory_bits

    @property
    def post_registers(self) -> int:
        """Registers between the accumulator and the output FIFO."""
        if self.narrowing is not None:
            return self.narrowing.registers
        return int(self.post is not None)

    @cached_property
    def narrowing(self) -> Narrowing | None:
        """The steps of a requantise that follows."""
        if not isinstance(self.post, Requantise):
            return None
        x = Fixed.covering(self.acc_edge.lo, self.acc_edge.hi)
        return Narrowing(self.post, self.n_out, self.out_lanes, x, self.scaling,
                         self.multiplies_in_luts)

    @property
    def ways_chosen(self) -> dict:
        """Of :attr:`folding` what is not as usual: loaded weights, and products in LUTs."""
        return ({"weights": "ram"} if self.mat_vec.is_loaded else {}) | (
            {"multipliers": "luts"} if self.multiplies_in_luts else {})

    @property
    def multiplies_in_luts(self) -> bool:
        """Whether no product takes a multiplier block."""
        return self.multipliers == "luts"


@dataclass(frozen=True, eq=False)
class FoldedStage(MatVecStage):
    """A matrix-vector stage that reads ``simd`` inputs a cycle.

    A frame is one vector, or as many as the leading axes of ``x`` have: pixels of a convolution.

    Parameters
    ----------
    simd : int                  inputs side by side
    levels_per_register : int   adder levels between two registers
    memory : str
        Where the weights are stored: ``block`` RAM, ``logic``, or what suits their rows (``auto``).
    """

    choices: ClassVar[tuple[str, ...]] = ("pe", "simd", "memory", "levels_per_register")
    simd: int
    levels_per_register: int
    memory: str = field(default="auto", kw_only=True)

    @classmethod
    def foldings(cls, mat_vec, x, choice) -> list[tuple[int, dict]]:
        """What ``choice`` leaves free: products a cycle, and the folding they come from."""
        where, (n_out, n_in) = cls.path(mat_vec), mat_vec.weights.shape
        return [(pe * simd, {"pe": pe, "simd": simd})
                for pe in _free(where, choice, "pe", n_out)
                for simd in _free(where, choice, "simd", n_in)]

    @classmethod
    def products(cls, mat_vec, x) -> int:
        """Products in a frame."""
        n_out, n_in = mat_vec.weights.shape
        return math.prod(x.shape[:-1]) * n_out * n_in

    @classmethod
    def candidates(cls, mat_vec, x, post, *, interval_cycles, levels_per_register, choice):
        """The fewest products a cycle that reach the interval, up to twice as many, or to 16.

        With fewer, what counts rows and folds takes more than what computes.
        """
        every, wanted = cls.foldings(mat_vec, x, choice), cls.products(mat_vec, x)
        fast = [(width, folding) for width, folding in every if wanted <= interval_cycles * width]
        fast = fast or [max(every, key=lambda option: option[0])]
        fewest = min(width for width, _ in fast)
        memory = choice.get("memory", "auto")
        levels = choice.get("levels_per_register", levels_per_register)
        how = {what: choice[what] for what in ("multipliers",) if what in choice}
        return [cls(mat_vec, x, post, levels_per_register=levels, memory=memory, **how,
                    **folding)
                for width, folding in fast if width <= max(2 * fewest, FEW_PRODUCTS)]

    def __post_init__(self):
        super().__post_init__()
        require_divisor(self.where, "simd", self.simd, "n_in", self.n_in)
        if as_int(self.levels_per_register, f"{self.where}: levels_per_register") < 1:
            raise SpecError(f"{self.where}: levels_per_register must be at least 1,"
                            f" not {self.levels_per_register}")
        if self.memory not in MEMORIES:
            raise SpecError(f"{self.where}: memory must be one of {', '.join(MEMORIES)},"
                            f" not {self.memory!r}")
        if self.mat_vec.is_loaded and self.memory == "logic":
            raise SpecError(f"{self.where}: memory must be auto or block where weights are ram,"
                            f" not 'logic'")

    @property
    def vectors(self) -> int:
        """Vectors in a frame."""
        return math.prod(self.x.shape[:-1])

    @property
    def sf(self) -> int:
        """Folds of the inputs: beats of a vector."""
        return self.n_in // self.simd

    @property
    def passes(self) -> int:
        """How often an output fold reads the vector."""
        return 1

    @property
    def row_bits(self) -> int:
        """Bits of a row of inputs."""
        return self.simd * self.x.format.bits

    @property
    def inputs_in_block_ram(self) -> bool:
        """Whether the two vectors wait in block RAM: beyond 16 rows LUTs need a second bank."""
        return 2 * self.sf > 16 and 2 * self.sf * self.row_bits > 1024

    def loaded_with_biases(self, values: Fixed, text: str, **folding) -> tuple[LoadedMemory, ...]:
        """Weights of ``values`` as they are loaded, then biases."""
        if not self.mat_vec.is_loaded:
            return ()
        rows, bits = self.nf * self.sf, self.weight_row_bits
        weights = LoadedMemory(
            self.name, "weights", rows=rows, row_bits=bits, values=values, text=text,
            in_blocks=self.weights_in_block_ram(rows, bits), contents=self.weight_rows,
            folding={"pe": self.pe, "simd": self.simd, **folding})
        return (weights, *self.loaded_biases())

    def weights_in_block_ram(self, rows: int, width: int) -> bool:
        """Whether ``rows`` of ``width`` bits of weights are stored in block RAM."""
        if self.mat_vec.is_loaded:
            return rows > 1
        if rows > 1 and self.memory != "auto":
            return self.memory == "block"
        return in_block_ram(rows, width)

    @property
    def in_lanes(self) -> int:
        return self.simd

    @property
    def interval_cycles(self) -> int:
        """Exactly ``vectors * passes * (n_out / pe) * (n_in / simd)``."""
        return self.vectors * self.passes * self.nf * self.sf

    @property
    @abstractmethod
    def dot_registers(self) -> int:
        """Registers between the operands and the accumulator."""

    @property
    def combine_registers(self) -> int:
        """Registers between the accumulator and what follows it."""
        return 0

    @property
    def issue_to_output(self) -> int:
        """Cycles from the issue of a fold's last row to its beat at the output."""
        accumulator = fifo = 1
        return (OPERAND_REGISTERS - 1 + self.dot_registers + accumulator + self.combine_registers
                + self.post_registers + fifo)

    @property
    def memory_bits(self):
        weights = self.nf * self.sf * self.weight_row_bits
        return {"weights": weights} | self.bits_beside_weights

    @property
    def fifo_depth(self) -> int:
        """Output beats that may be under way at once, so that no bubble is ever needed."""
        fold_cycles = self.passes * self.sf
        return -(-(fold_cycles + self.issue_to_output + 1) // fold_cycles) + 1

    def flow(self, arrivals):
        """See :meth:`Stage.flow`; a beat that finds both vectors' places taken waits.

        A vector's first pass follows its rows as they come, the others follow at one row a cycle.
        """
        taken, departures, needed, freed, issue = [], [], [], [], -1
        sf, tail, fold_cycles = self.sf, self.issue_to_output, self.passes * self.sf
        follows = fold_cycles * self.nf - sf
        for first in range(0, len(arrivals), sf):
            for row in range(first, first + sf):
                room = freed[row - 2 * sf] + 1 if row >= 2 * sf else 0
                following = taken[-1] + 1 if taken else 0
                taken.append(max(arrivals[row], following, room))
                issue = max(issue, taken[-1]) + 1
                needed.append(issue - 1)
                freed.append(issue)
            # The pass over the rows ends here; what is left of the vector runs without a gap.
            departures += range(issue + fold_cycles - sf + tail, issue + follows + tail + 1,
                                fold_cycles)
            if follows:
                issue += follows
                freed[first:] = range(issue - sf + 1, issue + 1)
        return Flow(taken, departures, needed)

    @property
    def folding(self):
        folding = {"pe": self.pe, "simd": self.simd,
                   "levels_per_register": self.levels_per_register}
        folding |= self.ways_chosen
        return folding if self.memory == "auto" else folding | {"memory": self.memory}
