import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from cases.errors import refused
from cases.interrupted import StoppedError, stopping
from cases.plain import Plain, PlainMaps, as_maps
from torch import nn

import hwgen
from hwgen.compress import (
    METHODS,
    Budget,
    BudgetError,
    CheckpointError,
    Recipe,
    TrainingError,
    compress,
    predict_integers,
)
from hwgen.compress.methods import Prune, Quantise, Train
from hwgen.ir import load
from hwgen.numeric import SpecError

RECIPE = Recipe((Train(epochs=4, lr=1e-2, batch=50),
                 Prune(density={"fc1": 0.2, "*": 0.4}, epochs=2, lr=3e-3),
                 Quantise(weight_bits={"fc1": 5, "*": 6}, activation_bits=6, epochs=1)),
                name="small", seed=5)
QUICK = Recipe((Quantise(),), name="quick")


def model():
    torch.manual_seed(3)
    return Plain()


@pytest.fixture(scope="module")
def made(split, tmp_path_factory):
    epochs, folder = [], tmp_path_factory.mktemp("run")
    return compress(model(), RECIPE, split, folder=folder, progress=epochs.append), epochs, folder


def test_the_result_is_exact_and_says_what_it_takes(made, split):
    result, epochs, _ = made
    assert result.accuracy["golden"] == result.accuracy["torch"] > 60
    assert result.accuracy["float"] > 75
    assert result.account.weights == 64 * 24 + 24 * 24 + 24 * 10
    assert result.account.nonzeros <= round(0.2 * 1536) + round(0.4 * 576) + round(0.4 * 240)
    assert result.account.float_bits == 32 * sum(p.numel() for p in model().parameters())
    assert result.network.meta["compression"]["bits"] == result.account.bits
    assert result.network.meta["accuracy"] == result.accuracy["golden"]
    scores = hwgen.run(result.network, split.x_test)
    assert np.array_equal(scores, predict_integers(result.module, split.x_test))
    assert [(e.name, e.epoch) for e in epochs] == [
        *(("small-1-train", k) for k in (1, 2, 3, 4)), ("small-2-prune", 1), ("small-2-prune", 2),
        ("small-3-quantise", 1)]
    assert [e.bits for e in epochs] == sorted((e.bits for e in epochs), reverse=True)
    assert epochs[0].bits == 32 * result.account.weights
    assert epochs[-1].bits == sum(bits for part, bits in result.account.by_part.items()
                                  if part != "bias")


def test_the_model_of_the_caller_is_left_alone(split):
    net = model()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    compress(net, QUICK, split)
    assert type(net) is Plain
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


@pytest.mark.parametrize("after", [2, 5])
def test_an_interrupted_run_goes_on_to_the_same_integers(made, split, tmp_path, after):
    seen = []

    def enough(epoch):
        seen.append(epoch)
        return len(seen) == after

    with pytest.raises(StoppedError):
        compress(model(), RECIPE, split, folder=tmp_path, progress=stopping(enough))
    torch.manual_seed(99)
    again = []
    result = compress(model(), RECIPE, split, folder=tmp_path, progress=again.append)
    assert len(again) == 7 - after
    assert result.network.digest == made[0].network.digest


def test_a_second_call_finds_all_trainings_done(made, split):
    epochs = []
    result = compress(model(), RECIPE, split, folder=made[2], progress=epochs.append)
    assert epochs == []
    assert result.network.digest == made[0].network.digest


def test_checkpoints_of_another_recipe_are_refused(made, split):
    steps = (replace(RECIPE.steps[0], lr=1e-3), *RECIPE.steps[1:])
    path = made[2] / "small-1-train.ckpt"
    with refused(CheckpointError, f"checkpoint '{path}' must be of training 'small-1-train' with"
                                  f" these settings, data and initial weights, not of another:"
                                  f" delete it or name another file. Or begin anew: --fresh"
                                  f" (fresh=True in Python) removes all checkpoints of recipe"
                                  f" 'small' first"):
        compress(model(), replace(RECIPE, steps=steps), split, folder=made[2])


def test_fresh_removes_what_is_of_the_recipe_alone(split, tmp_path):
    own = ("small-1-train", "small-2-prune", "small-12-lottery-3")
    others = ("small-1-2-train", "small-1-train-2-prune", "smaller-1-train", "small-train")
    for name in own + others:
        (tmp_path / f"{name}.ckpt").write_bytes(b"of another")
    steps = (Train(epochs=1), Quantise())
    with pytest.raises(SpecError, match="step 2 'quantise'"):    # nothing is removed yet
        compress(model(), Recipe((steps[0], Quantise(weight_bits={"fc9": 4})), name="small"),
                 split, folder=tmp_path, fresh=True)
    assert len(list(tmp_path.iterdir())) == len(own + others)
    made = hwgen.compress(model(), Recipe(steps, name="small"), split, folder=tmp_path, fresh=True)
    assert {path.stem for path in tmp_path.iterdir()} == {*others, "small-1-train"}
    again = compress(model(), Recipe(steps, name="small"), split, folder=tmp_path)
    assert again.network.digest == made.network.digest


def test_what_is_saved(made, tmp_path):
    path = made[0].save(tmp_path)
    assert path == tmp_path / "small.hwgen"
    assert load(path).digest == made[0].network.digest
    assert Recipe.load(tmp_path / "small.toml") == RECIPE
    report = json.loads((tmp_path / "small.json").read_text(encoding="utf-8"))
    assert (report["bits"], report["error"]) == (made[0].account.bits, made[0].error)


