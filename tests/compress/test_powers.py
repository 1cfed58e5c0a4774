"""Weights without products against the rules of their papers, on plain numbers."""

import numpy as np
import pytest
import torch
from cases.errors import refused

from hwgen.compress import IntegerLinear, PowerWeights, SharedWeights, ShiftSumWeights, adopt
from hwgen.compress.powers import nearest_power
from hwgen.ir import PowerSums, Shared
from hwgen.numeric import Codebook, Fixed, PowerOfTwo, SpecError


def inq(weights, bits):
    """Equation 4 of INQ, by its set P and its neighbours; in units of the least power."""
    s = np.abs(weights).max()
    n1 = int(np.floor(np.log2(4 * s / 3)))
    n2 = n1 + 1 - 2**(bits - 1) // 2
    powers = [0.0] + [2.0**k for k in range(n2, n1 + 1)]
    found = np.zeros_like(weights)
    for place, w in np.ndenumerate(weights):
        for alpha, beta in zip(powers, powers[1:], strict=False):
            if (alpha + beta) / 2 <= abs(w) < 3 * beta / 2:
                found[place] = np.sign(w) * beta
    return found * 2.0**-n2, n2


def shift_cnn(weight, terms, bits):
    """Algorithm 1 of ShiftCNN with its codebooks; in units of the least power."""
    rest, total, half = weight, 0.0, (2**bits - 1) // 2
    for n in range(1, terms + 1):
        positive = [2.0**k for k in range(-n - half + 2, -n + 2)]
        book = [0.0, *positive, *(-p for p in positive)]
        nearest = min(book, key=lambda c: (abs(rest - c), -abs(c)))
        rest, total = rest - nearest, total + nearest
    return total * 2.0**(terms + half - 2)


