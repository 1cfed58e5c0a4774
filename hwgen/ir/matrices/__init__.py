"""Integer matrices. A matrix says WHAT its entries are; storage is chosen by the design.

One file for each kind, with that of which the entries may be exchanged; ``MATRIX_KINDS`` is the
table.
"""

from .base import Matrix
from .dense import Dense, Loaded
from .per_channel import LoadedPerChannel, PerChannel
from .power_sums import LoadedPowerSums, PowerSums
from .shared import LoadedShared, Shared

__all__ = ["MATRIX_KINDS", "Dense", "Loaded", "LoadedPerChannel", "LoadedPowerSums",
           "LoadedShared", "Matrix", "PerChannel", "PowerSums", "Shared"]

MATRIX_KINDS = {cls.kind: cls for cls in (Dense, Loaded, PowerSums, LoadedPowerSums, Shared,
                                         LoadedShared, PerChannel, LoadedPerChannel)}
"""Kind -> class, as network files name them."""
