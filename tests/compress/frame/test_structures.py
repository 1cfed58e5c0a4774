"""Structured weights in the exported network: its file says what the run's account counts."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from cases.plain import Plain, PlainMaps, as_maps

from hwgen import golden
from hwgen.compress import Recipe, account_of, compress
from hwgen.compress.methods import (
    Circulant,
    Hashed,
    LowDisplacement,
    ProductQuantise,
    Prune,
    Quantise,
    Share,
    TensorTrain,
)
from hwgen.ir import Dense, Shared, laid_out, load, structures

QUANTISE = Quantise(weight_bits=6)
TRAIN = TensorTrain(modes_out={"fc1": [6, 4]}, modes_in={"fc1": [8, 8]}, rank=2)
REST = 24 * 24 + 24 * 10
"""Weights of the other layers of Plain, fc2 and fc3."""

PIECES = {"length": {"conv2": 5, "fc": 4}, "count": {"conv2": 4, "fc": 8}}


@pytest.mark.parametrize(("model", "steps", "kinds"), [
    (Plain, (Circulant(block={"fc1": 8}), QUANTISE), {"fc1": "placed"}),
    (PlainMaps, (QUANTISE, Circulant(block={"conv2": 4})), {"conv2": "placed"}),
    (Plain, (Hashed(share={"fc1": 0.1}), QUANTISE), {"fc1": "placed"}),
    (Plain, (TRAIN, QUANTISE),
     {"fc1_factor0": "placed", "fc1_factor1": "placed"}),
    (PlainMaps, (ProductQuantise(**PIECES), QUANTISE), {"conv2": "product", "fc": "product"}),
    (PlainMaps, (QUANTISE, ProductQuantise(**PIECES)), {"conv2": "product", "fc": "product"}),
    (Plain, (Circulant(block={"fc1": 8}), QUANTISE, Share(bits=2)), {"fc1": "placed"}),
    (Plain, (TRAIN, Prune(density={"fc1.factor1": 0.05}), QUANTISE), {"fc1_factor0": "placed"}),
], ids=["circulant", "circulant-maps", "hash", "tensor-train", "product", "product-behind",
        "circulant-share", "pruned"])
def test_a_file_gives_the_account_of_the_run(split, tmp_path, model, steps, kinds):
    torch.manual_seed(0)
    data = as_maps(split) if model is PlainMaps else split
    result = compress(model(), Recipe(steps), data)
    network = load(result.save(tmp_path))
    assert structures(network) == kinds
    assert account_of(network, parameters=result.account.parameters) == result.account
    assert all(entry.storage == kinds[entry.node] for entry in result.account.entries
               if entry.storage and entry.node in kinds)
    assert any(entry.bits < network.node(entry.node).weights.to_dense().size * 6
               for entry in result.account.entries if entry.node in kinds)

    plain = laid_out(network)
    is_shared = any(isinstance(step, Share) for step in steps)
    assert not structures(plain)
    assert all(type(plain.node(name).weights) is (Shared if is_shared else Dense)
               for name in kinds)
    x = np.moveaxis(data.x_test[:50], 1, -1)
    assert np.array_equal(golden.run(plain, x)[plain.scores],
                          golden.run(network, x)[network.scores])


@pytest.mark.parametrize(("steps", "bits"), [
    ((Circulant(block={"fc1": 8}, epochs=1), QUANTISE), 32 * (64 * 24 // 8 + REST)),
    ((Hashed(share={"fc1": 1e-3}, epochs=1), QUANTISE), 32 * (2 + REST)),
    ((replace(TRAIN, epochs=1), QUANTISE), 32 * (8 * 6 * 2 + 8 * 4 * 2 + REST)),
    ((LowDisplacement(rank={"fc1": 2}, epochs=1), QUANTISE), 32 * (2 * 2 * 64 + REST)),
    ((ProductQuantise(length={"fc1": 4}, count={"fc1": 8}, epochs=1), QUANTISE),
     3 * 24 * 16 + 32 * (8 * 64 + REST)),
    ((Circulant(block={"fc1": 8}), Prune(density={"fc1": 0.25}, epochs=1), QUANTISE),
     32 * (384 + REST) + 1536),
], ids=["circulant", "hash", "tensor-train", "low-displacement", "product", "pruned"])
def test_a_training_in_floats_shows_the_bits_of_what_is_stored(split, steps, bits):
    """Not of the entries that the numbers are set at, of which a chain has more than its layer."""
    torch.manual_seed(0)
    epochs = []
    compress(Plain(), Recipe(steps), split, progress=epochs.append)
    assert [epoch.bits for epoch in epochs] == [bits]
