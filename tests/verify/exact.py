"""From torch to Verilog: the scores of a small network are torch's own at every step."""

import numpy as np
import torch

from hwgen.compress import calibrate, export, predict_integers
from hwgen.emit import write_artefact
from hwgen.plan import plan
from hwgen.verify import simulate

FRAMES = 16


def check_every_score(module, shape, target, folder, *, name, interval_cycles, cores, seed):
    """Calibrate ``module`` on 5-bit images of ``shape``, carry it to Verilog and compare.

    ``cores`` are those that the stages must have. Scores, with and without stalls under both
    benches; interval and latency as planned.
    """
    torch.manual_seed(seed)
    module = module().eval()
    x = np.random.default_rng(0).integers(-16, 16, (FRAMES, *shape))
    x[0], x[1] = -16, 15
    calibrate(module, torch.from_numpy(x).float())
    check_network(export(module, x, name=name), module, x, target, folder,
                  interval_cycles=interval_cycles, cores=cores)


def check_network(network, module, x, target, folder, *, interval_cycles, cores):
    """The same of the ``network`` that ``module`` became, on :data:`FRAMES` images ``x``."""
    scores, pixels = predict_integers(module, x), np.moveaxis(x, 1, -1)
    assert len(np.unique(scores, axis=0)) > FRAMES / 2
    design = plan(network, target, interval_cycles=interval_cycles)
    assert [stage.core for stage in design.stages] == cores
    folder = write_artefact(design, folder / network.name)
    for bench, stalls in (("compiled", "none"), ("compiled", "both"), ("cocotb", "random")):
        result = simulate(folder, pixels, bench=bench, stalls=stalls, seed=1)
        assert np.array_equal(result.scores, scores)
        assert (result.compared, result.mismatched) == (scores.size + FRAMES, 0)
        if stalls == "none":
            assert result.interval_cycles == design.interval_cycles
            assert result.latency_cycles == design.latency_cycles
