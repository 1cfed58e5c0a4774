"""The core of a matrix node: the first that suits, the cheapest folding, or none but wiring."""

import math

from ..ir import Edge, MatVec, Node, Threshold
from ..numeric import Fixed, SpecError
from .stages import MATRIX_CORES, MatVecStage
from .stages.ways_to_load import way_without_core
from .target import Target

__all__ = ["MOST_WEIGHED", "UNROLLED", "default_core", "mat_vec_of", "unweighed"]

UNROLLED = {"binary": "binary-unrolled", **dict.fromkeys(
    ("fixed", "nm", "sparse", "shift", "codebook"), "fixed-unrolled")}
"""Core -> the one that computes the same from weights in logic, a vector a cycle."""

MULTIPLIES = {"codebook": "fixed"}
"""Core whose sums are flip-flops where LUTs hold no memories -> the one to weigh there, too."""

COLUMNS = {"sparse": "sparse-columns"}
"""Core -> the one that shares out columns, too, where one activation a cycle is too slow."""

MOST_WEIGHED = 1 << 14
"""Weights up to which an unrolled core is weighed unasked. Its cost is known once its sums are
shared: of 64 x 64 weights of 8 bits after 8 s of one processor, of 128 x 128 after 41 s."""


def default_core(node: MatVec, edge: Edge, post: Node | None = None) -> str:
    """The first core of the table that suits ``node``, which reads ``edge``; ``post`` follows.

    Where weights are loaded, of the cores that do so; if none of these suits, the first of them.
    """
    able = [name for name, cls in MATRIX_CORES.items()
            if cls.loads(node.weights) or not node.is_loaded]
    if not able:
        raise SpecError(f"node '{node.name}': weights must be rom, as no core has a memory to load"
                        f" {node.weights.format} into, not ram;"
                        f" {way_without_core(node.weights)}")
    return next((name for name in able if MATRIX_CORES[name].suits(node, edge, post)), able[0])


def mat_vec_of(node: MatVec, edge: Edge, post: Node | None, target: Target, *, interval: int,
               levels: int, choice, made: dict, is_asked: bool, finished=None) -> MatVecStage:
    """The cheapest stage of ``node`` that reaches ``interval``, or comes nearest to it.

    Of the core that ``choice`` names, or else of :func:`default_core`, or of that which it is
    weighed against where LUTs hold no memories (:data:`MULTIPLIES`). Where the cheapest has all
    its products side by side, or no folding reaches the interval, and the user asked for that
    interval, the core of :data:`UNROLLED` is weighed against it: if nothing is chosen that it has
    not, and there are at most :data:`MOST_WEIGHED` weights. So is that of :data:`COLUMNS` where no
    folding reaches the interval, unless foldings or blocks are chosen.

    Parameters
    ----------
    levels : int         adders between two registers
    choice : mapping     what the user chose for this node
    made : dict          stages tried before, as some take long to work out their numbers
    is_asked : bool      whether the user asked for the interval
    finished : callable, optional    gives a stage what depends on its requantise and the target
    """
    choice = {what: value for what, value in choice.items() if what != "weights"}
    core = choice.pop("core", None)
    is_free, core = core is None, core or default_core(node, edge, post)

    def options(core, **more):
        stages = _options(node, edge, post, target, core, interval, levels, choice | more)
        return [made.setdefault((node.name, core, *stage.folding.items()),
                                finished(stage) if finished else stage) for stage in stages]

    best = _best(options(core), interval, target)
    if is_free and _may_multiply(core, node, edge, target):
        best = _best([best, *options(MULTIPLIES[core])], interval, target)
    of_rows = best
    if is_free and is_asked and _may_share_columns(of_rows, interval, choice):
        best = _best([best, *options(COLUMNS[core], block_rows=1, block_columns=1)], interval,
                     target)
    if is_free and _may_unroll(of_rows, interval, choice, is_asked) and not is_large(node):
        best = _best([best, *options(UNROLLED[core])], interval, target)
    if "queue_depth" not in choice:
        best = _best([best, *best.thriftier(interval)], interval, target)
    return best


def unweighed(stages) -> list[str]:
    """What an unrolled core may save, of stages for which it was not weighed; for messages."""
    return [f"the {UNROLLED[stage.core]} core, chosen by hand, may take less for '{stage.name}'"
            for stage in stages
            if isinstance(stage, MatVecStage) and stage.core in UNROLLED and _is_total(stage)
            and is_large(stage.mat_vec) and _suits_unrolled(stage)]


def is_large(node: MatVec) -> bool:
    """Whether a matrix has too many weights to be unrolled unasked."""
    return math.prod(node.weights.shape) > MOST_WEIGHED


def _may_multiply(core, node, edge, target):
    return (core in MULTIPLIES and not target.has_lut_ram and not node.is_loaded
            and isinstance(edge.format, Fixed))


def _may_share_columns(stage, interval, choice):
    return (stage.core in COLUMNS and stage.interval_cycles > interval and stage.n_in % 2 == 0
            and not {"pe", "simd", "lanes", "block_rows", "block_columns"} & set(choice))


def _may_unroll(stage, interval, choice, is_asked):
    if not is_asked or stage.core not in UNROLLED or not _suits_unrolled(stage):
        return False
    if set(choice) - set(MATRIX_CORES[UNROLLED[stage.core]].choices):
        return False
    return _is_total(stage) or stage.interval_cycles > interval


def _is_total(stage):
    """Whether a vector takes one cycle."""
    return stage.interval_cycles <= math.prod(stage.x.shape[:-1])


def _suits_unrolled(stage):
    return MATRIX_CORES[UNROLLED[stage.core]].stands_in(stage.mat_vec, stage.x, stage.post)


def _options(node, edge, post, target, core, interval, levels, choice):
    """The stages of a core that are worth comparing."""
    cls, choice = MATRIX_CORES[core], dict(choice)
    if not cls.compares and isinstance(post, Threshold):
        post = None         # the threshold has a stage of its own
    if "lut_inputs" in cls.choices:
        choice.setdefault("lut_inputs", target.fabric.lut_inputs)
    if "packing" in cls.choices:
        choice.setdefault("packing", target.fabric.packing)
    return cls.candidates(node, edge, post, interval_cycles=interval, levels_per_register=levels,
                          choice=choice)


def _best(options, interval, target):
    reached = [stage for stage in options if stage.interval_cycles <= interval]
    if reached:
        return min(reached, key=lambda stage: _cost(stage, target))
    return min(options, key=lambda stage: stage.interval_cycles)


def _cost(stage, target):
    cells = stage.estimate(target)
    share = max(cells.lut / target.luts, cells.bram / max(1, target.brams),
                cells.dsp / max(1, target.dsps))
    return (round(share, 4), cells.lut, -stage.in_lanes)
