# amaranth: UnusedElaboratable=no
"""A network of millions of weights becomes Verilog in seconds, in time linear in the weights."""

import resource

import pytest
from cases.networks import binary
from cases.targets import ECP5

from hwgen.emit import write_artefact
from hwgen.ir import MatVec
from hwgen.plan import plan

pytestmark = [pytest.mark.synth, pytest.mark.slow]


def processor_seconds() -> float:
    """Of this process and the tools it has run; the load of the machine does not count."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def generated(width: int, folder) -> tuple[int, float]:
    """Weights, and seconds from plan to artefact, of 784-width-width-width-10 in signs."""
    network = binary(sizes=(784, width, width, width, 10), levels=(8,))
    started = processor_seconds()
    design = plan(network, ECP5, interval_cycles=width, cores={
        name: {"pe": 32, "simd": simd} for name, simd in (("fc1", 49), ("fc2", 64), ("fc3", 64))})
    write_artefact(design, folder / str(width))
    seconds = processor_seconds() - started
    weights = sum(node.weights.to_dense().size for node in network.nodes
                  if isinstance(node, MatVec))
    return weights, seconds


def test_lfc_is_generated_in_a_minute_and_time_grows_with_the_weights(tmp_path):
    generated(64, tmp_path)     # the tools' first call
    (few, short), (many, long) = (generated(width, tmp_path) for width in (512, 1024))
    assert (few, many) == (930_816, 2_910_208)
    print(f"{short:.1f} s for {few:,} weights, {long:.1f} s for {many:,}")
    assert long < 60
    assert long < 1.3 * short * many / few
