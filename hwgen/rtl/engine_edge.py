"""What all engines have at their edges: queues of whole beats in, a queue of results out."""

from amaranth.hdl import Cat, Module, Shape, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .axis import AxisSource, element_bytes
from .fifo import StreamFIFO
from .stream import beat_layout, beat_signature, link, link_out

__all__ = ["EdgeQueue", "ResultQueue", "beat_of", "engine_ports", "send", "show", "take",
           "tell"]


def beat_of(size: int) -> data.StructLayout:
    """A beat of ``size`` bytes as it is, and whether it ends its frame."""
    return data.StructLayout({"data": unsigned(8 * size), "last": 1})


def engine_ports(slaves: dict[str, int], result_bytes: int) -> dict:
    """Members of an engine: streams in, of so many bytes each, results, and the sticky error."""
    ports = {f"{name}_{part}": member for name, size in slaves.items() for part, member in (
        ("tdata", In(8 * size)), ("tvalid", In(1)), ("tlast", In(1)), ("tready", Out(1)))}
    return ports | {"m_axis_tdata": Out(8 * result_bytes), "m_axis_tvalid": Out(1),
                    "m_axis_tlast": Out(1), "m_axis_tready": In(1), "frame_error": Out(1)}


def take(m, engine, name: str, size: int, feed, *, closed=0, queue=StreamFIFO):
    """What comes by the stream ``name`` goes into ``feed``; nothing is taken while ``closed``."""
    m.submodules[f"{name}_edge"] = edge = EdgeQueue(size, queue=queue)
    m.d.comb += [
        edge.tdata.eq(getattr(engine, f"{name}_tdata")),
        edge.tvalid.eq(getattr(engine, f"{name}_tvalid") & ~closed),
        edge.tlast.eq(getattr(engine, f"{name}_tlast")),
        getattr(engine, f"{name}_tready").eq(edge.tready & ~closed),
    ]
    link(m, edge.o, feed)


def send(m, engine, results, shape, lanes: int):
    """The stream ``results`` of ``lanes`` elements leaves by ``m_axis``."""
    m.submodules.source = source = AxisSource(shape, lanes=lanes)
    link(m, results, source.i)
    m.d.comb += [
        engine.m_axis_tdata.eq(source.tdata), engine.m_axis_tvalid.eq(source.tvalid),
        engine.m_axis_tlast.eq(source.tlast), source.tready.eq(engine.m_axis_tready),
    ]


def show(m, engine, results, shape, lanes: int):
    """As :func:`send`, without registers: ``m_axis`` is what the queue ``results`` shows."""
    shape = Shape.cast(shape)
    padded = Shape(8 * element_bytes(shape.width), shape.signed)
    elements = [Signal(padded, name=f"padded{k}") for k in range(lanes)]
    m.d.comb += [element.eq(results.p.data[k]) for k, element in enumerate(elements)]
    m.d.comb += [
        engine.m_axis_tdata.eq(Cat(elements)), engine.m_axis_tlast.eq(results.p.last),
        engine.m_axis_tvalid.eq(results.valid), results.ready.eq(engine.m_axis_tready),
    ]


def tell(m, error, *, take, **faults):
    """``error`` a cycle after a beat was taken that has one of ``faults``, which come late."""
    taken, found = Signal(name="error_taken"), Signal(len(faults), name="error_found")
    m.d.sync += [taken.eq(take), found.eq(Cat(faults.values()))]
    m.d.comb += error.eq(taken & found.any())


class EdgeQueue(wiring.Component):
    """From AXI4-Stream: beats of ``size`` bytes as they are, a cycle later.

    ``tready`` does not wait for ``o.ready``, which comes late.

    Parameters
    ----------
    size : int
    queue : type        of queue: :class:`~hwgen.rtl.fifo.FreeFIFO` for wide beats

    Members
    -------
    tdata : ``In(8 * size)``; tvalid, tlast : ``In(1)``; tready : ``Out(1)``
    o : ``Out`` stream of ``data``, ``last``
    """

    def __init__(self, size: int, *, queue=StreamFIFO):
        self._beat, self._queue = beat_of(size), queue
        super().__init__({"tdata": In(8 * size), "tvalid": In(1), "tready": Out(1),
                          "tlast": In(1), "o": Out(stream.Signature(self._beat))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.queue = queue = self._queue(self._beat, depth=2)
        m.d.comb += [
            queue.i.p.data.eq(self.tdata), queue.i.p.last.eq(self.tlast),
            queue.i.valid.eq(self.tvalid), self.tready.eq(queue.i.ready),
        ]
        link_out(m, self.o, queue.o)
        return m


class ResultQueue(wiring.Component):
    """Results wait here for the edge; ``has_room`` says that one more may be under way.

    Parameters
    ----------
    shape : Shape        of an element
    lanes, depth : int   elements of a result; results that may be under way
    queue : type         of queue: :class:`~hwgen.rtl.fifo.FreeFIFO` for wide results

    Members
    -------
    i : ``In(ArrayLayout(shape, lanes))``; i_valid, i_last : ``In(1)``
    take : ``In(1)``       one more is begun in this cycle
    has_room : ``Out(1)``
    o : ``Out(beat_signature(shape, lanes))``
    """

    def __init__(self, shape, *, lanes: int, depth: int, queue=StreamFIFO):
        self._layout, self._depth, self._queue = beat_layout(shape, lanes), depth, queue
        super().__init__({
            "i": In(data.ArrayLayout(shape, lanes)), "i_valid": In(1), "i_last": In(1),
            "take": In(1), "has_room": Out(1), "o": Out(beat_signature(shape, lanes)),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.fifo = fifo = self._queue(self._layout, depth=self._depth)
        room = Signal(range(self._depth + 1), init=self._depth)
        m.d.comb += [
            fifo.i.p.data.eq(self.i), fifo.i.p.last.eq(self.i_last),
            fifo.i.valid.eq(self.i_valid), self.has_room.eq(room != 0),
        ]
        m.d.sync += room.eq(room - self.take + (self.o.valid & self.o.ready))
        link_out(m, self.o, fifo.o)
        return m
