"""Bits dealt out by noise: the closed form of the paper, and the least noise there is."""

import itertools
import math

import pytest
import torch
from cases.errors import refused
from cases.plain import Plain, PlainMaps, as_maps

from hwgen.compress import QuantLinear, QuantReLU, Recipe, compress
from hwgen.compress.frame.prepare import prepared
from hwgen.compress.methods import Sqnr, Train
from hwgen.compress.methods.sqnr import activation_noise, allocated, weight_noise
from hwgen.numeric import SpecError

SIZES = {"a": 100, "b": 1_600, "c": 25_600}


def test_widths_differ_as_the_paper_s_equation_says():
    """With 6.02 dB a bit, a layer of 16 times the weights gets 2 bits less."""
    kappa = 20 * math.log10(2)
    noise = dict.fromkeys(SIZES, {bits: 10 ** (-kappa * bits / 10) for bits in range(2, 17)})
    found = allocated(noise, SIZES, (10 * 100 + 8 * 1_600 + 6 * 25_600) / 27_300, 2, 16)
    assert found == {"a": 10, "b": 8, "c": 6}
    for i, j in itertools.pairwise(SIZES):
        assert found[i] - found[j] == pytest.approx(
            10 * math.log10(SIZES[j] / SIZES[i]) / kappa)


def test_no_other_widths_within_the_budget_have_less_noise():
    generator = torch.Generator().manual_seed(0)
    noise = {}
    for name in SIZES:
        first, factor = (0.5 + float(torch.rand(1, generator=generator)) for _ in range(2))
        noise[name] = {bits: first * (0.2 * factor) ** bits for bits in range(2, 7)}
    mean = (2 * 100 + 4 * 1_600 + 4 * 25_600) / 27_300
    found = allocated(noise, SIZES, mean, 2, 6)
    best = min((sum(noise[name][b] for name, b in zip(SIZES, bits, strict=True)), bits)
               for bits in itertools.product(range(2, 7), repeat=3)
               if sum(b * size for b, size in zip(bits, SIZES.values(), strict=True))
               <= mean * 27_300)
    assert tuple(found.values()) == best[1]


def test_noise_of_weights_is_measured_by_its_definition():
    layer = QuantLinear(4, 1, bits=8, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.9, -0.3, 0.1, 0.0]]))
    found = weight_noise(layer, (2, 3), "min_max")
    # Steps 1 and 1 / 2: 1.5 and 3.5 of them hold 0.9, of the next smaller ones they do not.
    assert found[2] == pytest.approx((0.1**2 + 0.3**2 + 0.1**2) / 0.91)
    assert found[3] == pytest.approx((0.1**2 + 0.2**2 + 0.1**2) / 0.91)


def test_noise_of_activations_is_that_of_their_twins(split):
    torch.manual_seed(0)
    model, x = prepared(Plain(), split).eval(), split.x_train[:50]
    found, sizes = activation_noise(model, x, (2, 5), "min_max")
    assert sizes == {"relu": 24, "relu_1": 24}
    with torch.no_grad():
        a = torch.relu(model.fc1(model.pixels(torch.tensor(x).float())))
        relu = QuantReLU(bits=5)
        relu.calibrate(a, "min_max")
        wanted = float((relu(a) - a).square().sum() / a.square().sum())
    assert found["relu"][5] == pytest.approx(wanted, rel=0.02)
    assert found["relu"][2] > 10 * found["relu"][5]


def test_a_recipe_deals_out_bits_of_weights_and_activations(split):
    torch.manual_seed(0)
    step = Sqnr(mean_bits=4.4, mean_activation_bits=5.0, most=7, epochs=1)
    result = compress(Plain(), Recipe((Train(epochs=3, lr=1e-2), step), name="s"), split)
    notes = result.notes["quantise-sqnr"]
    layers = {name: getattr(result.module, name) for name in ("fc1", "fc2", "fc3")}
    assert notes["weight_bits"] == {name: layer.bits for name, layer in layers.items()}
    assert sum(layer.bits * layer.weight.numel() for layer in layers.values()) <= 4.4 * 2_352
    assert layers["fc1"].bits < layers["fc3"].bits      # 1,536 weights and 240
    assert sum(notes["activation_bits"].values()) <= 2 * 5
    assert result.module.relu.bits == notes["activation_bits"]["relu"]


def test_norms_are_folded_before_their_noise_is_measured(split):
    torch.manual_seed(0)
    result = compress(PlainMaps(), Recipe((Sqnr(activation_bits=6),), name="m"), as_maps(split))
    assert result.module.conv1.bits == result.notes["quantise-sqnr"]["weight_bits"]["conv1"]
    assert set(result.notes["quantise-sqnr"]["activation_bits"].values()) == {6}


@pytest.mark.parametrize(("fields", "reason"), [
    ({"mean_bits": 1}, "quantise-sqnr: mean_bits must be at least 2 and at most 8, not 1"),
    ({"least": 1}, "quantise-sqnr: least must be in 2..16, not 1"),
    ({"least": 5, "most": 4}, "quantise-sqnr: most must be in 5..16, not 4"),
    ({"mean_activation_bits": 9}, "quantise-sqnr: mean_activation_bits must be at least 2 and at"
                                  " most 8, not 9"),
    ({"rule": "none"}, "quantise: rule must be one of ['least_squares', 'min_max', 'percentile',"
                       " 'ristretto'], not 'none'")])
def test_fields_that_are_none(fields, reason):
    with refused(SpecError, reason):
        Sqnr(**fields)
