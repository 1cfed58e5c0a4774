"""One file per core family; ``CORES`` is the table the planner and the assembly go by."""

from .add import AddStage, add_of
from .argmax import ArgmaxStage
from .base import Stage, divisors
from .binary import BinaryStage
from .codebook import CodebookStage
from .combine import Combine
from .convert import Conversion
from .depthwise import DepthwiseStage
from .fixed import FixedStage
from .fixed_unrolled import FixedUnrolledStage
from .folded import FoldedStage, MatVecStage
from .nm import NMStage
from .piecewise import PiecewiseStage, piecewise_of_node
from .pool import PoolStage, SumPoolStage, pool_of
from .requantise import RequantiseStage, requantise_of
from .shift import ShiftStage
from .sparse import SparseStage
from .sparse_columns import SparseColumnsStage
from .table import TableStage, table_of_node
from .thermometer import ThermometerStage
from .threshold import ThresholdStage, threshold_of
from .unrolled import UnrolledStage
from .window import WindowStage
from .window_pool import (
    WideMaxStage,
    WideSumStage,
    WindowMaxStage,
    WindowSumStage,
    window_pool_of,
)
from .window_serial import SerialWindowStage
from .window_wide import WideWindowStage, window_of

CORES = {
    cls.core: cls
    for cls in (ThermometerStage, SerialWindowStage, WideWindowStage, DepthwiseStage, ShiftStage,
                CodebookStage, BinaryStage, FixedStage, NMStage, SparseStage,
                SparseColumnsStage, UnrolledStage, FixedUnrolledStage, PoolStage, SumPoolStage,
                WindowMaxStage, WindowSumStage, WideMaxStage, WideSumStage, ThresholdStage,
                RequantiseStage, TableStage, PiecewiseStage, AddStage, ArgmaxStage)
}

MATRIX_CORES = {cls.core: cls for cls in (DepthwiseStage, ShiftStage, BinaryStage, NMStage,
                                          SparseStage, SparseColumnsStage, CodebookStage,
                                          FixedStage, UnrolledStage, FixedUnrolledStage)}
"""The cores that compute a matrix node; the planner takes the first that suits."""

__all__ = [
    "AddStage", "ArgmaxStage", "BinaryStage", "CORES", "CodebookStage", "Combine", "Conversion",
    "DepthwiseStage", "FixedStage", "FixedUnrolledStage", "FoldedStage", "MATRIX_CORES",
    "MatVecStage", "NMStage", "PiecewiseStage", "PoolStage", "RequantiseStage", "SerialWindowStage",
    "ShiftStage", "SparseColumnsStage", "SparseStage", "Stage", "SumPoolStage", "TableStage",
    "ThermometerStage", "ThresholdStage", "UnrolledStage", "WideMaxStage", "WideSumStage",
    "WideWindowStage", "WindowMaxStage", "WindowStage", "WindowSumStage",
    "add_of", "divisors", "piecewise_of_node", "pool_of", "requantise_of", "table_of_node",
    "threshold_of", "window_of", "window_pool_of",
]
