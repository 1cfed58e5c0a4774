"""The EIE engine: all layers of a sparse network on one core, behind three AXI4-Streams."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import Out

from ..plan.engines.eie import EieSpec
from ..plan.engines.eie_timing import DRAIN_CYCLES
from ..plan.stages.sparse_storage import bits_for
from .eie_control import Control, Input, Layers
from .eie_delta import References
from .eie_drain import Narrow
from .eie_element import Element
from .eie_front import Lookup, Scanner
from .eie_load import Loader
from .eie_memory import Ram, passed_on, wire_load
from .engine_edge import ResultQueue, engine_ports, send, take
from .fifo import RoomyFIFO
from .stream import format_shape, link
from .tree import delay

__all__ = ["EieEngine"]


class EieEngine(wiring.Component):
    """Runs the layers that were loaded on every vector that comes; see ``docs/eie.md``.

    Correct under any stalls on all three streams; ``hwgen.plan.engines.eie_timing`` says how long
    it takes without.

    Parameters
    ----------
    spec : EieSpec

    Members
    -------
    s_axis_weights_tdata, _tvalid, _tlast : In; _tready : Out    layers, weights and their pointers
    s_axis_tdata, _tvalid, _tlast : In; _tready : Out            vectors
    m_axis_tdata, _tvalid, _tlast : Out; _tready : In            results of the last layer
    weights_loaded : ``Out(1)``     the last frame of weights was sound, and vectors are let in
    weights_error : ``Out(1)``      the last frame was unsound, or what is in it was found to be so
                                    when it was used; until the next frame, or reset
    frame_error : ``Out(1)``        a vector was of a wrong length, or an element out of its range,
                                    since reset
    """

    def __init__(self, spec: EieSpec):
        if not isinstance(spec, EieSpec):
            raise TypeError(f"spec must be an EieSpec, not {spec!r}")
        self._spec = spec
        super().__init__(engine_ports({"s_axis": spec.x_bytes, "s_axis_weights": spec.weight_bytes},
                                      spec.result_bytes)
                         | {"weights_loaded": Out(1), "weights_error": Out(1)})

    @property
    def spec(self) -> EieSpec:
        return self._spec

    def elaborate(self, platform):
        m = Module()
        spec = self._spec
        m.submodules.loader = loader = Loader(spec)
        m.submodules.control = control = Control(spec)
        m.submodules.layers = layers = Layers(spec)
        m.submodules.input = self._input = vectors = Input(spec)
        take(m, self, "s_axis_weights", spec.weight_bytes, loader.i)
        take(m, self, "s_axis", spec.x_bytes, vectors.i)
        m.d.comb += [
            layers.number.eq(control.layer), control.parameters.eq(layers.o),
            loader.idle.eq(control.idle & ~vectors.full & ~vectors.inside),
            vectors.admits.eq(loader.admits), vectors.takes.eq(control.takes_input),
            vectors.starts.eq(control.starts), control.full.eq(vectors.full),
            control.sweeps.eq(loader.sweeps), control.sweep_row.eq(loader.sweep_row),
            self.weights_loaded.eq(loader.loaded),
        ]
        first, *self._loads = passed_on(m, loader.load, 1 + spec.pe)    # one beside each element
        wire_load(m, first, layers.load, vectors.load)
        narrow = self._drain(m, control, layers)
        busy, error = self._core(m, control, layers, loader, narrow)
        m.d.comb += control.busy.eq(busy)
        with m.If(loader.begins):
            m.d.sync += self.weights_error.eq(0)
        with m.If(loader.error | error | control.error):
            m.d.sync += self.weights_error.eq(1)
        with m.If(vectors.error):
            m.d.sync += self.frame_error.eq(1)
        return m

    def _core(self, m, control, layers, loader, narrow):
        """Memory of activations, broadcast, elements: whether they are busy, and find an error."""
        spec, layer = self._spec, layers.o
        m.submodules.scanner = scanner = Scanner(spec)
        m.submodules.lookup = lookup = Lookup(spec)
        m.d.comb += [
            scanner.start.eq(control.scan), scanner.in_beats.eq(layer.in_beats),
            scanner.column.eq(layer.column), scanner.room.eq(lookup.room),
            lookup.hit.eq(scanner.hit), lookup.hit_valid.eq(scanner.hit_valid),
        ]
        row = self._activations(m, control, scanner, narrow)
        if spec.delta:
            self._references(m, scanner, layer, loader, row)
        else:
            m.d.comb += scanner.values.eq(row)
            m.d.comb += [scanner.is_sent[k].eq(row[k] != 0) for k in range(spec.lanes)]
        elements = []
        for k in range(spec.pe):
            m.submodules[f"element{k}"] = element = Element(spec, k)
            link(m, lookup.o[k], element.i)
            wiring.connect(m, control.drain, element.drain)
            m.d.comb += [element.layer.eq(control.layer), element.rows.eq(layer.rows),
                         narrow.sums[k].eq(element.o)]
            if spec.delta:
                m.d.comb += element.base.eq(layer.accumulator)
            elements.append(element)
            wire_load(m, self._loads[k], element.load, lookup.load[k])
        busy = Cat(scanner.busy, lookup.busy, *(element.busy for element in elements)).any()
        return busy, Cat(lookup.error, *(element.error for element in elements)).any()

    def _references(self, m, scanner, layer, loader, row):
        """What moved is sent in place of activations."""
        m.submodules.references = references = References(self._spec)
        m.d.comb += [
            references.start.eq(scanner.start), references.base.eq(layer.reference),
            references.threshold.eq(layer.threshold), references.enable.eq(scanner.enable),
            references.address_step.eq(scanner.fetches), references.x.eq(row),
            references.shown.eq(scanner.shown), references.sweeps.eq(loader.sweeps),
            references.sweep_row.eq(loader.sweep_row), scanner.values.eq(references.moved),
            scanner.is_sent.eq(references.is_sent),
        ]

    def _activations(self, m, control, scanner, narrow):
        """The row that the scanner reads; the other half takes inputs, or a layer's results."""
        spec, vectors = self._spec, self._input
        m.submodules.activations = rows = Ram(
            depth=2 << bits_for(spec.beats), width=spec.lanes * spec.x.bits)
        beat = delay(m, control.beat, DRAIN_CYCLES, name="beat")
        writes = delay(m, control.take & ~control.is_result, DRAIN_CYCLES, name="writes")
        write, address = Signal(), Signal.like(rows.write_address, reset_less=True)
        values = Signal.like(rows.write_data, reset_less=True)
        results = Cat(narrow.o[k][:spec.x.bits] for k in range(spec.lanes))
        m.d.sync += [
            write.eq(writes | vectors.write), values.eq(Mux(writes, results, vectors.values)),
            address.eq(Cat(Mux(writes, beat, vectors.beat), ~control.source))]
        m.d.comb += [
            rows.write.eq(write), rows.write_address.eq(address), rows.write_data.eq(values),
            rows.address.eq(Cat(scanner.address, control.source)), rows.enable.eq(scanner.enable)]
        return data.View(data.ArrayLayout(format_shape(spec.x), spec.lanes), rows.data)

    def _drain(self, m, control, layers):
        spec, layer = self._spec, layers.o
        m.submodules.narrow = narrow = Narrow(spec)
        shape = format_shape(spec.accumulator)
        m.submodules.results = results = ResultQueue(shape, lanes=spec.lanes,
                                                     depth=spec.result_rows, queue=RoomyFIFO)
        send(m, self, results.o, shape, spec.lanes)
        is_result = delay(m, control.take & control.is_result, DRAIN_CYCLES, name="is_result")
        m.d.comb += [
            narrow.group.eq(control.group),
            narrow.bias_row.eq(control.bias_row), narrow.shift.eq(layer.shift),
            narrow.low.eq(layer.low), narrow.high.eq(layer.high),
            results.i.eq(narrow.o), results.i_valid.eq(is_result),
            results.i_last.eq(delay(m, control.ends, DRAIN_CYCLES, name="ends")),
            results.take.eq(control.take & control.is_result),
            control.has_room.eq(results.has_room),
        ]
        for k in range(spec.lanes):
            wire_load(m, self._loads[k], narrow.load[k])
        return narrow
