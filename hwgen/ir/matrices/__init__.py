"""Integer matrices. A matrix says WHAT its entries are; storage is chosen by the design.

One file for each kind, with that of which the entries may be exchanged; ``MATRIX_KINDS`` is the
table.
"""

from .base import Matrix
from .dense import Dense, Loaded
from .per_channel import LoadedPerChannel, PerChannel
from .placed import Placed
from .power_sums import LoadedPowerSums, PowerSums
from .product import ProductQuantised
from .shared import LoadedShared, Shared
from .structured import Structured

__all__ = ["MATRIX_KINDS", "Dense", "Loaded", "LoadedPerChannel", "LoadedPowerSums",
           "LoadedShared", "Matrix", "PerChannel", "Placed", "PowerSums", "ProductQuantised",
           "Shared", "Structured"]

MATRIX_KINDS = {cls.kind: cls for cls in (Dense, Loaded, PowerSums, LoadedPowerSums, Shared,
                                         LoadedShared, PerChannel, LoadedPerChannel, Placed,
                                         ProductQuantised)}
"""Kind -> class, as network files name them."""
