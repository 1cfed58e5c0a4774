"""The whole design: stages joined by converters, queues and forks, AXI4-Stream at both edges."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring

from ..numeric import SpecError
from ..plan import Design
from .add import AddCore
from .argmax import ArgmaxCore
from .axis import AxisSink, AxisSource, core_ports, element_bytes
from .codebook import CodebookMatVec
from .depthwise import DepthwiseMatVec
from .fixed_unrolled import FixedUnrolledMatVec
from .folded import BinaryMatVec, FixedMatVec
from .fork import Fork
from .joint import JointCore
from .loading import WeightLoader, link_loads
from .lookup import TableLookup
from .nm import NMMatVec
from .piecewise import PiecewiseLines
from .pool import MaxPoolCore, SumPoolCore
from .requantise import RequantiseUnit
from .shift import ShiftMatVec
from .sparse import SparseMatVec
from .stream import element_shape, link
from .thermometer import ThermometerCoder
from .threshold import ThresholdCore
from .unrolled import UnrolledMatVec
from .window import SerialWindow
from .window_pool import WideMaxCore, WideSumCore
from .window_wide import WideWindow

__all__ = ["COMPONENTS", "Pipeline", "stage_instance"]

COMPONENTS = {
    "add": AddCore,
    "argmax": ArgmaxCore,
    "binary": BinaryMatVec,
    "binary-unrolled": UnrolledMatVec,
    "codebook": CodebookMatVec,
    "depthwise": DepthwiseMatVec,
    "fixed": FixedMatVec,
    "fixed-unrolled": FixedUnrolledMatVec,
    "nm": NMMatVec,
    "piecewise": PiecewiseLines,
    "pool": MaxPoolCore,
    "requantise": RequantiseUnit,
    "shift": ShiftMatVec,
    "sparse": SparseMatVec,
    "sparse-columns": SparseMatVec,
    "sum-pool": SumPoolCore,
    "table": TableLookup,
    "thermometer": ThermometerCoder,
    "threshold": ThresholdCore,
    "window": SerialWindow,
    "window-max": MaxPoolCore,
    "window-max-wide": WideMaxCore,
    "window-sum": SumPoolCore,
    "window-sum-wide": WideSumCore,
    "window_wide": WideWindow,
}
"""Core name of a stage -> the component that implements it."""


def stage_instance(stage) -> str:
    """Name of the instance of ``stage`` inside the pipeline."""
    return f"stage_{stage.name.replace('-', '_')}"


class Pipeline(wiring.Component):
    """All stages of ``design``. One output frame for each input frame, in order.

    Elements are padded to whole bytes, little endian, element 0 lowest. An output frame holds the
    scores and, where the network ends in an Argmax, its classes as the last elements.
    ``design.latency_cycles`` and ``design.interval_cycles`` hold without stalls.

    Parameters
    ----------
    design : Design

    Members
    -------
    s_axis_tdata, s_axis_tvalid, s_axis_tlast : In; s_axis_tready : Out
    m_axis_tdata, m_axis_tvalid, m_axis_tlast : Out; m_axis_tready : In
    frame_error : ``Out(1)``    an input frame was not sound since reset; see :class:`AxisSink`
    s_axis_weights_tdata, ... : where weights are loaded; with ``weights_loaded``, ``weights_error``
                                see :class:`hwgen.rtl.loading.WeightLoader`

    Raises
    ------
    SpecError    If two stages would be instances of the same name.
    """

    def __init__(self, design: Design):
        instances = [stage_instance(stage) for stage in design.stages]
        if len(set(instances)) < len(instances):
            raise SpecError(f"design '{design.name}': names of stages must differ in more than"
                            f" '-' and '_', not {[stage.name for stage in design.stages]}")
        self._design = design
        self._in_shape = element_shape(design.stages[0].in_edge)
        self._out_shape = element_shape(design.stages[-1].out_edge)
        super().__init__(core_ports(
            in_bits=8 * design.in_lanes * element_bytes(self._in_shape.width),
            out_bits=8 * design.out_lanes * element_bytes(self._out_shape.width),
            loaded=bool(design.loaded)))

    @property
    def design(self) -> Design:
        return self._design

    def elaborate(self, platform):
        m = Module()
        links = list(zip(self._design.links, self._design.joints, strict=True))
        streams, loads = {None: self._sent(m, None, self._input(m).o)}, []
        for number, stage in enumerate(self._design.stages):
            into = [(streams[way.source].pop(0), joint) for way, joint in links
                    if way.reader == number]
            component = self._stage(m, stage, into)
            streams[number] = self._sent(m, number, component.o)
            loads += [component] if stage.loaded else []
        self._output(m, component.o)
        if loads:
            self._loader(m, loads)
        return m

    def _stage(self, m, stage, into):
        """The component of ``stage``, behind the streams that it reads, each with its joint."""
        name, component = stage_instance(stage), COMPONENTS[stage.core](stage)
        ports = component.inputs if len(into) > 1 else [component.i]
        for k, ((stream, joint), port) in enumerate(zip(into, ports, strict=True)):
            if joint.is_wire:
                link(m, stream, port)
                continue
            between = JointCore(element_shape(stage.in_edges[k]), joint)
            m.submodules[f"lanes{k or ''}_{name}"] = between
            link(m, stream, between.i)
            link(m, between.o, port)
        m.submodules[name] = component
        return component

    def _sent(self, m, number, stream) -> list:
        """The stream that leaves a stage, or the input, for each link that reads it, in order."""
        design = self._design
        readers = sum(link.source == number for link in design.links)
        if readers < 2:
            return [stream]
        edge, lanes = design.sent(number)
        name = "input" if number is None else stage_instance(design.stages[number])
        m.submodules[f"fork_{name}"] = fork = Fork(element_shape(edge), lanes=lanes,
                                                   readers=readers)
        link(m, stream, fork.i)
        return fork.outputs

    def _input(self, m):
        design = self._design
        beats = design.stages[0].in_edge.size // design.in_lanes
        m.submodules.sink = sink = AxisSink(self._in_shape, lanes=design.in_lanes, beats=beats)
        valid, ready = self.s_axis_tvalid, sink.tready
        if design.loaded:
            self._admit = Signal()
            valid, ready = valid & self._admit, ready & self._admit
        m.d.comb += [
            sink.tdata.eq(self.s_axis_tdata), sink.tvalid.eq(valid),
            sink.tlast.eq(self.s_axis_tlast), self.s_axis_tready.eq(ready),
            self.frame_error.eq(sink.frame_error),
        ]
        return sink

    def _loader(self, m, loads):
        """The stream of weights, and what it must know of the frames."""
        words = sum(memory.words for memory in self._design.loaded)
        m.submodules.loader = loader = WeightLoader(words)
        link_loads(m, loader.load, loads)
        m.d.comb += [
            loader.tdata.eq(self.s_axis_weights_tdata),
            loader.tvalid.eq(self.s_axis_weights_tvalid),
            loader.tlast.eq(self.s_axis_weights_tlast),
            self.s_axis_weights_tready.eq(loader.tready), self._admit.eq(loader.admit),
            loader.taken.eq(self.s_axis_tvalid & self.s_axis_tready),
            loader.taken_last.eq(self.s_axis_tlast),
            loader.left.eq(self.m_axis_tvalid & self.m_axis_tready & self.m_axis_tlast),
            self.weights_loaded.eq(loader.loaded), self.weights_error.eq(loader.error),
        ]

    def _output(self, m, stream):
        m.submodules.source = source = AxisSource(self._out_shape, lanes=self._design.out_lanes)
        link(m, stream, source.i)
        m.d.comb += [
            self.m_axis_tdata.eq(source.tdata), self.m_axis_tvalid.eq(source.tvalid),
            self.m_axis_tlast.eq(source.tlast), source.tready.eq(self.m_axis_tready),
        ]
