"""The exact value of every edge of a network, in numpy: what all hardware is compared with."""

from .argmax import argmax
from .input import accept
from .mat_vec import mat_vec
from .requantise import requantise
from .run import GOLDEN, run
from .thermometer import thermometer
from .threshold import threshold

__all__ = [
    "GOLDEN", "accept", "argmax", "mat_vec", "requantise", "run", "thermometer", "threshold",
]
