"""The exact integer network: what is computed, and nothing of how or by which hardware."""

from .base import Edge, Node
from .laid_out import laid_out, structures
from .loaded import replaced, with_loaded
from .matrices import (
    MATRIX_KINDS,
    Dense,
    Loaded,
    LoadedPerChannel,
    LoadedPowerSums,
    LoadedShared,
    Matrix,
    PerChannel,
    Placed,
    PowerSums,
    ProductQuantised,
    Shared,
    Structured,
)
from .network import CheckError, Network, check
from .nodes import (
    NODE_KINDS,
    Add,
    Argmax,
    Flatten,
    Input,
    MatVec,
    MaxPool,
    Piecewise,
    Requantise,
    SlidingWindow,
    SumPool,
    Table,
    Thermometer,
    Threshold,
    WindowMax,
    WindowSum,
)
from .store import FORMAT_VERSION, load, save

__all__ = [
    "Add", "Argmax", "CheckError", "Dense", "Edge", "FORMAT_VERSION", "Flatten", "Input", "Loaded",
    "LoadedPerChannel", "LoadedPowerSums", "LoadedShared", "MATRIX_KINDS", "MatVec", "Matrix",
    "MaxPool", "NODE_KINDS", "Network", "Node", "PerChannel", "Piecewise", "Placed",
    "PowerSums", "ProductQuantised", "Requantise", "Shared", "SlidingWindow", "Structured",
    "SumPool", "Table", "Thermometer", "Threshold", "WindowMax", "WindowSum", "check", "laid_out",
    "load", "replaced", "save", "structures", "with_loaded",
]
