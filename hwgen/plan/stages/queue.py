"""A queue behind a unit whose output comes in bursts: its depth, its cycles, its cells."""

from ...numeric import SpecError, as_int
from ..target import Cells, Target, in_block_ram
from .unit_cells import counter_bits, unit_cells

__all__ = ["queue_cells", "queue_registers", "require_queue"]


def require_queue(where: str, queue: int) -> None:
    """Raise SpecError unless ``queue`` is 0 or at least 3: with fewer it halves the rate."""
    if as_int(queue, f"{where}: queue") < 3 and queue != 0:
        raise SpecError(f"{where}: queue must be 0 or at least 3, not {queue}")


def queue_registers(queue: int) -> int:
    """Cycles that a payload takes through the empty queue."""
    return 2 if queue else 0


def queue_cells(target: Target, queue: int, data_bits: int) -> Cells:
    """Cells of a queue of payloads of ``data_bits`` and their ``last``; one waits in a register."""
    if not queue:
        return Cells()
    memory = queue - 1, data_bits + 1
    return unit_cells(target, counters=3 * counter_bits(queue), luts_per_bit=2, data_ff=1,
                      data_lut=0, memory=memory, in_blocks=in_block_ram(*memory))
