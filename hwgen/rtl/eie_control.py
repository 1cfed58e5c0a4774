"""What runs the layers of the EIE engine one after another, and takes its input."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ..plan.engines.eie import EieSpec
from ..plan.engines.eie_stream import Kind
from ..plan.engines.eie_timing import FLUSH_CYCLES, SETTLE_CYCLES
from ..plan.stages.sparse_storage import bits_for
from .axis import unpadded
from .eie_element import drain_signature
from .eie_memory import LOAD, chosen
from .stream import format_shape

__all__ = ["Control", "Input", "Layers", "layer_layout"]


def layer_layout(spec: EieSpec) -> data.StructLayout:
    """What is loaded for a layer: see ``docs/eie.md``."""
    shapes = {what: spec.parameter_bits(what) for what in spec.parameters}
    shapes |= {what: format_shape(spec.accumulator) for what in ("low", "high")}
    return data.StructLayout(shapes)


class Layers(wiring.Component):
    """The parameters of layer ``number``, a cycle later; each in a memory of its own.

    Members
    -------
    number : ``In``
    o : ``Out(layer_layout(spec))``
    load : ``In(LOAD)``
    """

    def __init__(self, spec: EieSpec):
        self._spec = spec
        super().__init__({"number": In(bits_for(spec.layers)), "o": Out(layer_layout(spec)),
                          "load": In(LOAD)})

    def elaborate(self, platform):
        m = Module()
        for unit, what in enumerate(self._spec.parameters):
            m.submodules[what] = rows = memory.Memory(
                shape=self._spec.parameter_bits(what), depth=1 << bits_for(self._spec.layers),
                init=[])
            write, read = rows.write_port(), rows.read_port(domain="comb")
            m.d.comb += [write.en.eq(chosen(m, self.load, Kind.LAYERS, unit)),
                         write.addr.eq(self.load.address), write.data.eq(self.load.data),
                         read.addr.eq(self.number)]
            m.d.sync += self.o[what].eq(read.data)
        return m


class Control(wiring.Component):
    """Runs layer after layer: broadcasts its input, waits until all is added, drains the sums.

    A layer reads one half of the memory of activations and writes the other; then the halves
    change places. The last layer's sums are the results, so the input of the next vector is let in
    while it runs.

    Parameters
    ----------
    spec : EieSpec

    Members
    -------
    full : ``In(1)``        an input is there
    starts : ``Out(1)``     the first layer begins with it: the halves change places
    takes_input : ``Out(1)``  nothing else is written into the half that is not read
    source : ``Out(1)``     which half is read
    idle : ``Out(1)``       no vector is under way
    layer : ``Out``         its number; parameters : ``In(layer_layout(spec))``, a cycle later
    scan : ``Out(1)``       the layer's input is to be broadcast
    busy : ``In(1)``        anything that will be added to an accumulator is under way
    has_room : ``In(1)``    a result may be begun
    drain : ``Out(drain_signature(spec))``
    take, group, bias_row : ``Out``     see :class:`Narrow`
    beat : ``Out``          of the vector that is taken
    is_result, ends : ``Out(1)``        with ``take``: it is one, and the last of its frame
    sweeps : ``In(1)``; sweep_row : ``In``      accumulators are made 0
    error : ``Out(1)``      no layer is the last
    """

    def __init__(self, spec: EieSpec):
        self._spec = spec
        super().__init__({
            "full": In(1), "starts": Out(1), "takes_input": Out(1, init=1), "source": Out(1),
            "idle": Out(1), "layer": Out(bits_for(spec.layers)),
            "parameters": In(layer_layout(spec)), "scan": Out(1), "busy": In(1),
            "has_room": In(1), "drain": Out(drain_signature(spec)), "take": Out(1),
            "group": Out(range(max(2, spec.groups))),
            "bias_row": Out(range(max(2, spec.biases))), "beat": Out(range(max(2, spec.beats))),
            "is_result": Out(1), "ends": Out(1), "sweeps": In(1), "sweep_row": In(spec.row_bits),
            "error": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        layer, is_last, at_limit = self.parameters, Signal(), Signal()
        drains, follows = Signal(), Signal()
        m.d.sync += self.error.eq(self.scan & at_limit & ~layer.last)
        m.d.comb += [at_limit.eq(self.layer == self._spec.layers - 1), self.is_result.eq(is_last)]
        with m.If(self.scan):
            m.d.sync += [is_last.eq(layer.last | at_limit),
                         self.takes_input.eq(layer.last | at_limit)]
        self._sequence(m, is_last, drains, follows)
        with m.If(self.starts):
            m.d.sync += self.layer.eq(0)
        with m.If(follows):
            m.d.sync += self.layer.eq(self.layer + 1)
        m.d.sync += self.source.eq(self.source ^ (self.starts | follows))
        self._drain(m, drains)
        return m

    def _sequence(self, m, is_last, drains, follows):
        """Begin, broadcast, drain and flush of each layer; whether it drains, another follows."""
        wait, busy = Signal(range(max(SETTLE_CYCLES, FLUSH_CYCLES) + 1)), Signal()
        m.d.sync += busy.eq(self.busy | self.scan)
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += [self.idle.eq(1), self.starts.eq(self.full)]
                with m.If(self.full):
                    m.d.sync += self.takes_input.eq(0)
                    m.next = "READ"
            with m.State("READ"):
                m.next = "BEGIN"
            with m.State("BEGIN"):
                m.d.comb += self.scan.eq(1)
                m.next = "SCAN"
            with m.State("SCAN"):
                m.d.sync += wait.eq(Mux(busy, SETTLE_CYCLES, wait - 1))
                with m.If(~busy & (wait == 1)):
                    m.next = "DRAIN"
            with m.State("DRAIN"):
                m.d.comb += drains.eq(1)
                with m.If(self.take & self.ends):
                    m.d.sync += wait.eq(FLUSH_CYCLES)
                    m.next = "FLUSH"
            with m.State("FLUSH"):
                m.d.sync += wait.eq(wait - 1)
                with m.If(wait == 1):
                    m.d.comb += follows.eq(~is_last)
                    m.next = "IDLE"
                    with m.If(~is_last):
                        m.next = "READ"

    def _drain(self, m, drains):
        """Beats of the layer's output in turn, while it drains."""
        spec, drain, layer = self._spec, self.drain, self.parameters
        last_group = Signal()
        m.d.comb += [
            self.take.eq(drains & (self.has_room | ~self.is_result)),
            last_group.eq(self.group == spec.groups - 1),
            self.ends.eq(self.beat == layer.out_beats),
        ]
        row = Signal(spec.row_bits)
        drained = 0 if spec.delta else self.take & (last_group | self.ends)
        m.d.sync += [drain.reads.eq(drains | self.sweeps), drain.clears.eq(self.sweeps | drained),
                     drain.row.eq(Mux(self.sweeps, self.sweep_row, row))]
        with m.If(self.take):
            m.d.sync += [self.group.eq(Mux(last_group, 0, self.group + 1)),
                         self.beat.eq(self.beat + 1), self.bias_row.eq(self.bias_row + 1),
                         row.eq(row + last_group)]
        with m.If(self.scan):
            m.d.sync += [self.group.eq(0), self.beat.eq(0), self.bias_row.eq(layer.bias),
                         row.eq(layer.accumulator if spec.delta else 0)]


