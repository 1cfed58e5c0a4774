"""Requantisations that follow no matrix: behind a pool, the input, or one another."""

from dataclasses import dataclass, field
from functools import cached_property
from math import lcm
from typing import ClassVar

from ...ir import Edge, Requantise
from ...numeric import Fixed, SpecError
from ..target import Cells
from .base import require_fixed_point
from .elementwise import ElementwiseStage, narrowest
from .narrowing import Narrowing, narrowing_cells
from .scaling import MULTIPLIERS, Scaling

__all__ = ["RequantiseStage", "requantise_of"]


@dataclass(frozen=True, eq=False)
class RequantiseStage(ElementwiseStage):
    """``lanes`` elements a cycle, each scaled, rounded and clipped as behind a matrix.

    Channels are the last axis: a beat need not end where a pixel does, so multipliers and shifts
    are stored in turn for each lane until the beats begin anew with channel 0, after :attr:`nf`.

    A frame takes ``size / lanes`` cycles; a result leaves ``2 + narrowing.registers`` cycles after
    its element came: the input's register, the steps, the output queue.

    Parameters
    ----------
    lanes : int         elements side by side, in and out; a divisor of the size
    multipliers : str   what products are made of: ``blocks``, or ``luts``
    scaling : Scaling   what they are cut for; the planner takes it from the target and the clock

    Raises
    ------
    SpecError    If ``lanes`` does not divide, ``multipliers`` is unknown, or the input is not fixed
                 point.
    """

    core: ClassVar[str] = "requantise"
    choices: ClassVar[tuple[str, ...]] = ("lanes", "multipliers")
    post: Requantise
    x: Edge
    lanes: int
    multipliers: str = field(default="blocks", kw_only=True)
    scaling: Scaling = field(default=Scaling(), kw_only=True)

    def __post_init__(self):
        super().__post_init__()
        require_fixed_point(self.where, self.x)
        if self.multipliers not in MULTIPLIERS:
            raise SpecError(f"{self.where}: multipliers must be one of {', '.join(MULTIPLIERS)},"
                            f" not {self.multipliers!r}")

    @property
    def folding(self):
        return super().folding | ({} if self.multipliers == "blocks" else {"multipliers": "luts"})

    @property
    def nodes(self):
        return (self.post,)

    @property
    def pe(self) -> int:
        """Elements side by side, as a matrix calls its outputs."""
        return self.lanes

    @property
    def nf(self) -> int:
        """Beats after which channels begin anew."""
        return lcm(self.lanes, self.x.shape[-1]) // self.lanes

    @cached_property
    def narrowing(self) -> Narrowing:
        """The steps, on channels in turn."""
        return Narrowing(self.post, self.nf * self.lanes, self.lanes,
                         Fixed.covering(self.x.lo, self.x.hi), self.scaling,
                         self.multipliers == "luts")

    @property
    def memory_bits(self):
        return self.narrowing.memory_bits

    @property
    def latency_cycles(self) -> int:
        """From an element's transfer to that of its result."""
        return 2 + self.narrowing.registers

    def estimate(self, target):
        """Each lane's steps, what is stored, and the output queue."""
        x_bits, out_bits = self.x.format.bits, self.out_edge.format.bits
        each = narrowing_cells(self.narrowing, out_bits, target) + Cells(ff=x_bits)
        width = sum(self.memory_bits.values()) // self.nf if self.nf > 1 else 0
        blocks = target.brams_for(self.nf, width)
        stored = Cells(lut=0 if blocks else self.nf * width // 16, ff=width, bram=blocks)
        return self.with_queue(each, target) + stored


def requantise_of(node: Requantise, x: Edge, interval_cycles: int) -> RequantiseStage:
    """The narrowest stage that reaches ``interval_cycles``, or else the widest.

    Lanes divide the channels or are a multiple of them, so that memories stay small.
    """
    lanes = narrowest(x.size, interval_cycles, period=x.shape[-1])
    return RequantiseStage(node, x, lanes)
