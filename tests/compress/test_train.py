import math

import numpy as np
import pytest
import torch
from cases.errors import refused
from torch import nn

from hwgen.compress import (
    BatchNorm,
    BinaryLinear,
    CheckpointError,
    GradualPruning,
    QuantInput,
    QuantLinear,
    QuantReLU,
    Settings,
    Sign,
    Split,
    ThermometerInput,
    TrainingError,
    density,
    load_checkpoint,
    predict_integers,
    train,
)
from hwgen.numeric import SpecError

PRUNED = "1.weight"


@pytest.fixture(scope="module")
def split():
    """Three classes of 3x3 images: which row is bright."""
    rng = np.random.default_rng(1)
    y = rng.integers(0, 3, 200)
    x = rng.integers(0, 5, (200, 3, 3))
    x[np.arange(200), y] += 3
    x = x.reshape(200, 9)
    return Split(x[:150], y[:150], x[150:], y[150:], side=3)


def binary():
    torch.manual_seed(7)
    return nn.Sequential(ThermometerInput((2, 4, 6), bits=3), BinaryLinear(27, 16), BatchNorm(16),
                         Sign(), nn.Dropout(0.1), BinaryLinear(16, 3, bias=True, out_shift=2))


def fixed():
    torch.manual_seed(7)
    return nn.Sequential(QuantInput(bits=3, frac=3), QuantLinear(9, 8, bits=4, in_frac=3),
                         QuantReLU(bits=4, frac=3), QuantLinear(8, 3, bits=4, in_frac=3))


def pruning():
    return GradualPruning({PRUNED: 0.2}, begin=0, end=20, every=3)


def states_equal(one, other):
    one, other = one.state_dict(), other.state_dict()
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def settings(**changes):
    return Settings(**{"epochs": 4, "batch": 32, "shift": 0.3, "mix": 0.4, **changes})


@pytest.mark.parametrize("make", [binary, fixed])
def test_equal_settings_give_equal_weights(split, make):
    first, second = (train(make(), split, settings=settings()) for _ in range(2))
    assert states_equal(first, second)
    torch.manual_seed(12345)
    torch.rand(9)
    assert states_equal(first, train(make(), split, settings=settings()))
    assert not states_equal(first, train(make(), split, settings=settings(seed=1)))


def test_the_random_numbers_of_the_caller_are_left_alone(split):
    torch.manual_seed(3)
    module, expected = binary(), torch.get_rng_state()
    train(module, split, settings=settings(epochs=1))
    assert torch.equal(torch.get_rng_state(), expected)


def test_the_threads_of_the_caller_come_back(split):
    before, seen = torch.get_num_threads(), []
    torch.set_num_threads(2)
    try:
        train(binary(), split, settings=settings(epochs=1),
              progress=lambda epoch: seen.append(torch.get_num_threads()))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert seen == [1]


class InterruptionError(Exception):
    """What a user's Ctrl-C does here."""


@pytest.mark.parametrize("stop_after", [1, 3])
@pytest.mark.parametrize("make", [binary, fixed])
def test_resumed_equals_uninterrupted(split, tmp_path, make, stop_after):
    teacher = train(fixed(), split, settings=settings(epochs=1))
    path = tmp_path / "a.ckpt"

    def run(**options):
        return train(make(), split, settings=settings(), teacher=teacher, pruning=pruning(),
                     **options)

    def interrupt(epoch):
        if epoch.epoch == stop_after:
            raise InterruptionError

    with pytest.raises(InterruptionError):
        run(checkpoint=path, progress=interrupt)
    seen = []
    resumed = run(checkpoint=path, progress=lambda epoch: seen.append(epoch.epoch))
    assert seen == list(range(stop_after + 1, 5))
    assert states_equal(resumed, run())


def test_a_finished_training_is_only_loaded(split, tmp_path):
    path, seen = tmp_path / "a.ckpt", []
    first = train(binary(), split, settings=settings(), checkpoint=path)
    fresh = binary()
    again = train(fresh, split, settings=settings(), checkpoint=path, progress=seen.append)
    assert again is fresh
    assert not again.training
    assert seen == []
    assert states_equal(first, again)


@pytest.mark.parametrize("change", [
    {"settings": settings(seed=2)}, {"name": "other"}, {"pruning": pruning()},
])
def test_the_checkpoint_of_another_training_is_refused(split, tmp_path, change):
    path = tmp_path / "a.ckpt"
    given = {"settings": settings(), "name": "one", "checkpoint": path}
    train(binary(), split, **given)
    before, name = path.read_bytes(), change.get("name", "one")
    with refused(CheckpointError, f"checkpoint '{path}' must be of training '{name}' with these"
                                  f" settings, data and initial weights, not of another: delete it"
                                  f" or name another file"):
        train(binary(), split, **{**given, **change})
    assert path.read_bytes() == before


def test_the_checkpoint_of_other_weights_is_refused(split, tmp_path):
    path, module = tmp_path / "a.ckpt", binary()
    train(binary(), split, settings=settings(), checkpoint=path)
    module[1].weight.data[0, 0] += 0.5
    with pytest.raises(CheckpointError, match="must be of training"):
        train(module, split, settings=settings(), checkpoint=path)


def test_the_checkpoint_with_another_teacher_is_refused(split, tmp_path):
    path = tmp_path / "a.ckpt"
    train(binary(), split, settings=settings(), checkpoint=path, teacher=fixed().eval())
    other = fixed().eval()
    other[1].weight.data[0, 0] += 0.5
    with pytest.raises(CheckpointError, match="must be of training"):
        train(binary(), split, settings=settings(), checkpoint=path, teacher=other)


