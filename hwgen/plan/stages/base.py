"""What every stage of a design is: some nodes, a core with its folding, and derived numbers."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from ...ir import Edge, Node
from ...numeric import Fixed, SpecError
from ..target import Cells, Target
from .loaded_memory import LoadedMemory

__all__ = ["Flow", "Lanes", "Stage", "divisors", "require_divisor", "require_fixed_point",
           "those_possible"]


def divisors(n: int) -> list[int]:
    """All divisors of ``n``, ascending."""
    return [d for d in range(1, n + 1) if n % d == 0]


def require_divisor(where: str, what: str, value: int, total_name: str, total: int) -> None:
    """Raise SpecError unless ``value`` divides ``total``; the message lists what would."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{where}: {what} must be an int, not {value!r}")
    if value < 1 or total % value:
        raise SpecError(f"{where}: {what} must divide {total_name} = {total}, not {value};"
                        f" choose from {divisors(total)}")


def those_possible(tries) -> list["Stage"]:
    """The stages that each of ``tries`` makes, but of those that refuse: nobody asked for them.

    Raises
    ------
    SpecError    If all refuse, as the first one does.
    """
    stages, first = [], None
    for make in tries:
        try:
            stages += make()
        except SpecError as refusal:
            first = first or refusal
    if first is not None and not stages:
        raise first
    return stages


def require_fixed_point(where: str, edge: Edge) -> None:
    """Raise SpecError unless the integers of ``edge`` travel as they are, not as codes."""
    if not isinstance(edge.format, Fixed):
        raise SpecError(f"{where}: input must be fixed point, not {edge.format}")


class Flow(NamedTuple):
    """Cycles of the beats that move through a stage; a transfer is in the cycle it happens in.

    Members
    -------
    taken : list of int         of each input beat, as early as it can be
    departures : list of int    of each output beat
    needed : list of int        of each input beat, as late as it can be without an output beat
                                leaving later
    """

    taken: list[int]
    departures: list[int]
    needed: list[int]

    @classmethod
    def at_once(cls, taken: list[int], departures: list[int]) -> "Flow":
        """Where a beat that is late is missed at once."""
        return cls(taken, departures, taken)


@dataclass(frozen=True, eq=False)
class Stage(ABC):
    """One hardware core and the nodes it computes.

    Members
    -------
    nodes : tuple of Node        in processing order; the value of the last one leaves the stage
    in_edge, out_edge : Edge     what arrives and what leaves
    in_edges : tuple of Edge     what arrives at each input, where there are several
    in_lanes, out_lanes : int    elements in one beat
    interval_cycles : int        cycles between frames at full rate, without stalls; at least the
                                 beats of a frame on either side, so no lane conversion is slower
    """

    core: ClassVar[str]

    @property
    @abstractmethod
    def nodes(self) -> tuple[Node, ...]: ...

    @property
    @abstractmethod
    def in_edge(self) -> Edge: ...

    @property
    def in_edges(self) -> tuple[Edge, ...]:
        return (self.in_edge,)

    @property
    @abstractmethod
    def out_edge(self) -> Edge: ...

    @property
    @abstractmethod
    def in_lanes(self) -> int: ...

    @property
    @abstractmethod
    def out_lanes(self) -> int: ...

    @property
    @abstractmethod
    def interval_cycles(self) -> int: ...

    @abstractmethod
    def flow(self, arrivals: list[int]) -> Flow:
        """When beats are taken and leave, given when those of any number of whole frames come.

        At most one comes in a cycle. One that cannot be taken yet waits outside, beside any number
        of others. Exact when nothing stalls the output. A stage of several inputs is given the
        arrivals at each of them, and takes a beat of each at once.
        """

    def schedule(self, *arrivals: list[int]) -> list[int]:
        """Cycle at which each output beat leaves; see :meth:`flow`."""
        return self.flow(*arrivals).departures

    @abstractmethod
    def estimate(self, target: Target) -> Cells:
        """Cells expected on ``target``, without place and route."""

    @property
    def name(self) -> str:
        """The first node's name: unique in a design, as each node has one stage."""
        return self.nodes[0].name

    @property
    def memory_bits(self) -> dict[str, int]:
        """Constant bits stored, by purpose (weights, index, bias, thresholds ...)."""
        return {}

    @property
    def loaded(self) -> "tuple[LoadedMemory, ...]":
        """The memories that are filled once the hardware runs, in the order in which they are."""
        return ()

    def loaded_memory(self, holds: str) -> "LoadedMemory":
        """The one of :attr:`loaded` that holds that."""
        return next(memory for memory in self.loaded if memory.holds == holds)

    @property
    def folding(self) -> dict:
        """The free choices, JSON-ready: what a user may set by hand."""
        return {}

    def to_dict(self) -> dict:
        """JSON-ready description with the derived numbers, for manifests and reports."""
        return {
            "core": self.core, "nodes": [node.name for node in self.nodes],
            "folding": self.folding, "in_lanes": self.in_lanes, "out_lanes": self.out_lanes,
            "interval_cycles": self.interval_cycles, "memory_bits": self.memory_bits,
        }


class Lanes:
    """What stages share that read ``x`` and send, as they read, ``lanes`` elements a beat."""

    x: Edge
    lanes: int

    @property
    def in_edge(self):
        return self.x

    @property
    def in_lanes(self):
        return self.lanes

    @property
    def out_lanes(self):
        return self.lanes
