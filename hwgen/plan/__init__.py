"""How a network is computed: targets, cores with their folding, and the planner."""

from .design import Design
from .planner import plan, require_fit
from .stages import CORES, Conversion, Stage
from .target import Cells, Target

__all__ = ["CORES", "Cells", "Conversion", "Design", "Stage", "Target", "plan", "require_fit"]
