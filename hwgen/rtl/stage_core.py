"""What the components of all stages share: their streams follow from the stage."""

from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..plan.stages import Stage
from .loading import LOAD
from .stream import beat_signature, element_shape

__all__ = ["StageCore"]


class StageCore(wiring.Component):
    """The hardware of a stage.

    Parameters
    ----------
    stage : Stage

    Members
    -------
    i : ``In(beat_signature(in_shape, stage.in_lanes))``
    o : ``Out(beat_signature(out_shape, stage.out_lanes))``
    load : ``In(LOAD)``     where ``stage.loaded`` names memories; see :mod:`hwgen.rtl.loading`
    """

    def __init__(self, stage: Stage):
        self._stage = stage
        super().__init__({
            "i": In(beat_signature(element_shape(stage.in_edge), stage.in_lanes)),
            "o": Out(beat_signature(element_shape(stage.out_edge), stage.out_lanes)),
            **({"load": In(LOAD)} if stage.loaded else {}),
        })

    @property
    def stage(self) -> Stage:
        return self._stage