class Input(wiring.Component):
    """Writes the beats of an input frame into the memory of activations.

    A frame that ends early is filled up with zeros, a longer one is cut; either is told, as is an
    element outside of its format. So every frame that comes in gives one frame of results.

    Members
    -------
    i : ``In`` stream of ``spec.x_bytes``
    admits : ``In(1)``          a frame may begin
    takes : ``In(1)``           the memory takes a beat
    starts : ``In(1)``          the frame that is there has been begun with
    full : ``Out(1)``           a whole frame is there
    inside : ``Out(1)``         part of a frame is
    write : ``Out(1)``; beat : ``Out``; values : ``Out``
    error : ``Out(1)``
    load : ``In(LOAD)``         of which it wants the beats of the first layer's input
    """

    def __init__(self, spec: EieSpec):
        self._spec = spec
        beat = data.StructLayout({"data": 8 * spec.x_bytes, "last": 1})
        super().__init__({
            "i": In(stream.Signature(beat)), "admits": In(1), "takes": In(1), "starts": In(1),
            "full": Out(1), "inside": Out(1), "write": Out(1),
            "beat": Out(range(max(2, spec.beats))), "values": Out(spec.lanes * spec.x.bits),
            "error": Out(1), "load": In(LOAD),
        })

    def elaborate(self, platform):
        m = Module()
        spec, at_end, goes = self._spec, Signal(), Signal()
        most = Signal(spec.parameter_bits("in_beats"))
        elements, outside = unpadded(m, self.i.p.data, format_shape(spec.x), spec.lanes)
        with m.If(chosen(m, self.load, Kind.LAYERS, 0) & (self.load.address == 0)):
            m.d.sync += most.eq(self.load.data)
        m.d.comb += [at_end.eq(self.beat == most),
                     goes.eq(~self.full & self.takes & (self.admits | self.inside))]
        m.d.sync += self.error.eq(0)
        with m.FSM():
            with m.State("PASS"):
                m.d.comb += [self.i.ready.eq(goes), self.write.eq(goes & self.i.valid),
                             self.values.eq(elements)]
                with m.If(self.write):
                    m.d.sync += self.error.eq(outside | (self.i.p.last != at_end))
                    with m.If(self.i.p.last & ~at_end):
                        m.next = "FILL"
                    with m.If(at_end & ~self.i.p.last):
                        m.next = "DROP"
            with m.State("FILL"):
                m.d.comb += self.write.eq(goes)
                with m.If(goes & at_end):
                    m.next = "PASS"
            with m.State("DROP"):
                m.d.comb += self.i.ready.eq(1)
                with m.If(self.i.valid & self.i.p.last):
                    m.next = "PASS"
        with m.If(self.starts):
            m.d.sync += self.full.eq(0)
        with m.If(self.write):
            m.d.sync += [self.inside.eq(~at_end), self.full.eq(at_end),
                         self.beat.eq(Mux(at_end, 0, self.beat + 1))]
        return m
