"""The class: scores pass through, and the index of the largest follows them."""

from dataclasses import dataclass
from typing import ClassVar

from ...ir import Argmax, Edge
from ...numeric import Fixed
from ..target import Cells
from .base import Stage, require_fixed_point

__all__ = ["ArgmaxStage"]


@dataclass(frozen=True, eq=False)
class ArgmaxStage(Stage):
    """One score a cycle passes through; the class follows as the frame's last beat.

    So an output frame has ``n + 1`` elements of one format that holds scores and class.
    """

    core: ClassVar[str] = "argmax"
    argmax: Argmax
    x: Edge

    def __post_init__(self):
        require_fixed_point(f"argmax core '{self.argmax.name}'", self.x)

    @property
    def nodes(self):
        return (self.argmax,)

    @property
    def in_edge(self):
        return self.x

    @property
    def class_edge(self) -> Edge:
        """The class alone, as the network defines it."""
        return self.argmax.infer(self.x)

    @property
    def out_edge(self):
        lo, hi = min(self.x.lo, 0), max(self.x.hi, self.class_edge.hi)
        return Edge((self.x.size + 1,), Fixed.covering(lo, hi), lo, hi)

    @property
    def in_lanes(self):
        return 1

    @property
    def out_lanes(self):
        return 1

    @property
    def interval_cycles(self):
        return self.x.size + 1

    def schedule(self, arrivals):
        scores = [cycle + 1 for cycle in arrivals]
        return [*scores, scores[-1] + 1]

    def estimate(self, target):
        bits = self.x.format.bits
        return Cells(lut=4 * bits + 20, ff=3 * bits + 16)