def test_the_checkpoint_of_other_data_is_refused(split, tmp_path):
    path = tmp_path / "a.ckpt"
    train(binary(), split, settings=settings(), checkpoint=path)
    other = Split(split.x_train, (split.y_train + 1) % 3, split.x_test, split.y_test, side=3)
    with pytest.raises(CheckpointError, match="must be of training"):
        train(binary(), other, settings=settings(), checkpoint=path)


class Poisoned(nn.Module):
    """Gives NaN from its n-th call on."""

    def __init__(self, good_calls):
        super().__init__()
        self.net, self.left = fixed(), good_calls

    def forward(self, x):
        self.left -= 1
        return self.net(x) * (math.nan if self.left < 0 else 1)


def test_a_loss_that_is_not_finite_stops_and_keeps_the_checkpoint(split, tmp_path):
    path = tmp_path / "a.ckpt"
    with refused(TrainingError, f"training 'bad': loss must be finite, not nan in epoch 3, step 2;"
                                f" the last good checkpoint is '{path}'. Try a smaller lr than"
                                f" 0.003"):
        train(Poisoned(11), split, settings=settings(), name="bad", checkpoint=path)
    assert load_checkpoint(path)["epochs"] == 2


def test_without_checkpoint_the_message_says_so(split):
    with refused(TrainingError, "training 'training': loss must be finite, not nan in epoch 1, step"
                                " 1; there is no checkpoint. Try a smaller lr than 0.003"):
        train(Poisoned(0), split, settings=settings())


def test_a_weight_that_is_not_finite_is_not_saved(split, tmp_path):
    path, module = tmp_path / "a.ckpt", fixed()

    def poison(epoch):
        module[1].bias.register_hook(lambda grad: grad * math.nan)

    with pytest.raises(TrainingError, match=r"^training 'bad': loss must be finite, not nan in"):
        train(module, split, settings=settings(), name="bad", checkpoint=path, progress=poison)
    assert load_checkpoint(path)["epochs"] == 1


def test_a_weight_that_is_not_finite_after_the_last_step_is_found(split):
    module = fixed()
    module[1].bias.register_hook(lambda grad: grad * math.nan)
    with refused(TrainingError, "training 'bad': '1.bias' must be finite, but it is not after epoch"
                                " 1; there is no checkpoint. Try a smaller lr than 0.003"):
        train(module, split, settings=settings(epochs=1, batch=150), name="bad")


def test_progress_tells_what_was_measured(split):
    seen, module = [], binary()
    train(module, split, settings=settings(epochs=60, lr=0.02, shift=0, mix=0), name="rows",
          progress=seen.append)
    assert [(e.name, e.epoch, e.epochs) for e in seen] == [("rows", k + 1, 60) for k in range(60)]
    assert seen[-1].loss < seen[0].loss / 2
    assert seen[-1].accuracy > max(0.9, seen[0].accuracy)
    scores = predict_integers(module, split.x_test)
    assert np.mean(scores.argmax(1) == split.y_test) > 0.9


def test_pruning_reaches_the_density_and_progress_shows_it(split):
    seen = []
    module = train(fixed(), split, settings=settings(), pruning=pruning(), progress=seen.append)
    assert torch.count_nonzero(module[1].weight) == int(0.2 * 72)
    assert seen[-1].density == density(module)
    assert seen[-1].density <= (int(0.2 * 72) + 24) / 96


def test_density_counts_integers():
    module = nn.Sequential(QuantLinear(2, 2, bits=4), nn.Linear(2, 1))
    module[0].weight.data = torch.tensor([[1e-9, 0.5], [0.0, -0.5]])
    module[1].weight.data = torch.tensor([[1e-9, 0.0]])
    assert density(module) == 3 / 6


def test_density_needs_a_matrix():
    with refused(SpecError, "density: module must have a weight matrix, not be a BatchNorm"):
        density(BatchNorm(4))


def test_a_teacher_moves_the_result(split):
    teacher = train(fixed(), split, settings=settings())
    alone, taught = (train(binary(), split, settings=settings(), teacher=t)
                     for t in (None, teacher))
    assert not states_equal(alone, taught)


def test_shift_needs_images(split):
    flat = Split(split.x_train, split.y_train, split.x_test, split.y_test)
    with refused(SpecError, "training 'flat': shift must be 0 for samples that are not images, not"
                            " 0.3"):
        train(fixed(), flat, settings=settings(), name="flat")


@pytest.mark.parametrize(("change", "message"), [
    ({"epochs": 0}, "settings: epochs must be at least 1, not 0"),
    ({"batch": 1}, "settings: batch must be at least 2, not 1"),
    ({"seed": -1}, "settings: seed must be in 0..2147483647, not -1"),
    ({"lr": -0.1}, "settings: lr must be in 0..1e+30, not -0.1"),
    ({"lr": math.nan}, "settings: lr must be in 0..1e+30, not nan"),
    ({"lr": 3e38}, "settings: lr must be in 0..1e+30, not 3e+38"),
    ({"weight_decay": math.inf}, "settings: weight_decay must be in 0..1e+30, not inf"),
    ({"alpha": 1.5}, "settings: alpha must be in 0..1, not 1.5"),
    ({"temperature": 0}, "settings: temperature must be in 0.001..inf, not 0"),
    ({"shift": "a"}, "settings: shift must be in 0..1, not 'a'"),
])
def test_settings_are_checked(change, message):
    with refused(SpecError, message):
        Settings(**{"epochs": 1, **change})
