"""How far yosys and nextpnr are, from what they print."""

import re
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["NextpnrProgress", "Progress", "Reporter", "YosysProgress"]


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far one step is.

    Parameters
    ----------
    step : str
        'yosys', 'nextpnr' or 'pack'.
    fraction : float
        In 0..1; never falls within a step. An estimate: the tools do not say how much is left.
    message : str
        What is being done.
    """

    step: str
    fraction: float
    message: str


class Reporter:
    """Feeds the lines of a tool to a meter, and what changes to a callback.

    Parameters
    ----------
    step : str
    meter : object with ``feed(line) -> (fraction, message) or None``
    callback : callable(Progress) or None
    """

    def __init__(self, step, meter, callback: Callable[[Progress], None] | None):
        self._step = step
        self._meter = meter
        self._callback = callback
        self._fraction = 0.0

    def __call__(self, line):
        """Take one line."""
        if " compiles itself " in line:
            self._tell(self._fraction, line)
            return
        seen = self._meter.feed(line)
        if seen is not None:
            self._tell(*seen)

    def done(self):
        """Say that the step has ended."""
        self._tell(1.0, "done")

    def _tell(self, fraction, message):
        self._fraction = max(self._fraction, min(fraction, 1.0))
        if self._callback is not None:
            progress = Progress(step=self._step, fraction=self._fraction, message=message)
            self._callback(progress)


class YosysProgress:
    """Yosys numbers what it does; a synth command has about 60 parts, the last of them ABC9.

    The console falls silent in ABC9, which is most of the work of a large design, so the parts
    before it make only half of the bar.
    """

    _HEADER = re.compile(r"\d+\.(\d+)\. (?:Executing|Continuing) (.*?)\.?$")
    _PARTS = 60

    def feed(self, line):
        """Take a line; give (fraction, message), or None if it says nothing new."""
        header = self._HEADER.match(line)
        if header is None:
            return None
        part = int(header[1])
        what = header[2].split(" pass")[0]
        message = "mapping to LUTs" if what.startswith("ABC9") else what
        return min(part / self._PARTS, 1) * 0.5, message


class NextpnrProgress:
    """Packing, placement (solver, then annealing), routing, each with a share of the bar."""

    _ARCS = re.compile(r"Info: Routing (\d+) arcs")
    # IterCnt | w/ripup wo/ripup | delta | remaining arcs | times
    _ROUTE = re.compile(r"Info:\s+\d+ \|\s+\d+\s+\d+ \|\s+\d+\s+\d+ \|\s+(\d+)\|")
    # Router 2: wires that several nets want, which fall from iteration to iteration.
    _OVERUSE = re.compile(r"Info:\s+iter=(\d+) wires=\d+ overused=(\d+)")
    _SOLVER = re.compile(r"Info:\s+at iteration #(\d+), type ALL")
    _ANNEAL = re.compile(r"Info:\s+at iteration #(\d+): temp")
    _PLAIN = (
        ("Info: Packing", 0.02, "packing"),
        ("Info: Creating initial analytic placement", 0.1, "placing"),
        ("Info: Running simulated annealing", 0.45, "refining the placement"),
        ("Info: Routing complete", 0.98, "routed"),
        ("Info: Program finished", 1.0, "finished"),
    )

    def __init__(self):
        self._arcs = 0

    def feed(self, line):
        """Take a line; give (fraction, message), or None if it says nothing new."""
        if arcs := self._ARCS.match(line):
            self._arcs = int(arcs[1])
            return 0.6, f"routing {self._arcs} arcs"
        if (route := self._ROUTE.match(line)) and self._arcs:
            left = int(route[1])
            return 0.6 + 0.38 * (1 - min(left / self._arcs, 1)), f"routing, {left} arcs left"
        if overuse := self._OVERUSE.match(line):
            message = f"routing, iteration {overuse[1]}, {overuse[2]} wires overused"
            return 0.6 + 0.38 * _approach(int(overuse[1])), message
        if solver := self._SOLVER.match(line):
            return 0.15 + 0.3 * _approach(int(solver[1])), f"placing, iteration {solver[1]}"
        if anneal := self._ANNEAL.match(line):
            message = f"refining the placement, iteration {anneal[1]}"
            return 0.45 + 0.15 * _approach(int(anneal[1])), message
        for start, fraction, message in self._PLAIN:
            if line.startswith(start):
                return fraction, message
        return None


def _approach(iteration):
    """Rise from 0 towards 1: both loops take some 10 to 20 iterations, with no fixed end."""
    return iteration / (iteration + 8)
