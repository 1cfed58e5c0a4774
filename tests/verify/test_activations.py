# amaranth: UnusedElaboratable=no
"""Every form of requantisation, tables and straight lines in one network, as emitted Verilog."""

import numpy as np
import pytest
import torch
from cases.targets import ECP5
from torch import nn

from hwgen import golden
from hwgen.compress import (
    DynamicQuantConv2d,
    DynamicQuantLinear,
    Flatten,
    QuantActivation,
    QuantInput,
    QuantLinear,
    QuantRescale,
    QuantSigmoid,
    QuantTanh,
    calibrate,
    export,
    predict_integers,
)
from hwgen.emit import write_artefact
from hwgen.ir import Piecewise, Requantise, Table
from hwgen.plan import plan
from hwgen.verify import simulate

pytestmark = pytest.mark.cosim


def trained():
    """Behind the input, a grouped convolution, a pool and matrices; with samples."""
    torch.manual_seed(3)
    module = nn.Sequential(
        QuantInput(bits=7, frac=5, signed=True),
        QuantActivation(6, rounding="half_even", slope_shift=1, zero_point=-7),
        DynamicQuantConv2d(2, 4, 3, groups=2, bits=5),
        QuantActivation(7, rounding="half_away", slope_shift=3),
        nn.MaxPool2d(2),
        QuantRescale(6, (0.7, -1.31, 0.0, 2.2), frac=4, signed=True, zero_point=-5),
        Flatten(),
        DynamicQuantLinear(16, 6, groups=3, bits=5),
        QuantActivation(6, signed=False, rounding="toward_zero", high=2.3, zero_point=13),
        QuantLinear(6, 5, bits=5),
        QuantTanh(8, frac=7, in_bits=8, in_frac=5),
        QuantLinear(5, 5, bits=5),
        QuantTanh(11, frac=10, in_bits=14, in_frac=11, segments=16),
        QuantLinear(5, 4, bits=5),
        QuantRescale(8, 37.3, frac=4, signed=True, rounding="half_even", multiplier_bits=12,
                     slope_shift=2, low=-3.2),
        QuantActivation(7, frac=4, rounding="floor"),
        QuantSigmoid(8, frac=8, in_bits=7, in_frac=4))
    with torch.no_grad():
        module[2].weight[:2] *= 0.1
        module[7].weight[2:4] *= 0.05
    x = np.random.default_rng(1).integers(-64, 64, (40, 2, 6, 6))
    module[2].weight.data *= 3
    x[0], x[1] = -64, 63
    return calibrate(module, x, rule="ristretto"), x


def test_emitted_verilog_gives_the_values_of_torch_and_golden(tmp_path):
    module, x = trained()
    network = export(module, x[:1], name="activations")
    nodes = [node for node in network.nodes if isinstance(node, Requantise)]
    assert {node.rounding for node in nodes} == {
        "half_up", "half_even", "half_away", "toward_zero", "floor", "doubling_high"}
    assert sum(len(set(node.shifts.tolist())) > 1 for node in nodes) == 3
    assert [node.zero_point for node in nodes if node.zero_point] == [-7, -5, 13]
    assert sum(isinstance(node, Table) for node in network.nodes) == 2
    assert sum(isinstance(node, Piecewise) for node in network.nodes) == 1
    maps = np.moveaxis(x, 1, -1)
    edges = golden.run(network, maps)
    scores = edges[network.scores]
    assert np.array_equal(scores, predict_integers(module, x))
    assert len(np.unique(scores, axis=0)) > 20
    design = plan(network, ECP5, interval_cycles=120)
    folder = write_artefact(design, tmp_path / "artefact")
    for stalls in ("none", "random"):
        result = simulate(folder, maps, stalls=stalls)
        assert np.array_equal(result.scores, scores)
        if stalls == "none":
            assert result.latency_cycles == design.latency_cycles