@pytest.mark.parametrize("bits", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("scale", [1.0, 0.7, 0.11, 5.0])
def test_powers_are_those_of_inq(rng, bits, scale):
    weights = np.float32(rng.normal(size=(20, 30)) * scale)
    layer = IntegerLinear(30, 20, PowerWeights(bits))
    layer.weight.data = torch.from_numpy(weights)
    layer.quantiser.start(layer.weight)
    expected, n2 = inq(weights.astype(float), bits)
    assert np.array_equal(layer.integer_weight().detach().numpy(), expected)
    assert layer.quantiser.lowest == n2
    assert layer.format == PowerOfTwo(2**(bits - 2))
    assert layer.format.bits == bits
    matrix = layer.matrix()
    assert isinstance(matrix, PowerSums)
    assert np.array_equal(matrix.to_dense(), expected)
    assert matrix.stored_bits == bits * weights.size


def test_ties_and_ends_of_powers():
    x = torch.tensor([0.0, 0.24, 0.25, 0.74, 0.75, 1.4, 1.5, 2.9, 3.0, 99.0])
    wanted = [0, 0, 0.5, 0.5, 1, 1, 2, 2, 4, 4]
    for dtype in (torch.float32, torch.float64):
        assert nearest_power(x.to(dtype), -1, 4).tolist() == wanted
        assert nearest_power(-x.to(dtype), -1, 4).tolist() == [-w for w in wanted]


def test_powers_keep_the_top_they_began_with():
    layer = IntegerLinear(3, 1, PowerWeights(4))
    adopt(torch.nn.ModuleDict({"fc": layer}),
          torch.nn.ModuleDict({"fc": linear([[8.0, -1.0, 0.2]])}))
    assert int(layer.quantiser.top) == 0
    assert layer.integer_weight().tolist() == [[8, -1, 0]]
    layer.weight.data = torch.tensor([[9.0, -0.3, 0.01]])
    layer.constrain()
    assert layer.weight[0, 0] == 1.5
    assert layer.integer_weight().tolist() == [[8, -2, 0]]


def linear(weights):
    layer = torch.nn.Linear(len(weights[0]), len(weights))
    layer.weight.data = torch.tensor(weights)
    return layer


@pytest.mark.parametrize(("terms", "bits"), [(1, 4), (2, 4), (2, 2), (3, 3), (4, 5)])
def test_sums_are_those_of_shift_cnn(rng, terms, bits):
    weights = np.float32(rng.uniform(-1, 1, (12, 25)))
    weights[0, :4] = 1, -1, 0.75, 0
    layer = IntegerLinear(25, 12, ShiftSumWeights(terms, bits))
    layer.weight.data = torch.from_numpy(weights)
    expected = np.array([[shift_cnn(float(w), terms, bits) for w in row] for row in weights])
    assert np.array_equal(layer.integer_weight().detach().numpy(), expected)
    matrix = layer.matrix()
    assert matrix.codes.shape == (terms, 12, 25)
    assert np.array_equal(matrix.to_dense(), expected)
    assert matrix.format == layer.format
    assert matrix.term_format.bits == bits
    real = matrix.to_dense() * 2.0**-layer.quantiser.frac
    assert np.abs(real - weights).max() <= 2.0**-terms


def test_a_second_term_lessens_the_error(rng):
    weights = torch.from_numpy(np.float32(rng.uniform(-1, 1, (30, 30))))
    errors = []
    for terms in (1, 2, 3):
        kind = ShiftSumWeights(terms, 4)
        errors.append(float((kind.integers(weights) * 2.0**-kind.frac - weights).abs().mean()))
    assert errors[1] < errors[0] / 4
    assert errors[2] < errors[1] / 2


def test_two_terms_of_four_bits_have_their_format():
    assert ShiftSumWeights(2, 4).format(None) == Fixed.covering(-192, 192)
    assert ShiftSumWeights(1, 4).format(None) == PowerOfTwo(7)


def test_centroids_are_where_k_means_stands_still(rng):
    weights = np.float32(rng.normal(size=(30, 40)) * 0.3).clip(-1, 1)
    layer = IntegerLinear(40, 30, SharedWeights(3, centroid_bits=10))
    layer.weight.data = torch.from_numpy(weights)
    layer.quantiser.start(layer.weight)
    for _ in range(200):
        layer.quantiser.fit(layer.weight)
    centroids = layer.quantiser.centroids.double().numpy()
    assert (np.diff(centroids) > 0).all()
    assert 0 in centroids
    index = np.abs(weights[..., None] - centroids).argmin(axis=-1)
    for k, centroid in enumerate(centroids):
        if centroid:
            assert centroid == pytest.approx(weights[index == k].mean(), abs=1e-4)
    integers = np.rint(centroids * 512)
    assert np.array_equal(layer.integer_weight().detach().numpy(), integers[index])
    matrix = layer.matrix()
    assert isinstance(matrix, Shared)
    assert np.array_equal(matrix.to_dense(), integers[index])
    assert layer.format == Codebook(tuple(integers.astype(int).tolist()))
    assert matrix.stored_bits == 3 * 1200 + 8 * matrix.format.max.bit_length() + 8


def test_centroids_follow_the_weights_in_training():
    layer = IntegerLinear(4, 1, SharedWeights(1, centroid_bits=5, with_zero=False))
    layer.weight.data = torch.tensor([[0.25, 0.25, -0.5, -0.5]])
    layer.quantiser.start(layer.weight)
    assert layer.integer_weight().tolist() == [[4, 4, -8, -8]]
    layer.weight.data = torch.tensor([[0.25, 0.5, -0.5, -0.75]])
    layer.train()(torch.ones(1, 4))
    assert layer.integer_weight().tolist() == [[6, 6, -10, -10]]
    layer.eval()
    layer.weight.data[0, 0] = 1.0
    layer(torch.ones(1, 4))
    assert layer.integer_weight().tolist() == [[6, 6, -10, -10]]


def test_centroids_that_round_to_one_are_one():
    layer = IntegerLinear(3, 1, SharedWeights(4, centroid_bits=2))
    layer.weight.data = torch.tensor([[-1.0, 0.1, 0.9]])
    layer.quantiser.start(layer.weight)
    assert layer.matrix().centroids.tolist() == [-2, 0, 1]
    layer.weight.data[:] = 0
    layer.quantiser.start(layer.weight)
    assert layer.matrix().centroids.tolist() == [0]


@pytest.mark.parametrize(("kind", "unit"), [
    (PowerWeights(5), 256), (ShiftSumWeights(2, 4), 128), (SharedWeights(2), 128)])
def test_the_gradient_passes_the_rounding(kind, unit):
    layer = IntegerLinear(2, 1, kind)
    layer.weight.data = torch.tensor([[0.4, -0.3]])
    kind.start(layer.weight)        # the unit is that of these weights, not of those drawn before
    layer(torch.tensor([[2.0, 3.0]])).sum().backward()
    assert layer.weight.grad.tolist() == [[2.0 * unit, 3.0 * unit]]


@pytest.mark.parametrize(("make", "message"), [
    (lambda: PowerWeights(1), "PowerWeights: bits must be in 2..6, not 1"),
    (lambda: ShiftSumWeights(0), "ShiftSumWeights: terms must be in 1..4, not 0"),
    (lambda: ShiftSumWeights(2, 6), "ShiftSumWeights: bits must be in 2..5, not 6"),
    (lambda: SharedWeights(9), "SharedWeights: bits must be in 1..8, not 9"),
    (lambda: SharedWeights(4, centroid_bits=1),
     "SharedWeights: centroid_bits must be in 2..16, not 1"),
])
def test_wrong_amounts_are_refused(make, message):
    with refused(SpecError, message):
        make()
