"""The Python API: five functions, and the artefact that the last one returns."""

from ..golden import run as golden_run
from ..ir import Network
from ..ir import load as load_network
from ..plan import Design
from ..plan import plan as plan_design
from .artefact import ELABORATION, Artefact

__all__ = ["build", "export", "load", "plan", "run"]


def load(path) -> Network:
    """Read a network file; see :func:`hwgen.ir.load`."""
    return load_network(path)


def export(module, sample, *, name: str = "network", argmax: bool = True, k: int = 1,
           meta=None) -> Network:
    """The exact integer network of a trained torch module; see :func:`hwgen.compress.export`."""
    from ..compress import export as export_module

    return export_module(module, sample, name=name, argmax=argmax, k=k, meta=meta)


def run(network: Network, x):
    """Scores of ``x`` in exact integers, golden numpy: int64 ``(batch, classes)``.

    ``x`` holds integers of the input's format, ``(batch, *shape)``; of a single ``(*shape)`` the
    scores are ``(classes,)``.
    """
    return golden_run(network, x)[network.scores]


def plan(network: Network, *, target: str = "ulx3s-85f", interval_cycles: int | None = None,
         clk_hz: int | None = None, cores=None, weights: str | None = None,
         balance: bool = True) -> Design:
    """Choose the hardware for each node; see :func:`hwgen.plan.plan`.

    ``target`` names a board (``hwgen boards`` lists them) or the file of one. A clock that the
    board's PLL cannot make is refused, and the message has the nearest that it can.
    """
    from ..board_targets import load as load_board

    board = load_board(target)
    design = plan_design(network, board.target, interval_cycles=interval_cycles, clk_hz=clk_hz,
                         cores=cores, weights=weights, balance=balance)
    board.pll.settings(design.clk_hz)
    return design


def build(design: Design, folder, *, x=None, progress=None) -> Artefact:
    """Write the artefact folder: Verilog, vectors, bench, manifest; see :mod:`hwgen.emit`."""
    from ..emit import write_artefact

    tell = progress and (lambda line: progress("generate", None, line))
    with ELABORATION:
        path = write_artefact(design, folder, x=x, progress=tell)
    return Artefact(path)
