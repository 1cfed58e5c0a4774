"""From a network to a design: a core for each node, and the folding that meets an interval."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from ..ir import Network, laid_out, with_loaded
from ..numeric import Fixed, SpecError, as_int
from .assemble import assemble
from .choices import loaded_nodes, require_choices
from .design import Design
from .matrix_core import mat_vec_of, unweighed
from .overlap import windowed
from .reorder import reordered
from .stages import (
    ThermometerStage,
    WideWindowStage,
    add_of,
    divisors,
    piecewise_of_node,
    pool_of,
    requantise_of,
    table_of_node,
    threshold_of,
    window_of,
    window_pool_of,
)
from .stages.scaling import Scaling
from .target import Cells, Target

__all__ = ["DEFAULT_INTERVALS", "MAX_LUT_SHARE", "FitError", "plan", "require_fit"]

DEFAULT_INTERVALS = tuple(16 * 2**k for k in range(16))
"""Intervals tried, fastest first, when none is asked for."""

MAX_LUT_SHARE = 0.85
"""Part of the LUTs a design may take: beyond it routing rarely succeeds."""

SHELL = {"ecp5": Cells(lut=389, ff=244, bram=1), "ice40": Cells(lut=454, ff=272, bram=1)}
"""Family -> the board's share: UART, framing, checksum, frame buffer; on ULX3S and iCEBreaker.

