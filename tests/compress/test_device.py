"""Trainings on another device than the CPU make no tensor on the CPU that meets one of there."""

from dataclasses import replace

import pytest
import torch
from cases.errors import refused
from cases.pretend import Pretended
from torch import nn

from hwgen.compress import METHODS, compress
from hwgen.compress.fitting import nearest
from hwgen.compress.methods import Quantise


def test_what_the_pretended_device_refuses():
    with Pretended():
        there, here = torch.ones(2, 2).to("cuda"), torch.ones(2, 2)
        assert there.device.type == "cuda"
        assert here.device.type == "cpu"
        assert (there @ there).cpu().device.type == "cpu"
        assert (torch.arange(2, device=there.device) + there).device.type == "cuda"
        with refused(RuntimeError, "add of tensors of cuda:0 and of the CPU"):
            there + here
        with refused(RuntimeError, "numpy of a tensor of cuda:0"):
            there.numpy()


def test_nearest_levels_are_where_the_values_are():
    values, bases = torch.tensor([[0.9, -0.2, 0.3]]).double(), torch.tensor([[0.5, 0.25]]).double()
    with Pretended():
        found = nearest(values.to("cuda"), bases.to("cuda"))
        assert found.device.type == "cuda"
        assert torch.equal(found.cpu(), nearest(values, bases))


def fields_of(kind):
    return {"abc-net": {"activation_bases": 2}, "admm": {"density": 0.5},
            "lq-nets": {"activations": "learned", "per_channel": True}}.get(kind, {})


@pytest.mark.parametrize("kind", ["ternary", "lq-nets", "alternating", "abc-net", "ttq", "admm"])
def test_a_step_trains_on_another_device_as_on_the_cpu(split, kind):
    small = replace(split, x_train=split.x_train[:40], y_train=split.y_train[:40],
                    x_test=split.x_test[:10], y_test=split.y_test[:10])
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 6), nn.ReLU(), nn.Linear(6, 10))
    steps = [METHODS[kind](epochs=1, batch=20, **fields_of(kind))]
    steps += [Quantise()] if kind == "admm" else []
    with Pretended():
        there = compress(model, steps, small, device="cuda")
    assert there.network.digest == compress(model, steps, small, device="cpu").network.digest
