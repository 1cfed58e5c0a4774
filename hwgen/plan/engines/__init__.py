"""Engines: hardware that is given a matrix while it runs, so that no network is built into it.

A stage (:mod:`hwgen.plan.stages`) is a part of a pipeline for one network; an engine computes
layer after layer of any network, tile by tile, as the host sends them. One file per engine, with
every derived number; ``ENGINES`` is the table.
"""

from .eie import EieSpec
from .spmv import SpmvSpec
from .systolic import SystolicSpec

__all__ = ["ENGINES", "EieSpec", "SpmvSpec", "SystolicSpec"]

ENGINES = {spec.engine: spec for spec in (SystolicSpec, SpmvSpec, EieSpec)}
"""Name of an engine -> what it is described by."""
