"""One file per node kind; ``NODE_KINDS`` is the table that save, load and golden go by."""

from .add import Add
from .argmax import Argmax
from .flatten import Flatten
from .input import Input
from .mat_vec import MatVec
from .max_pool import MaxPool
from .piecewise import Piecewise
from .requantise import Requantise
from .sliding_window import SlidingWindow
from .sum_pool import SumPool
from .table import Table
from .thermometer import Thermometer
from .threshold import Threshold
from .window_max import WindowMax
from .window_sum import WindowSum

NODE_KINDS = {
    cls.kind: cls for cls in (
        Input, Thermometer, SlidingWindow, MatVec, Threshold, Requantise, Table, Piecewise,
        MaxPool, SumPool, WindowMax, WindowSum, Flatten, Add, Argmax)
}

__all__ = [
    "Add", "Argmax", "Flatten", "Input", "MatVec", "MaxPool", "NODE_KINDS", "Piecewise",
    "Requantise", "SlidingWindow", "SumPool", "Table", "Thermometer", "Threshold",
    "WindowMax", "WindowSum",
]
