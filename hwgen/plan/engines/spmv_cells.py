"""Cells of the sparse engine."""

from ..target import Cells, Target

__all__ = ["spmv_cells"]


def spmv_cells(spec, target: Target) -> Cells:
    """Cells of a :class:`~hwgen.plan.engines.SpmvSpec`."""
    return Cells()
