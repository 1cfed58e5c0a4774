"""A design: for each node of a network a core, its folding, and what follows from them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ..ir import Edge, Flatten, Network
from ..numeric import SpecError
from .joints import Joint, joints_of
from .links import Link, chain_of, into, links_of
from .stages import ArgmaxStage, Stage
from .stages.loaded_memory import LOADER_CELLS, LoadedMemory
from .stages.unit_cells import fork_cells
from .target import Cells, Target

__all__ = ["Design"]

EDGE_CELLS = Cells(lut=60, ff=60)
"""AXI4-Stream edges: frame alignment and one register slice each side."""

EDGE_REGISTERS = 1
"""Register slices at each AXI4-Stream edge."""


@dataclass(frozen=True, eq=False, repr=False)
class Design:
    """Stages in processing order on a target, at a clock.

    Parameters
    ----------
    network : Network
    target : Target
    clk_hz : int
    stages : tuple of Stage      together they compute every node, each behind those it reads, but
                                 the input and flattens, which no hardware stands for

    Raises
    ------
    SpecError    If the stages are not the network's nodes in such an order.
    """

    network: Network
    target: Target
    clk_hz: int
    stages: tuple[Stage, ...]
    links: tuple[Link, ...] = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "stages", tuple(self.stages))
        if not self.stages:
            raise SpecError(f"design '{self.network.name}': stages must not be empty")
        planned = [node.name for stage in self.stages for node in stage.nodes]
        wanted = [node.name for node in self.network.nodes[1:] if not isinstance(node, Flatten)]
        if sorted(planned) != sorted(wanted) or not self._in_order(planned):
            raise SpecError(f"design '{self.network.name}': stages must compute the nodes"
                            f" {wanted} in order, not {planned}")
        object.__setattr__(self, "links", links_of(self.network, self.stages))

    def _in_order(self, planned):
        """Whether each node stands behind those that it reads."""
        place = {name: number for number, name in enumerate(planned)}
        return all(place.get(read, -1) < place[name] for name in planned
                   for read in self.network.node(name).inputs)

    def __repr__(self):
        cores = ", ".join(f"{stage.name} {stage.core}" for stage in self.stages)
        return (f"<Design '{self.name}' for {self.target.name}: {cores};"
                f" a frame every {self.interval_cycles} cycles at {self.clk_hz / 1e6:g} MHz>")

    @property
    def name(self) -> str:
        return self.network.name

    @cached_property
    def joints(self) -> tuple[Joint, ...]:
        """The lane conversion on each link, with the queues beside it."""
        return joints_of(self.stages, self.links)

    @property
    def forks(self) -> tuple[int | None, ...]:
        """Numbers of the stages that several inputs read; None is the pipeline's input."""
        readers = Counter(link.source for link in self.links)
        return tuple(source for source, count in readers.items() if count > 1)

    @property
    def in_lanes(self) -> int:
        return self.stages[0].in_lanes

    def sent(self, source: int | None) -> tuple[Edge, int]:
        """What leaves stage number ``source``, or enters where it is None; elements in a beat."""
        if source is None:
            return self.network.edges[self.network.input.name], self.in_lanes
        return self.stages[source].out_edge, self.stages[source].out_lanes

    @property
    def out_lanes(self) -> int:
        return self.stages[-1].out_lanes

    @property
    def has_class(self) -> bool:
        """Whether each output frame ends with the class, or the k best."""
        return isinstance(self.stages[-1], ArgmaxStage)

    @property
    def interval_cycles(self) -> int:
        """Cycles between frames at full rate, those of the slowest stage; exact."""
        return self.slowest.interval_cycles

    @property
    def slowest(self) -> Stage:
        """The stage with the longest interval, the first of several."""
        return max(self.stages, key=lambda stage: stage.interval_cycles)

    @property
    def bottleneck(self) -> str:
        """Name of the slowest stage."""
        return self.slowest.name

    @property
    def latency_cycles(self) -> int:
        """Cycles from the first input beat to the first output beat of a lone frame, no stalls.

        Where a core skips zeros this is the longest, for a frame without zeros. Where streams fork
        it is the shortest there can be, unless :attr:`latency_is_exact`: branches folded unlike may
        hold each other up a little in a lone frame, as their queues are made for frames every
        ``interval_cycles``.
        """
        return self._lone_frame[0]

    @property
    def latency_is_exact(self) -> bool:
        """Whether :attr:`latency_cycles` is proved to be that of a lone frame.

        Of a chain it is. Where streams fork, if behind the forks every beat finds a place as it is
        offered: then none holds up another branch.
        """
        return self._lone_frame[1]

    @cached_property
    def _lone_frame(self) -> tuple[int, bool]:
        """Its latency, and whether nothing behind a fork waits for a place."""
        beats = self.network.edges[self.network.input.name].size // self.in_lanes
        times = {None: [cycle + EDGE_REGISTERS for cycle in range(beats)]}
        joints, forked = dict(zip(self.links, self.joints, strict=True)), set(self.forks)
        is_exact = True
        for number, stage in enumerate(self.stages):
            reads = into(self.links, number)
            flow = stage.flow(*(joints[link].schedule(times[link.source]) for link in reads))
            times[number] = flow.departures
            for link in reads:
                if link.source in forked:
                    forked.add(number)
                    is_exact &= joints[link].holds(times[link.source], flow.taken)
        return times[number][0] + EDGE_REGISTERS, is_exact

    @property
    def loaded(self) -> tuple[LoadedMemory, ...]:
        """The memories that are filled once the hardware runs, in order."""
        return tuple(memory for stage in self.stages for memory in stage.loaded)

    @cached_property
    def weight_bits(self) -> Mapping[str, int]:
        """Constant bits stored, by purpose, over all stages; exact, index overhead included."""
        total: Counter = Counter()
        for stage in self.stages:
            total.update(stage.memory_bits)
        return dict(total)

    @cached_property
    def estimate(self) -> Cells:
        """Cells expected for the whole pipeline."""
        cells = EDGE_CELLS + (LOADER_CELLS if self.loaded else Cells())
        for link, joint in zip(self.links, self.joints, strict=True):
            edge = self.stages[link.reader].in_edges[link.port]
            cells += joint.estimate(self.target, edge)
        readers = Counter(link.source for link in self.links)
        cells = sum((fork_cells(self.target, readers[source]) for source in self.forks), cells)
        return sum((stage.estimate(self.target) for stage in self.stages), cells)

    def to_dict(self) -> dict:
        """JSON-ready: board, clock and the folding of each stage; enough to plan it again."""
        return {
            "network": self.network.name, "digest": self.network.digest,
            "target": self.target.name, "clk_hz": self.clk_hz,
            "stages": [stage.to_dict() | self._reads(number)
                       for number, stage in enumerate(self.stages)],
        }

    def _reads(self, number) -> dict:
        """What a stage reads, where that is not just the stage before it, by what queues."""
        queues = [[joint.before, joint.behind] for link, joint in
                  zip(self.links, self.joints, strict=True) if link.reader == number]
        if self.links == chain_of(self.stages):
            return {"queues": queues[0]}
        reads = [self.network.input.name if link.source is None else self.stages[link.source].name
                 for link in into(self.links, number)]
        return {"reads": reads, "queues": queues}
