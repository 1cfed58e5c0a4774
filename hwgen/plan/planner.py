"""From a network to a design: a core for each node, and the folding that meets an interval."""

from collections.abc import Mapping

from ..ir import MatVec, Network
from ..numeric import Bipolar, Fixed, SpecError
from .assemble import assemble
from .design import Design
from .stages import BinaryStage, FixedStage, SparseStage, ThermometerStage, divisors
from .target import Cells, Target

__all__ = ["DEFAULT_INTERVALS", "MAX_LUT_SHARE", "SPARSE_DENSITY", "plan", "require_fit"]

SPARSE_DENSITY = 0.3
"""A matrix with at most this share of nonzeros goes to the sparse core unless told otherwise."""

DEFAULT_INTERVALS = tuple(16 * 2**k for k in range(16))
"""Intervals tried, fastest first, when none is asked for."""

MAX_LUT_SHARE = 0.85
"""Part of the LUTs a design may take: beyond it routing rarely succeeds."""

MATRIX_CORES = {cls.core: cls for cls in (BinaryStage, FixedStage, SparseStage)}
"""The cores that compute a matrix node."""

SHELL = Cells(lut=900, ff=700, bram=2, dsp=0)
"""The board's share: UART, framing, checksum, frame buffer."""


def plan(network: Network, target: Target, *, interval_cycles: int | None = None,
         clk_hz: int | None = None, cores: Mapping[str, Mapping] | None = None) -> Design:
    """Choose core and folding for every node.

    Parameters
    ----------
    network : Network
    target : Target
    interval_cycles : int, optional
        Cycles between frames to reach; without it the fastest of :data:`DEFAULT_INTERVALS` that
        fits the board.
    clk_hz : int, optional       the target's own clock unless given
    cores : mapping, optional
        By name of a matrix node: ``{"core": "binary" | "fixed" | "sparse", "pe": ..., "simd": ...}``,
        any part of it; what is given is taken as it is.

    Raises
    ------
    SpecError    If a node has no core, a folding does not divide, the interval cannot be reached,
                 or the design does not fit the board.
    """
    clk_hz = clk_hz or target.clk_hz
    cores = dict(cores or {})
    _require_known(network, cores)
    if interval_cycles is not None:
        design = _assemble(network, target, clk_hz, interval_cycles, cores)
        require_fit(design)
        return design
    for interval in DEFAULT_INTERVALS:
        design = _assemble(network, target, clk_hz, interval, cores, strict=False)
        if not misfits(design) and design.interval_cycles <= interval:
            return design
    design = _assemble(network, target, clk_hz, DEFAULT_INTERVALS[-1], cores, strict=False)
    require_fit(design)
    return design


def misfits(design: Design) -> list[str]:
    """What the design needs more of than the board has; empty if it fits."""
    need, board = design.estimate + SHELL, design.target
    rows = (("LUT", need.lut, int(board.luts * MAX_LUT_SHARE)), ("FF", need.ff, board.ffs),
            ("block RAM", need.bram, board.brams), ("DSP", need.dsp, board.dsps))
    return [f"{what}: needs about {n}, of {have} usable" for what, n, have in rows if n > have]


def require_fit(design: Design) -> None:
    """Raise SpecError with need and supply where the estimate exceeds the board."""
    faults = misfits(design)
    if faults:
        raise SpecError(f"network '{design.name}' must fit board '{design.target.name}' at"
                        f" interval {design.interval_cycles}, but {'; '.join(faults)}."
                        f" Allow a longer interval_cycles, a smaller network or a larger board")


def _require_known(network, cores):
    names = [node.name for node in network.nodes if isinstance(node, MatVec)]
    for name, choice in cores.items():
        if name not in names:
            raise SpecError(f"cores must name matrix nodes of '{network.name}' ({names}),"
                            f" not '{name}'")
        unknown = set(choice) - {"core", "pe", "simd", "queue_depth"}
        if unknown:
            raise SpecError(f"cores of '{name}' must be among core, pe, simd, queue_depth,"
                            f" not {sorted(unknown)}")
        if choice.get("core", "fixed") not in MATRIX_CORES:
            raise SpecError(f"core of '{name}' must be one of {sorted(MATRIX_CORES)},"
                            f" not {choice['core']!r}")


def _assemble(network, target, clk_hz, interval, cores, *, strict=True) -> Design:
    levels = target.adder_levels(clk_hz)

    def mat_vec(node, edge, post):
        choice = cores.get(node.name, {})
        return _mat_vec(node, edge, post, target, interval, levels, choice, strict)

    def thermometer(node, edge):
        return _thermometer(node, edge, interval)

    stages = assemble(network, mat_vec=mat_vec, thermometer=thermometer)
    return Design(network, target, clk_hz, stages)


def _thermometer(node, edge, interval) -> ThermometerStage:
    lanes = next(d for d in divisors(edge.size) if edge.size // d <= interval)
    return ThermometerStage(node, edge, lanes)


def default_core(node: MatVec, edge) -> str:
    """Binary where weights and inputs are; sparse up to SPARSE_DENSITY; else fixed."""
    if isinstance(node.weights.format, Bipolar) and isinstance(edge.format, Bipolar):
        return "binary"
    if node.weights.density <= SPARSE_DENSITY and isinstance(edge.format, Fixed):
        return "sparse"
    return "fixed"


def _mat_vec(node, edge, post, target, interval, levels, choice, strict):
    core = choice.get("core") or default_core(node, edge)
    n_out, n_in = node.weights.shape
    pes = [choice["pe"]] if "pe" in choice else divisors(n_out)
    if core == "sparse":
        options = [SparseStage(node, edge, post, pe,
                               **{k: choice[k] for k in ("queue_depth",) if k in choice})
                   for pe in pes]
    else:
        cls = MATRIX_CORES[core]
        simds = [choice["simd"]] if "simd" in choice else divisors(n_in)
        pairs = [(pe, simd) for pe in pes for simd in simds]
        fast = [(pe, simd) for pe, simd in pairs
                if n_out * n_in <= interval * pe * simd] or pairs[-1:]
        least = min(pe * simd for pe, simd in fast)
        options = [cls(node, edge, post, pe, simd, levels) for pe, simd in fast
                   if pe * simd <= 2 * least]
    reached = [s for s in options if s.interval_cycles <= interval]
    if not reached:
        best = min(options, key=lambda s: s.interval_cycles)
        if strict and "pe" not in choice:
            raise SpecError(f"{best.where}: interval_cycles must be at least"
                            f" {best.interval_cycles}, which the {core} core reaches with"
                            f" pe = {best.pe}, not {interval}")
        return best
    return min(reached, key=lambda s: _cost(s, target))


def _cost(stage, target):
    cells = stage.estimate(target)
    share = max(cells.lut / target.luts, cells.bram / max(1, target.brams),
                cells.dsp / max(1, target.dsps))
    return (round(share, 4), cells.lut, -stage.in_lanes)
