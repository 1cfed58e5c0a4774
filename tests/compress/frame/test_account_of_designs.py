"""The account against the memories of the design that the planner makes of the network."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from cases.plain import PlainMaps, as_maps
from torch import nn

from hwgen.compress import account_of, compress
from hwgen.compress.methods import METHODS
from hwgen.flow import api
from hwgen.ir import load

LONG = 1 << 20
"""Cycles between frames for which one element, or one product a cycle, is enough."""

NETWORKS = Path(__file__).resolve().parents[3] / "networks"

QUANTISE = ("quantise", {})

SAME = {
    "plain": [QUANTISE],
    "few bits": [("quantise", {"weight_bits": 4, "activation_bits": 4})],
    "sparse": [("prune", {"density": 0.1}), QUANTISE],
    "sparse, few values": [("prune", {"density": 0.25}), ("quantise", {"weight_bits": 3})],
    "groups of places": [("prune-nm", {}), QUANTISE],
    "codebook": [QUANTISE, ("share", {"bits": 2})],
    "zero points": [("integer-only", {"weights": "channel"})],
    "low rank": [("low-rank", {"rank": {"2": 4}}), QUANTISE],
    "signs": [("binary", {})],
    "signs, 8-bit activations": [("binary", {"activation_bits": 8})],
    "ternary": [("twn", {})],
    "ternary, factors": [("ttq", {})],
    "dorefa": [("dorefa", {})],
    "learned levels": [("lq-nets", {})],
    "three bases": [("abc-net", {})],
    "bases of activations": [("abc-net", {"activation_bases": 2})],
    "levels of each output": [("lq-nets", {"activations": "learned", "per_channel": True})],
    "residual signs": [("rebnet", {})],
    "powers": [("powers", {})],
    "sums of powers": [("shiftcnn", {})],
    "powers, activations too": [("log-net", {})],
}
"""What is stored as the cores store it; by name, the steps of a recipe."""


def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 12), nn.ReLU(),
                         nn.Linear(12, 10))


def compressed(split, steps, module=None):
    """The result of steps that train nothing, or one epoch where they must."""
    few = replace(split, x_train=split.x_train[:60], y_train=split.y_train[:60],
                  x_test=split.x_test[:10], y_test=split.y_test[:10])
    made = []
    for name, options in steps:
        fields = METHODS[name].__dataclass_fields__
        made.append(METHODS[name](**({"epochs": 0} if "epochs" in fields else {}) | options))
    return compress(module or model(), made, few)


def stored(network, **choices):
    """Bits of all memories of constants of the design that is planned."""
    design = api.plan(network, interval_cycles=LONG, **choices)
    return sum(sum(stage.memory_bits.values()) for stage in design.stages)


@pytest.mark.parametrize("name", SAME)
def test_the_account_is_what_the_memories_hold(split, name):
    result = compressed(split, SAME[name])
    assert result.account.bits == stored(result.network)


def test_layers_of_a_convolution_are_what_the_memories_hold(split):
    """A sparse convolution is stored with its zeros, which the sparse core takes of vectors."""
    result = compressed(as_maps(split), [("prune", {"density": 0.2}), QUANTISE], PlainMaps())
    assert result.account.bits == stored(result.network)
    assert result.account.to_dict()["storage"] == {
        "conv1": "plain", "conv2": "plain", "fc": "columns"}


@pytest.mark.parametrize(("steps", "kind"), [
    ([("circulant", {"block": {"2": 4}}), QUANTISE], "placed"),
    ([("hash", {}), QUANTISE], "placed"),
    ([("product-quantise", {"length": {"0": 4}, "count": {"0": 8}}), QUANTISE], "product"),
    ([("tensor-train", {"modes_out": {"0": [4, 4]}, "modes_in": {"0": [8, 8]}, "rank": 2}),
      QUANTISE], "placed"),
    ([("prune", {"density": 0.1}), QUANTISE, ("code", {})], "huffman"),
    ([("binary", {}), ("code", {"storage": "gaps"})], "gaps")],
    ids=["circulant", "hash", "product", "placed", "Huffman", "signs as gaps"])
def test_a_storage_of_its_own_has_the_bits_of_the_memories_beside(split, steps, kind):
    account = (result := compressed(split, steps)).account
    assert kind in account.to_dict()["storage"].values()
    assert account.bits != account.memory_bits == stored(result.network)
    found = result.to_dict()
    assert found["memory_bits"] == sum(found["memory_by_part"].values()) == account.memory_bits
    assert set(found["memory_storage"].values()) <= {"plain", "columns", "places", "planes"}
    assert result.network.meta["compression"]["memory_bits"] == account.memory_bits


@pytest.mark.parametrize("storage", ["columns", "huffman"])
def test_elements_are_held_as_the_core_that_is_told_so_holds_them(split, storage):
    code = ("code", {"storage": storage, "pe": {"*": 4}, "index_bits": 2})
    result = compressed(split, [("prune", {"density": 0.2}),
                                ("quantise", {"weight_bits": 3}), code])
    told = {"core": "sparse", "pe": 4, "index": "relative", "index_bits": 2, "values": "codes"}
    account = result.account
    cores = dict.fromkeys(account.to_dict()["storage"], told)
    assert account.memory_bits == stored(result.network, cores=cores, balance=False)
    assert (account.bits == account.memory_bits) == (storage == "columns")


@pytest.mark.parametrize("name", ["mnist-cnn-w8a8", "mnist-tfc-w1a1", "mnist-up5k-w1a2"])
def test_a_trained_network_is_what_the_memories_hold(name):
    network = load(NETWORKS / f"{name}.hwgen")
    account = account_of(network)
    assert account.entries == account.held
    assert account.bits == stored(network)