Families for which there is no board are taken to need none.
"""

LOADING_SHELL = {"ecp5": Cells(lut=170, ff=115, bram=1), "ice40": Cells(lut=230, ff=115, bram=2)}
"""The same of what the link takes beside it where it brings weights."""


class FitError(SpecError):
    """A design needs more than the board has."""


def plan(network: Network, target: Target, *, interval_cycles: int | None = None,
         clk_hz: int | None = None, cores: Mapping[str, Mapping] | None = None,
         weights: str | None = None, balance: bool = True) -> Design:
    """Choose core and folding for every node.

    Where multiplier blocks run out, LUTs take the products of some stages: if they fit. ``network``
    of the design may be another that computes the same scores: matrices of a structure for which
    there is no core, such as :class:`~hwgen.ir.Placed`, have every entry given and run on a dense
    core, or on any that takes these entries (:func:`~hwgen.ir.laid_out`); pools whose windows
    overlap become sliding windows and what is made of each (:func:`windowed`), and rows of a sparse
    stage are put into an order in which it takes fewer cycles, where the next layer can take it.

    Parameters
    ----------
    network : Network
    target : Target
    interval_cycles : int, optional
        Cycles between frames to reach, with the fewest cells; without it the fastest of
        :data:`DEFAULT_INTERVALS` that fits the board with the cores that are taken unasked. Only
        where one is asked for, weights may become logic, and sparse columns be shared out
        (:func:`.matrix_core.mat_vec_of`): it may be shorter.
    clk_hz : int, optional       the target's own clock unless given
    cores : mapping, optional
        By name of a matrix node: ``{"core": "sparse", "pe": 4}`` and the like: any of ``core``
        and of the core's ``choices``; what is given is taken as it is. ``weights`` is ``rom`` or
        ``ram``: of ``ram``, the design's network has :class:`~hwgen.ir.Loaded` weights, and every
        width is that of any weights.
    weights : str, optional      ``rom`` or ``ram``, of every matrix node whose choice has none
    balance : bool               whether rows may be put into another order (:func:`balanced`)

    Raises
    ------
    SpecError    If a node has no core, a folding does not divide, the interval cannot be reached
                 (with what is given), or the design does not fit the board.
    TypeError    If the network is none, a choice is not a mapping, or a number not an int.
    """
    if not isinstance(network, Network):
        raise TypeError(f"network must be a Network, not {network!r}; load a file with hwgen.load")
    if not isinstance(cores, Mapping | None):
        raise TypeError(f"cores must be a mapping of node names, such as {{'fc1': {{'pe': 4}}}},"
                        f" not {cores!r}")
    clk_hz = _at_least_one(target.clk_hz if clk_hz is None else clk_hz, "clk_hz")
    cores, made = dict(cores or {}), {}
    network = laid_out(network)
    require_choices(network, cores, target)
    network = windowed(with_loaded(network, loaded_nodes(network, cores, weights)))
    if interval_cycles is not None:
        interval = _at_least_one(interval_cycles, "interval_cycles")
        design = _chosen(network, target, clk_hz, interval, cores, made, balance, is_asked=True)
        _require_interval(design, interval)
        require_fit(design)
        return design
    for interval in DEFAULT_INTERVALS:
        design = _chosen(network, target, clk_hz, interval, cores, made, balance, is_asked=False)
        if design.interval_cycles <= interval and not misfits(design):
            return design
    require_fit(design)
    return design


def _at_least_one(value, what: str) -> int:
    value = as_int(value, what)
    if value < 1:
        raise SpecError(f"{what} must be at least 1, not {value}")
    return value


def _require_interval(design: Design, interval: int) -> None:
    slowest = design.slowest
    if slowest.interval_cycles > interval:
        folding = ", ".join(f"{what} = {value}" for what, value in slowest.folding.items())
        raise SpecError(f"network '{design.name}': interval_cycles must be at least"
                        f" {slowest.interval_cycles}, which the {slowest.core} core"
                        f" '{slowest.name}' takes{folding and f' with {folding}'},"
                        f" not {interval}")


def misfits(design: Design) -> list[str]:
    """What the design needs more of than the board has; empty if it fits."""
    board = design.target
    need = design.estimate + SHELL.get(board.family, Cells())
    if design.loaded:
        need += LOADING_SHELL.get(board.family, Cells())
    rows = (("LUT", need.lut, int(board.luts * MAX_LUT_SHARE)), ("FF", need.ff, board.ffs),
            ("block RAM", need.bram, board.brams), ("DSP", need.dsp, board.dsps))
    return [f"{what}: needs about {n}, of {have} usable" for what, n, have in rows if n > have]


def require_fit(design: Design) -> None:
    """Raise FitError with need and supply where the estimate exceeds the board."""
    faults = misfits(design)
    if faults:
        raise FitError(f"network '{design.name}' must fit board '{design.target.name}' at"
                        f" interval {design.interval_cycles}, but {'; '.join(faults)}."
                        f" Allow a longer interval_cycles, a smaller network or a larger board"
                        + "".join(f"; {hint}" for hint in unweighed(design.stages)))


def _chosen(network, target, clk_hz, interval, cores, made, balance, *, is_asked) -> Design:
    """The design for ``interval``, in every respect."""
    design = _in_luts(_assemble(network, target, clk_hz, interval, cores, made, is_asked), cores)
    return reordered(design) if balance else design


def _assemble(network, target, clk_hz, interval, cores, made, is_asked) -> Design:
    """The cheapest design that reaches ``interval``, or else comes as near as it can.

    ``made`` keeps the stages tried, as some take long to work out their interval.
    """
    def mat_vec(node, edge, post):
        choice, acc = cores.get(node.name, {}), node.infer(edge)
        levels = _levels(node, target, clk_hz, Fixed.covering(acc.lo, acc.hi).bits)
        scaled = partial(_scaled, target=target, clk_hz=clk_hz)
        return mat_vec_of(node, edge, post, target, interval=interval, levels=levels,
                          choice=choice, made=made, is_asked=is_asked, finished=scaled)

    def thermometer(node, edge):
        return _thermometer(node, edge, interval)

    def window(node, edge):
        key = node.name, interval
        return made[key] if key in made else made.setdefault(key, window_of(node, edge, interval))

    def pool(node, edge):
        return pool_of(node, edge, interval)

    def window_pool(node, edge):
        return window_pool_of(node, edge, interval)

    def threshold(node, edge):
        return threshold_of(node, edge, interval)

    def requantise(node, edge):
        return _scaled(requantise_of(node, edge, interval), target, clk_hz)

    def table(node, edge):
        return table_of_node(node, edge, interval)

    def piecewise(node, edge):
        return piecewise_of_node(node, edge, interval)

    def add(node, edges):
        return add_of(node, edges, interval)

    stages = assemble(network, mat_vec=mat_vec, thermometer=thermometer, window=window, pool=pool,
                      window_pool=window_pool, threshold=threshold, requantise=requantise,
                      table=table, piecewise=piecewise, add=add)
    return Design(network, target, clk_hz, _paced(stages))


def _paced(stages):
    """Windows as fast as the slowest stage, and no faster: that is what their queues are for."""
    slowest = max((stage.interval_cycles for stage in stages), default=0)
    return tuple(replace(stage, wanted=slowest) if isinstance(stage, WideWindowStage) else stage
                 for stage in stages)


def _levels(node, target, clk_hz, bits) -> int:
    """Adder levels between registers of a node whose sums have ``bits``."""
    try:
        return target.adder_levels(clk_hz, bits)
    except SpecError as error:
        raise SpecError(f"node '{node.name}': {error}; ask for a slower clock") from error


def _scaled(stage, target, clk_hz):
    """The stage with products of its requantise cut for the device, in registers for the clock."""
    narrowing = stage.narrowing
    if narrowing is None or not narrowing.multiplies:
        return stage
    levels = _levels(narrowing.node, target, clk_hz, narrowing.product.bits)
    block = target.fabric.block if target.dsps else "none"
    return replace(stage, scaling=Scaling(block, levels))


def _in_luts(design: Design, cores) -> Design:
    """The design with products of LUTs in some stages, so that multiplier blocks suffice.

    As few LUTs more as one stage can do it with; while none can alone, first where a block costs
    the fewest LUTs. The design itself, if that does not make it fit.
    """
    target, stages = design.target, list(design.stages)
    over = sum(stage.estimate(target).dsp for stage in stages) - target.dsps
    if over <= 0:
        return design
    options = [(number, *_freed(stage, target)) for number, stage in enumerate(stages)
               if "multipliers" in getattr(stage, "choices", ())
               and "multipliers" not in cores.get(stage.name, ())]
    options = [option for option in options if option[1]]
    while over > 0 and options:
        enough = [option for option in options if option[1] >= over]
        number, freed, _, stage = best = min(
            enough or options,
            key=lambda option: option[2] if enough else option[2] / option[1])
        options.remove(best)
        stages[number], over = stage, over - freed
    changed = replace(design, stages=tuple(stages))
    return design if misfits(changed) else changed


def _freed(stage, target):
    """Blocks that LUTs would free, the LUTs more, and the stage with them."""
    in_luts = replace(stage, multipliers="luts")
    before, after = stage.estimate(target), in_luts.estimate(target)
    return before.dsp - after.dsp, after.lut - before.lut, in_luts


def _thermometer(node, edge, interval) -> ThermometerStage:
    lanes = next(d for d in divisors(edge.size) if edge.size // d <= interval)
    return ThermometerStage(node, edge, lanes)
