import copy

import pytest
import torch
from cases.errors import refused
from cases.plain import Plain, PlainMaps, as_maps
from torch import nn

from hwgen.compress import Recipe, Settings, compress, train
from hwgen.compress.frame.prepare import prepared
from hwgen.compress.methods import (
    METHODS,
    Attention,
    Distil,
    Hints,
    Prune,
    PruneFilters,
    Quantise,
    Train,
)
from hwgen.compress.methods.lessons import (
    AttentionMaps,
    HintLayers,
    Regressor,
    attention,
    listening,
)
from hwgen.numeric import SpecError


def pair():
    torch.manual_seed(0)
    student = nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 2))
    return student, copy.deepcopy(student).eval()


def hint(teacher, **changes):
    options = {"first": 0.0, "sample": torch.rand(1, 3), "generator": torch.Generator()}
    return HintLayers(teacher, ["0"], 3.0, **options | changes)


def test_hints_are_half_the_mean_square_behind_the_regressor():
    student, teacher = pair()
    hook = hint(teacher)
    hook.begin(student, 10)
    student.train()
    regressor = student[0].hint
    assert regressor is hook.regressors["0"]
    with torch.no_grad():
        student[0].weight += 1.0
        regressor.matrix.copy_(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
        regressor.offset.copy_(torch.tensor([5.0, 6.0]))
    x = torch.rand(7, 3)
    student(x)
    guessed = student[0](x) @ regressor.matrix.T + regressor.offset
    wanted = 3.0 * (teacher[0](x) - guessed).square().mean() / 2
    student(x)
    assert torch.allclose(hook.penalty(student, 0), wanted)
    hook.penalty(student, 0).backward()
    assert regressor.matrix.grad.abs().sum() > 0
    assert student[2].weight.grad is None
    assert teacher[0].weight.grad is None
    hook.end(student)
    assert [name for name, _ in student.named_children()] == ["0", "1", "2"]
    assert not list(student[0].children())
    assert not any(each._forward_hooks for each in (*student.modules(), *teacher.modules()))
    hook.begin(student, 10)
    assert student[0].hint is regressor       # goes on in the next training
    hook.end(student)


def test_two_stages_are_hints_alone_and_then_none():
    student, teacher = pair()
    hook = hint(teacher, first=0.3)
    hook.begin(student.train(), 10)
    student(torch.rand(4, 3))
    for step in range(10):
        hook.before(student, step)
        assert (hook.loss(None, None, None) is None) == (step >= 3)
        assert hook.penalty(student, step) is None
    hook.end(student)


def test_a_regressor_of_other_shapes():
    regressor = Regressor((4, 6, 5), (8, 4, 5), torch.Generator())
    assert regressor(torch.rand(2, 4, 6, 5)).shape == (2, 8, 4, 5)
    assert Regressor((4,), (7,), torch.Generator())(torch.rand(2, 4)).shape == (2, 7)
    x = torch.rand(2, 4, 3, 3)
    assert torch.equal(Regressor((4, 3, 3), (4, 3, 3), torch.Generator())(x), x)
    with refused(SpecError, "hints: the student's features must be of as many axes as the teacher's"
                            " and its maps no smaller, not (4, 3, 3) for (4, 4, 3)"):
        Regressor((4, 3, 3), (4, 4, 3), torch.Generator())


def test_attention_is_the_normalised_sum_of_squares_over_channels():
    features = torch.tensor([[[[1.0, 2.0]], [[2.0, 4.0]]]])     # squares 5 and 20 at two places
    assert torch.allclose(attention(features), torch.tensor([[5.0, 20.0]]) / 425 ** 0.5)
    assert torch.allclose(attention(-7 * features), attention(features))
    torch.manual_seed(0)
    student = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU())
    teacher = copy.deepcopy(student).eval()
    with torch.no_grad():
        student[0].weight += torch.rand(2, 1, 1, 1)
    hook = AttentionMaps("attention", teacher, ["0"], 8.0)
    hook.begin(student.train(), 1)
    x = torch.randn(5, 1, 3, 3)
    student(x)
    wanted = 4.0 * (attention(student[0](x)) - attention(teacher[0](x))).square().mean()
    assert torch.allclose(hook.penalty(student, 0), wanted)
    hook.end(student)


@pytest.mark.parametrize(("model", "shape", "steps"), [
    (Plain, lambda split: split, (Distil(), Hints(layers=["relu"]), Prune(density=0.2, epochs=2))),
    (PlainMaps, as_maps, (Hints(layers=["relu"], first=0.5), Attention(layers=["relu", "relu_1"]),
                          METHODS["twn"](epochs=2, lr=5e-3))),
])
def test_lessons_go_with_every_later_training(split, model, shape, steps):
    torch.manual_seed(0)
    steps = (Train(epochs=2, lr=0.01), *steps)
    if steps[-1].kind == "prune":
        steps = (*steps, Quantise(epochs=1))
    result = compress(model(), Recipe(steps, name="taught"), shape(split))
    assert result.accuracy["torch"] == result.accuracy["golden"] > 20
    assert not any("hint" in name for name, _ in result.module.named_modules())


def test_hints_go_on_where_neurons_are_removed(split):
    torch.manual_seed(0)
    result = compress(nn.Sequential(nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 10)), Recipe((
        Train(epochs=2, lr=0.01), Hints(layers=["1"]),
        PruneFilters(density=0.5, rounds=2, epochs=1, lr=0.01), Quantise(epochs=1))), split)
    assert result.notes["prune-filters"] == {"outputs": {"0": 12, "2": 10}}
    assert result.accuracy["golden"] > 60


def test_hints_alone_bring_the_hidden_layer_nearer_and_leave_what_is_behind(split, plain):
    teacher = prepared(plain, split).eval()
    student = copy.deepcopy(teacher)
    with torch.no_grad():
        student.fc1.weight += 0.1 * torch.randn(24, 64)
    behind, x = student.fc3.weight.clone(), torch.tensor(split.x_test).float()

    def distance():
        with torch.no_grad(), listening(student, ["relu"], "") as mine, \
                listening(teacher, ["relu"], "") as wanted:
            student.eval()(x), teacher(x)
            return float((mine["relu"] - wanted["relu"]).square().mean())

    before = distance()
    hook = HintLayers(teacher, ["relu"], 1.0, first=1.0, sample=x[:1], generator=None)
    train(student, split, settings=Settings(epochs=2), hooks=(hook,))
    assert distance() < before / 2
    assert torch.equal(student.fc3.weight, behind)


@pytest.mark.parametrize(("step", "message"), [
    (Hints(layers=["fc9"]), "step 1 'hints': layers must be of ['fc1', 'relu', 'fc2', 'add',"
     " 'relu_1', 'fc3', 'pixels'], not 'fc9'"),
    (Attention(layers=["relu"]), "step 1 'attention': layer 'relu' must give maps, (c, h, w), not"
     " (24,)"),
])
def test_layers_that_teach_nothing_are_refused(split, plain, step, message):
    with refused(SpecError, f"recipe 'recipe': {message}"):
        compress(plain, Recipe((step, Quantise())), split)


def test_not_behind_quantise(split, plain):
    with refused(SpecError, "recipe 'recipe': step 2 'hints': must not come after step 1"
                            " 'quantise', which makes all numbers integers: the teacher would be no"
                            " better than the student: hints first"):
        compress(plain, Recipe((Quantise(), Hints(layers=["relu"]))), split)


@pytest.mark.parametrize("layers", ["relu", [], [3]])
def test_layers_are_names(layers):
    with refused(SpecError, f"hints: layers must be a list of names, not {layers!r}"):
        Hints(layers=layers)
