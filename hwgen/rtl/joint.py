"""What stands between two cores: a queue, a lane converter, a queue."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..plan import Joint
from .convert import Converter
from .fifo import StreamFIFO
from .stream import beat_layout, beat_signature, chain

__all__ = ["JointCore"]


class JointCore(wiring.Component):
    """The same elements in beats of another size, queued; see :class:`Joint`.

    Parameters
    ----------
    shape : Shape       of one element
    joint : Joint       not a wire

    Members
    -------
    i : ``In(beat_signature(shape, joint.conversion.lanes_in))``
    o : ``Out(beat_signature(shape, joint.conversion.lanes_out))``
    """

    def __init__(self, shape, joint: Joint):
        self._shape, self._joint = shape, joint
        conversion = joint.conversion
        super().__init__({"i": In(beat_signature(shape, conversion.lanes_in)),
                          "o": Out(beat_signature(shape, conversion.lanes_out))})
        parts = {
            "before": self._queue(conversion.lanes_in, joint.before),
            "converter": None if conversion.is_wire else Converter(shape, conversion),
            "behind": self._queue(conversion.lanes_out, joint.behind),
        }
        self._parts = {name: part for name, part in parts.items() if part is not None}

    def elaborate(self, platform):
        m = Module()
        for name, part in self._parts.items():
            m.submodules[name] = part
        chain(m, self, self._parts.values())
        return m

    def _queue(self, lanes, depth):
        if not depth:
            return None
        return StreamFIFO(beat_layout(self._shape, lanes), depth=depth, buffered=True)
