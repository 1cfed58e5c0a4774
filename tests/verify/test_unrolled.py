# amaranth: UnusedElaboratable=no
"""An unrolled network as emitted Verilog, a vector a cycle."""

import numpy as np
import pytest
from cases.targets import ECP5

from hwgen import golden
from hwgen.emit import write_artefact
from hwgen.ir import Argmax, Dense, Input, MatVec, Network, Threshold
from hwgen.numeric import Bipolar, Ternary
from hwgen.plan import plan
from hwgen.verify import simulate

pytestmark = pytest.mark.cosim


def network(sizes):
    """Bipolar weights first, ternary ones then."""
    rng, previous = np.random.default_rng(0), "x"
    nodes = [Input("x", (), (sizes[0],), Bipolar())]
    for k, shape in enumerate(zip(sizes[1:], sizes, strict=False)):
        fmt = Ternary() if k else Bipolar()
        nodes.append(MatVec(f"fc{k}", (previous,), Dense(rng.choice(fmt.levels, shape), fmt)))
        previous = f"fc{k}"
        if k < len(sizes) - 2:
            nodes.append(Threshold(f"act{k}", (previous,), rng.integers(-5, 6, shape[0]),
                                   rng.integers(0, 2, shape[0]).astype(bool)))
            previous = f"act{k}"
    nodes.append(Argmax("argmax", (previous,)))
    return Network("unrolled", tuple(nodes), (previous, "argmax"))


def test_emitted_verilog_gives_the_golden_values(tmp_path):
    net = network((96, 24, 16, 5))
    cores = {f"fc{k}": {"core": "binary-unrolled"} for k in range(3)}
    design = plan(net, ECP5, cores=cores, interval_cycles=6)
    folder = write_artefact(design, tmp_path / "artefact")
    x = np.random.default_rng(1).choice([-1, 1], (60, 96))
    edges = golden.run(net, x)
    for stalls in ("none", "random"):
        result = simulate(folder, x, stalls=stalls)
        assert np.array_equal(result.scores, edges[net.scores])
        if stalls == "none":
            assert result.latency_cycles == design.latency_cycles
            assert result.interval_cycles == 6
