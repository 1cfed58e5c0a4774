"""The exact value of every edge of a network, in numpy: what all hardware is compared with."""

from .add import add
from .argmax import argmax
from .flatten import flatten
from .input import accept
from .mat_vec import mat_vec
from .max_pool import max_pool
from .piecewise import piecewise
from .requantise import requantise
from .run import GOLDEN, run
from .sliding_window import sliding_window
from .sum_pool import sum_pool
from .table import table
from .thermometer import thermometer
from .threshold import threshold
from .window_max import window_max
from .window_sum import window_sum

__all__ = [
    "GOLDEN", "accept", "add", "argmax", "flatten", "mat_vec", "max_pool", "piecewise",
    "requantise", "run", "sliding_window", "sum_pool", "table", "thermometer", "threshold",
    "window_max", "window_sum",
]
