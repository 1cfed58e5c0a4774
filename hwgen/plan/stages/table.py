"""Functions by table: a memory of every result, one for each lane."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...ir import Edge, Table
from ..target import Cells
from .elementwise import FunctionStage, narrowest

__all__ = ["TableStage", "table_of_node"]


@dataclass(frozen=True, eq=False)
class TableStage(FunctionStage):
    """``lanes`` elements a cycle, each looked up in a memory of ``2**bits`` results.

    A frame takes ``size / lanes`` cycles; a result leaves 3 cycles after its element came: the
    memory's register, one behind it, the output queue.

    Parameters
    ----------
    lanes : int     elements side by side, in and out; a divisor of the size
    """

    core: ClassVar[str] = "table"
    latency_cycles: ClassVar[int] = 3
    table: Table
    x: Edge
    lanes: int

    @property
    def nodes(self):
        return (self.table,)

    def rows(self) -> list[int]:
        """Codes of the results, in the order of the codes of the inputs."""
        inputs = self.x.format.decode(np.arange(len(self.table.values)))
        return self.table.format.encode(self.table.values[inputs - self.table.first]).tolist()

    @property
    def memory_bits(self):
        return {"table": self.lanes * len(self.table.values) * self.table.format.bits}

    def estimate(self, target):
        """The memories, in blocks or LUTs, the register behind them and the output queue."""
        rows, bits = len(self.table.values), self.table.format.bits
        blocks = target.brams_for(rows, bits)
        each = Cells(lut=0 if blocks else rows * bits // 16, ff=bits * (1 if blocks else 2),
                     bram=blocks)
        return self.with_queue(each, target)


def table_of_node(node: Table, x: Edge, interval_cycles: int) -> TableStage:
    """The narrowest stage that reaches ``interval_cycles``, or else the widest."""
    return TableStage(node, x, narrowest(x.size, interval_cycles))
