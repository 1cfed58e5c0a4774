"""Holds the bus models up, and watches the streams between the stages, inside cocotb."""

from itertools import islice

from cocotb.triggers import RisingEdge, Timer


async def hold(model, runs, period_ns: int):
    """Pause and free a bus model for the cycles that ``runs`` gives; wakes once a run."""
    await Timer(period_ns // 2 + 1, "ns")
    for free, stalled in runs:
        await Timer(free * period_ns, "ns")
        model.pause = True
        await Timer(stalled * period_ns, "ns")
        model.pause = False


class Trace:
    """Records what passes on the streams between the stages."""

    def __init__(self, dut, probes: list[dict], clock):
        self.clock = clock
        self.probes = probes
        self.handles = [self._handles(dut, probe) for probe in probes]
        self.clear()

    @staticmethod
    def _handles(dut, probe):
        scope = dut
        for name in probe["path"].split("."):
            scope = scope[name]
        signals = probe.get("signals") or {
            part: f"{probe['port']}__{part}" for part in ("payload", "valid", "ready")}
        return tuple(scope[signals[part]] for part in ("payload", "valid", "ready"))

    def clear(self):
        """Forget everything, as after a reset."""
        self.done = [[] for _ in self.probes]
        self.open = [[] for _ in self.probes]

    async def watch(self):
        """Runs for ever: one look at every stream each cycle."""
        edge = RisingEdge(self.clock)
        while True:
            await edge
            for index, (payload, valid, ready) in enumerate(self.handles):
                if valid.value and ready.value:
                    self._beat(index, int(payload.value))

    def _beat(self, index, word):
        probe = self.probes[index]
        bits, lanes = probe["element_bits"], probe["lanes"]
        mask = (1 << bits) - 1
        self.open[index] += [_value((word >> k * bits) & mask, probe) for k in range(lanes)]
        if word >> lanes * bits & 1:
            self.done[index].append(self.open[index])
            self.open[index] = []

    def frames(self) -> dict[str, int]:
        """Whole frames seen at each node."""
        return {probe["node"]: len(seen)
                for probe, seen in zip(self.probes, self.done, strict=True)}

    def first_mismatch(self, frames) -> dict | None:
        """The earliest image that differs, and in it the first node; None if all agree."""
        found = [hit for order, probe in enumerate(self.probes)
                 if probe["node"] in frames.edges
                 for hit in islice(self._differences(order, frames.edges[probe["node"]]), 1)]
        return min(found, key=lambda hit: hit["image"], default=None)

    def _differences(self, order, expected):
        probe = self.probes[order]
        for image, (seen, right) in enumerate(zip(self.done[order], expected, strict=False)):
            for index, value in enumerate(right.reshape(-1).tolist()):
                got = seen[index] if index < len(seen) else None
                if got != value:
                    yield {"node": probe["node"], "image": image, "index": index,
                           "expected": value, "found": got}
                    break


def _value(code: int, probe: dict) -> int:
    if probe["values"] is not None:
        return probe["values"][code]
    if probe["signed"] and code >> (probe["element_bits"] - 1):
        return code - (1 << probe["element_bits"])
    return code
