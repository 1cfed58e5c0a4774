"""One file per node kind; ``NODE_KINDS`` is the table that save, load and golden go by."""

from .argmax import Argmax
from .input import Input
from .mat_vec import MatVec
from .requantise import Requantise
from .thermometer import Thermometer
from .threshold import Threshold

NODE_KINDS = {
    cls.kind: cls for cls in (Input, Thermometer, MatVec, Threshold, Requantise, Argmax)
}

__all__ = [
    "NODE_KINDS", "Argmax", "Input", "MatVec", "Requantise", "Thermometer", "Threshold",
]
