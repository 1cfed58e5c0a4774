"""How a network is computed: targets, cores with their folding, and the planner."""

from .balance import balanced, row_order
from .design import Design
from .joints import Joint
from .overlap import windowed
from .planner import FitError, plan, require_fit
from .stages import CORES, Conversion, Stage
from .target import Cells, Target, in_block_ram

__all__ = [
    "CORES", "Cells", "Conversion", "Design", "FitError", "Joint", "Stage", "Target",
    "balanced", "in_block_ram", "plan", "require_fit", "row_order", "windowed",
]
