import numpy as np
import pytest
import torch
from cases.errors import refused
from torch import nn

from hwgen.compress import GradualPruning, cubic_density
from hwgen.numeric import SpecError


def test_density_follows_the_cubic():
    # Zhu & Gupta: s_t = s_f + (s_i - s_f) (1 - (t - t0) / (n dt))^3 with s_i = 0, as densities.
    for step in range(0, 140):
        t = min(max((step - 20) / 100, 0), 1)
        sparsity = 0.9 + (0 - 0.9) * (1 - t) ** 3
        assert cubic_density(step, begin=20, end=120, final=0.1) == pytest.approx(1 - sparsity)
    assert cubic_density(20, begin=20, end=120, final=0.1) == 1
    assert cubic_density(120, begin=20, end=120, final=0.1) == pytest.approx(0.1)


def run(pruning, module, steps, change=None):
    pruning.attach(module)
    kept = []
    for step in range(steps):
        if change is not None:
            change(module)
        pruning.step(module, step)
        kept.append(int(torch.count_nonzero(module.weight)))
    return kept


def test_the_smallest_weights_go_first():
    module = nn.Linear(10, 1)
    module.weight.data = torch.tensor([[5.0, -9, 1, 7, -3, 2, -8, 4, 6, -10]])
    run(GradualPruning({"weight": 0.3}, begin=0, end=10, every=1), module, 11)
    assert module.weight.tolist() == [[0, -9, 0, 0, 0, 0, -8, 0, 0, -10]]


def test_masks_change_when_due_and_the_last_step_reaches_the_density():
    module = nn.Linear(100, 1)
    kept = run(GradualPruning({"weight": 0.25}, begin=2, end=9, every=3), module, 12)
    assert kept[:2] == [100, 100]
    expected = {2: 100, 5: int(100 * cubic_density(5, begin=2, end=9, final=0.25)),
                8: int(100 * cubic_density(8, begin=2, end=9, final=0.25)), 9: 25}
    assert {step: kept[step] for step in expected} == expected
    assert kept[3] == kept[4] == kept[2]
    assert kept[6] == kept[7] == kept[5]
    assert kept[9:] == [25, 25, 25]


def test_a_removed_weight_stays_removed(rng):
    module = nn.Linear(50, 2)
    removed = torch.zeros(2, 50, dtype=torch.bool)

    def grow(module):
        assert torch.all(module.weight[removed] == 0)
        with torch.no_grad():
            module.weight += torch.from_numpy(rng.normal(0, 5, (2, 50))).float()
            module.weight[removed] += 1000  # as a momentum would, before the masks come back

    pruning = GradualPruning({"weight": 0.1}, begin=0, end=20, every=2)
    pruning.attach(module)
    for step in range(30):
        removed = ~pruning.masks["weight"]
        if step:
            module.weight.data[removed] = 0
        grow(module)
        pruning.step(module, step)
        assert torch.all(module.weight[removed] == 0)
    assert int(pruning.masks["weight"].sum()) == 10


def test_only_named_parameters_are_pruned():
    module = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    pruning = GradualPruning({"1.weight": 0.25}, begin=0, end=1, every=1)
    pruning.attach(module)
    for step in range(2):
        pruning.step(module, step)
    assert [int(torch.count_nonzero(layer.weight)) for layer in module] == [16, 4]


def test_at_least_one_weight_is_left():
    module = nn.Linear(4, 1)
    run(GradualPruning({"weight": 0.01}, begin=0, end=1, every=1), module, 2)
    assert int(torch.count_nonzero(module.weight)) == 1


def test_the_masks_are_its_state():
    pruning = GradualPruning({"weight": 0.5}, begin=0, end=1, every=1)
    run(pruning, nn.Linear(4, 1), 2)
    other = GradualPruning({"weight": 0.5}, begin=0, end=1, every=1)
    other.load_state_dict(pruning.state_dict())
    assert np.array_equal(other.masks["weight"], pruning.masks["weight"])


@pytest.mark.parametrize(("arguments", "message"), [
    ({"densities": {}}, "pruning: densities must name at least one parameter, not {}"),
    ({"densities": {"w": 0}}, "pruning: density of 'w' must be in (0, 1], not 0"),
    ({"densities": {"w": 1.5}}, "pruning: density of 'w' must be in (0, 1], not 1.5"),
    ({"begin": -1}, "pruning: begin must be at least 0, not -1"),
    ({"end": 5}, "pruning: end must be at least 6, not 5"),
    ({"every": 0}, "pruning: every must be at least 1, not 0"),
])
def test_amounts_are_checked(arguments, message):
    given = {"densities": {"w": 0.5}, "begin": 5, "end": 9, "every": 1, **arguments}
    with refused(SpecError, message):
        GradualPruning(**given)


def test_unknown_parameters_are_refused():
    with refused(SpecError, "pruning: parameter must be one of ['bias', 'weight'], not 'w'"):
        GradualPruning({"w": 0.5}, begin=0, end=1).attach(nn.Linear(2, 2))
