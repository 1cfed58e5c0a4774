"""The sparse family in Verilog: a layer of each kind, rows in another order, against golden."""

import numpy as np
import pytest
from cases.targets import ECP5

from hwgen import golden
from hwgen.emit import write_artefact
from hwgen.ir import Dense, Input, MatVec, Network, Requantise
from hwgen.numeric import Fixed, Ternary
from hwgen.plan import plan
from hwgen.verify import simulate

pytestmark = pytest.mark.cosim

U6 = Fixed(6, 0, False)
CORES = {
    "fc2": {"core": "sparse", "pe": 4},
    "fc3": {"core": "sparse-columns", "pe": 4, "column_groups": 2},
    "fc4": {"core": "sparse", "pe": 2, "block_rows": 2, "block_columns": 2, "index": "mask"},
}


def network(rng):
    """2:4, then ternary with uneven rows, then columns dealt out, then 2x2 blocks."""
    def act(k, size):
        return Requantise(f"act{k}", (f"fc{k}",), rng.integers(1, 9, size),
                          rng.integers(3, 6, size), "half_up", U6)

    kept = rng.permuted(np.broadcast_to(np.arange(4) < 2, (16, 6, 4)), axis=2).reshape(16, 24)
    ternary = rng.choice([-1, 1], (12, 16)) * (rng.random((12, 16)) < 0.2)
    ternary[::4] = 1
    plain = rng.integers(-7, 8, (8, 12)) * (rng.random((8, 12)) < 0.5)
    blocks = rng.integers(-7, 8, (6, 8)) * np.kron(rng.random((3, 4)) < 0.4, np.ones((2, 2), int))
    return Network("family", (
        Input("x", (), (24,), U6), MatVec("fc1", ("x",), Dense(rng.integers(1, 8, (16, 24)) * kept,
                                                               Fixed(5))), act(1, 16),
        MatVec("fc2", ("act1",), Dense(ternary, Ternary()), rng.integers(-9, 9, 12)), act(2, 12),
        MatVec("fc3", ("act2",), Dense(plain, Fixed(4)), rng.integers(-9, 9, 8)), act(3, 8),
        MatVec("fc4", ("act3",), Dense(blocks, Fixed(4)), rng.integers(-9, 9, 6))), ("fc4",))


def test_every_kind_computes_what_golden_does(rng, tmp_path):
    net = network(rng)
    design = plan(net, ECP5, interval_cycles=200, cores=CORES)
    assert [stage.core for stage in design.stages] == ["nm", "sparse", "sparse-columns", "sparse"]
    assert design.stages[1].values == "signs"
    assert design.network.digest != net.digest          # rows of fc2 have been dealt out
    folder = write_artefact(design, tmp_path / "family")
    x = rng.integers(0, 64, (12, 24))
    for stalls in ("none", "random"):
        result = simulate(folder, x, stalls=stalls, bench="compiled")
        assert (result.compared, result.mismatched) == (12 * 6, 0)
        assert np.array_equal(result.scores, golden.run(net, x)["fc4"])
        if stalls == "none":
            assert result.interval_cycles <= design.interval_cycles