def test_maps_norms_and_a_file_as_recipe(split, tmp_path):
    maps = as_maps(split)
    recipe = Recipe((Train(epochs=2, lr=2e-2, batch=25), Prune(density={"fc": 0.5, "conv2": 0.5}),
                     Quantise(weight_bits=6, activation_bits=6)), name="maps")
    recipe.save(tmp_path / "r.toml")
    torch.manual_seed(0)
    result = hwgen.compress(PlainMaps(), tmp_path / "r.toml", maps)
    assert result.accuracy["golden"] > 60
    nodes = {node.name: node for node in result.network.nodes}
    assert nodes["fc"].weights.nonzeros <= 120
    assert nodes["conv1"].weights.nonzeros > 30


def test_a_budget_that_is_not_met_says_the_best(split):
    recipe = Recipe(QUICK.steps, name="quick", budget=Budget(bits=100, error=1.0))
    with pytest.raises(BudgetError) as caught:
        compress(model(), recipe, split)
    result = caught.value.result
    assert str(caught.value) == (
        f"recipe 'quick': budget must be met, at most 100 bits and an error of at most 1 %; the"
        f" best found has {result.account.bits:,} bits and an error of {result.error:g} %")
    loose = Recipe(QUICK.steps, budget=Budget(bits=10 ** 9, error=100.0))
    assert compress(model(), loose, split).account.bits == result.account.bits


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_checkpoint(split, tmp_path):
    recipe = Recipe((Train(epochs=1), Train(epochs=2, lr=1e30), Quantise()), name="bad")
    with pytest.raises(TrainingError, match=r"^training 'bad-2-train': .* must be finite.*"
                                            r"there is no checkpoint"):
        compress(model(), recipe, split, folder=tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["bad-1-train.ckpt"]


def test_numbers_that_are_not_finite_stop_a_training_whatever_fails_first(split):
    step = Quantise(steps="lsq", epochs=2, lr=1e30)
    with pytest.raises(TrainingError, match=r"^training 'recipe-1-quantise': '.*' must be finite,"
                                            r" but it is not in epoch \d, step \d+; there is no"):
        compress(model(), step, split)


@pytest.mark.parametrize(("net", "message"), [
    (nn.Linear(63, 10), "model must take samples of shape (64,), and does not: module '0': mat1"),
    (nn.Sequential(nn.Linear(64, 10), nn.BatchNorm2d(10)), "model must take samples of shape (64,),"
     " and does not: module '1': expected 4D input (got 2D input)"),
    (nn.Sequential(nn.Flatten(2), nn.Linear(64, 10)), "model must take samples of shape (64,), and"
     " does not: module '0': Dimension out of range"),
    (nn.LSTM(64, 10), "module '0': must return one tensor, not several as LSTM does"),
    (nn.Sequential(nn.LSTM(64, 10), nn.Linear(10, 10)), "module '0': must return one tensor, not"
     " several as LSTM does"),
    (nn.Linear(64, 9), "model must return scores (batch, 10), not (1, 9)"),
    (nn.ReLU(), "model must have a Linear or Conv2d, and has none"),
    (nn.Sequential(), "model must have layers, not be Sequential without any"),
    (nn.Sequential(nn.Linear(64, 10), nn.Softsign()), "recipe 'quick': step 1 'quantise':"
     " module '1': must be QuantInput, "),
])
def test_models_that_do_not_fit_are_refused(split, net, message):
    with pytest.raises(SpecError) as caught:
        compress(net, QUICK, split)
    assert str(caught.value).startswith(message)


def test_a_layer_that_is_refused_is_named_once_with_its_line(split):
    class Net(Plain):
        def forward(self, x):
            return self.fc3(self.act(self.fc1(x)))

    net = Net()
    net.fc3, net.act = nn.Linear(24, 10), nn.GELU()
    line = f"test_compress.py:{Net.forward.__code__.co_firstlineno + 1}"
    for kind, rest in (("quantise", "its place"), ("twn", "its place, or take 'quantise'")):
        with pytest.raises(SpecError) as caught:
            compress(net, [METHODS[kind]()], split)
        assert re.fullmatch(rf"recipe 'recipe': step 1 '{kind}': module 'act' \({line}\): must be"
                            rf" QuantInput, [^:]*, not GELU\(approximate='none'\): put one of"
                            rf" these in {rest}", str(caught.value))


def test_no_data():
    with refused(TypeError, "data must be a hwgen.compress.Split, not tuple"):
        compress(nn.Linear(64, 10), QUICK, ())


def test_inputs_below_zero(split):
    signed = replace(split, x_train=split.x_train - 8, x_test=split.x_test - 8)
    torch.manual_seed(0)
    network = compress(nn.Linear(64, 10), QUICK, signed).network
    assert (network.input.format.bits, network.input.format.frac,
            network.input.format.is_signed) == (5, 4, True)


def test_a_scaled_input_of_maps_is_exact(split):
    class Scaled(PlainMaps):
        def forward(self, x):
            return super().forward((x / 16 - 0.3) / 0.4)

    maps = as_maps(split)
    torch.manual_seed(0)
    result = compress(Scaled(), (Train(epochs=1, lr=1e-2, batch=25), Quantise()), maps)
    assert result.accuracy["golden"] > 40
    assert result.module.get_submodule("scale").zero_point == 5
