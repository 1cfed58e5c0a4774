"""The thermometer coder: one comparison per element and level."""

from dataclasses import dataclass
from typing import ClassVar

from ...ir import Edge, Thermometer
from ..target import Cells
from .base import Flow, Stage, require_divisor, require_fixed_point

__all__ = ["ThermometerStage"]

IN_CHAINS = ("ecp5", "gowin")
"""Families on which yosys makes comparisons with constants carry chains."""

CHAIN_SHARE = 1.18
"""LUTs of such a chain for each bit, with those that bring its carry out."""


@dataclass(frozen=True, eq=False)
class ThermometerStage(Stage):
    """Codes ``lanes`` elements a cycle into ``lanes * T`` bits, through one register."""

    core: ClassVar[str] = "thermometer"
    thermometer: Thermometer
    x: Edge
    lanes: int

    def __post_init__(self):
        where = f"thermometer core '{self.thermometer.name}'"
        require_fixed_point(where, self.x)
        require_divisor(where, "lanes", self.lanes, "n", self.x.size)

    @property
    def nodes(self):
        return (self.thermometer,)

    @property
    def in_edge(self):
        return self.x

    @property
    def out_edge(self):
        return self.thermometer.infer(self.x)

    @property
    def in_lanes(self):
        return self.lanes

    @property
    def out_lanes(self):
        return self.lanes * len(self.thermometer.levels)

    @property
    def interval_cycles(self):
        return self.x.size // self.lanes

    def flow(self, arrivals):
        return Flow.at_once(arrivals, [cycle + 1 for cycle in arrivals])

    def estimate(self, target):
        lut = self.out_lanes + 4        # comparisons of one element share most
        if target.family in IN_CHAINS:
            lut = round(CHAIN_SHARE * self.out_lanes * self.x.format.bits)
        return Cells(lut=lut, ff=self.out_lanes + 2)

    @property
    def folding(self):
        return {"lanes": self.lanes}
