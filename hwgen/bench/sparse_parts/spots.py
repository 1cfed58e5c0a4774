"""Spots of the sweeps over FIFOs and elements, simulated: the Verilog takes the model's cycles.

On a small layer: a large one takes simulators too long to compile, five times.
"""

from . import simulated
from .works import DEPTH, Layer

__all__ = ["KEY", "LAYER", "SPOTS", "lacking", "measure"]

LAYER = Layer("spot", 152, 300, 0.10, 1, 0, 0)
SPOTS = ((1, DEPTH), (4, DEPTH), (256, DEPTH), (16, 1), (16, 64))
"""Elements and depth of the FIFOs: the ends of both sweeps, and a middle."""

KEY = (LAYER.n_in, LAYER.n_out, LAYER.weights, SPOTS, simulated.KEY)


def lacking(bench) -> None:
    """Nothing is needed."""


def measure(bench):
    """For each spot whether values are golden's, and the cycles between vectors."""
    for pe, depth in SPOTS:
        work = (f"{LAYER.n_in} to {LAYER.n_out} at {LAYER.weights:.0%}, {pe} PEs,"
                f" FIFOs of {depth}, simulated")
        design = simulated.design_of(LAYER, simulated.EIE, pe, depth)
        yield from simulated.rows(bench, work, design, f"{pe}-{depth}")
