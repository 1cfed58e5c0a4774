import numpy as np
import pytest
import torch
from cases.errors import refused
from cases.plain import Plain, PlainMaps, as_maps
from scipy.linalg import hadamard as hadamard_of_scipy

from hwgen.compress import Recipe, account_of, compress
from hwgen.compress.methods import Fastfood, LowDisplacement, Quantise, TensorTrain, Train
from hwgen.compress.methods.fastfood import (
    circulant_of,
    fastfood_parts,
    fit_chain,
    hadamard,
    toeplitz_parts,
)
from hwgen.compress.methods.placed import placed_chain
from hwgen.ir import load, structures
from hwgen.numeric import SpecError


def seeded():
    return torch.Generator().manual_seed(5)


def matrix_of(part):
    numbers, places, signs = part
    values = torch.where(places >= 0, numbers[places], 0.0)
    return (values if signs is None else values * signs).double()


def test_hadamard_is_that_of_scipy():
    for n in (1, 2, 8):
        assert np.array_equal(hadamard(n).numpy(), hadamard_of_scipy(n))


def test_the_factors_are_those_of_the_equation():
    parts = fastfood_parts(8, 8, seeded())
    b, g, s = (torch.diag(part[0]).double() for part in parts)
    h, order = hadamard(8).double(), torch.randperm(8, generator=seeded())
    p = torch.eye(8, dtype=torch.float64)[order]
    assert torch.allclose(matrix_of(parts[2]) @ matrix_of(parts[1]) @ matrix_of(parts[0]),
                          s @ h @ g @ p @ h @ b)


def test_sizes_that_are_no_power_of_two_are_a_corner():
    parts = fastfood_parts(3, 5, seeded())
    assert [len(numbers) for numbers, _, _ in parts] == [5, 8, 3]
    assert [tuple(places.shape) for _, places, _ in parts] == [(8, 5), (3, 8), (3, 3)]


@pytest.mark.parametrize("f", [1, -1])
def test_an_f_circulant_matrix_is_a_polynomial_of_the_shift(f):
    places, signs = circulant_of(5, f)
    v = np.arange(1.0, 6.0)
    shift = np.eye(5, k=-1)
    shift[0, -1] = f
    wanted = sum(v[k] * np.linalg.matrix_power(shift, k) for k in range(5))
    assert np.array_equal(v[places] * signs.numpy(), wanted)


def test_displacement_has_the_rank():
    parts = toeplitz_parts(12, 12, 2, seeded())
    w = (matrix_of(parts[1]) @ matrix_of(parts[0])).numpy()
    ends = [np.eye(12, k=-1), np.eye(12, k=-1)]
    ends[0][0, -1], ends[1][0, -1] = 1, -1
    assert np.linalg.matrix_rank(w) == 12
    assert np.linalg.matrix_rank(ends[0] @ w - w @ ends[1], tol=1e-9) == 2


def test_a_toeplitz_matrix_is_found_again_nearly():
    torch.manual_seed(0)
    diagonals = torch.randn(15)
    weight = diagonals[torch.arange(8)[:, None] - torch.arange(8) + 7]
    chain = placed_chain(toeplitz_parts(8, 8, 2, seeded()), None)
    fit_chain(chain, weight, 1500)
    product = chain.factor1.weight @ chain.factor0.weight
    assert (product - weight).square().sum() < 0.02 * weight.square().sum()


@pytest.mark.parametrize(("step", "counts"), [
    (Fastfood(layers=["fc1"], epochs=1), {"fc1_factor0": 64, "fc1_factor1": 64, "fc1_factor2": 24}),
    (LowDisplacement(rank={"fc1": 2}, epochs=1), {"fc1_factor0": 128, "fc1_factor1": 128}),
])
def test_the_account_counts_the_numbers(split, step, counts, tmp_path):
    torch.manual_seed(0)
    result = compress(Plain(), Recipe((Train(epochs=1), step, Quantise(weight_bits=7))), split)
    entries = {(e.node, e.part): e for e in result.account.entries}
    for name, count in counts.items():
        assert (entries[name, "weights"].bits, entries[name, "weights"].storage) == (
            7 * count, "placed")
    network = load(result.save(tmp_path))
    assert structures(network) == dict.fromkeys(counts, "placed")
    assert account_of(network, parameters=result.account.parameters) == result.account


@pytest.mark.parametrize("step", [
    Fastfood(layers=["fc1"], epochs=1), LowDisplacement(rank={"fc1": 2}, epochs=1),
    TensorTrain(modes_out={"fc1": [4, 6]}, modes_in={"fc1": [8, 8]}, rank=3, epochs=1)],
    ids=lambda step: step.kind)
def test_a_training_that_is_done_is_taken_up_again(split, step, tmp_path):
    """Whatever torch's own generator was at: nothing of the factors comes from it."""
    def made(at):
        torch.manual_seed(0)
        model = Plain()
        torch.manual_seed(at)
        return compress(model, Recipe((step, Quantise())), split, folder=tmp_path).network

    assert made(1).digest == made(2).digest


def test_two_runs_begin_with_the_same_factors(split):
    def made():
        torch.manual_seed(0)
        return compress(Plain(), Recipe((Fastfood(layers=["fc2"]), Quantise())), split).network

    first, second = made(), made()
    for a, b in zip(first.nodes, second.nodes, strict=True):
        if hasattr(a, "weights"):
            assert np.array_equal(a.weights.to_dense(), b.weights.to_dense())


def test_what_does_not_fit_is_refused(split):
    with refused(SpecError, "recipe 'recipe': step 1 'fastfood': layer 'conv2' must be a Linear,"
                            " not Conv2d(4, 6, kernel_size=(3, 3), stride=(1, 1)): name those"
                            " layers alone"):
        compress(PlainMaps(), Recipe((Fastfood(layers=["conv2"]), Quantise())), as_maps(split))
    with refused(SpecError, "recipe 'recipe': step 1 'low-displacement': layer 'fc3' must get"
                            " smaller, but factors of rank 5 have 240 weights and it has 240: take"
                            " a lower rank, or 0 to leave it"):
        compress(Plain(), Recipe((LowDisplacement(rank={"fc3": 5}), Quantise())), split)
    with refused(SpecError, "fastfood: layers must be a list of names, not 'fc1'"):
        Fastfood(layers="fc1")
