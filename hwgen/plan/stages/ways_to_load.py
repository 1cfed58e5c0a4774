"""Which core loads a kind of weights: what a refusal of another one says."""

from ...ir import Dense, Matrix, PerChannel, PowerSums, Shared
from ...numeric import Fixed

__all__ = ["core_to_load", "way_without_core"]


def core_to_load(weights: Matrix) -> str:
    """What to do so that ``weights`` can be loaded."""
    for kind, core in ((PerChannel, "depthwise"), (PowerSums, "shift"), (Shared, "codebook")):
        if isinstance(weights, kind):
            return f"choose the {core} core"
    if isinstance(weights.format, Fixed):
        return "choose the fixed core"
    if weights.format.planes is not None:
        return "choose the binary core"
    return way_without_core(weights)


def way_without_core(weights: Matrix) -> str:
    """What to do with weights that no core loads."""
    if isinstance(weights, Dense):
        return ("leave weights at rom, or give them as shared centroids (Shared), which the"
                " codebook core loads")
    return "leave weights at rom"
