import pytest
import torch
from cases.errors import refused

from hwgen.compress import Warp, warped
from hwgen.numeric import SpecError

NOTHING = {"move": 0, "turn": 0, "scale": 0, "shear": 0, "elastic": 0}
SIDE = 9


def images(n=20):
    torch.manual_seed(1)
    return torch.randint(0, 256, (n, SIDE * SIDE), dtype=torch.uint8)


def centre(x):
    """Mean row and column of the ink of each image, (n, 2)."""
    x = x.reshape(-1, SIDE, SIDE).double()
    at = torch.arange(SIDE).double()
    return torch.stack([(x.sum(2) * at).sum(1), (x.sum(1) * at).sum(1)], 1) / x.sum((1, 2))[:, None]


def blot():
    """A blot in the middle, 200 times."""
    x = torch.zeros(200, SIDE, SIDE, dtype=torch.uint8)
    x[:, 3:6, 3:6] = 200
    return x.flatten(1)


def test_without_distortion_images_stay():
    x = images()
    assert torch.equal(warped(x, SIDE, Warp(**NOTHING)), x)


def test_the_result_is_of_bytes_and_follows_from_the_seed():
    x = images()
    torch.manual_seed(3)
    one = warped(x, SIDE, Warp())
    torch.manual_seed(3)
    two = warped(x.float(), SIDE, Warp())
    assert one.dtype == torch.uint8
    assert one.shape == x.shape
    assert torch.equal(one, two)
    assert not torch.equal(one, warped(x, SIDE, Warp()))


def test_moves_are_at_most_what_is_asked():
    torch.manual_seed(0)
    moved = centre(warped(blot(), SIDE, Warp(**NOTHING | {"move": 2.0}))) - 4
    assert 1.8 < moved.abs().max() <= 2.01
    assert moved.mean().abs() < 0.25


@pytest.mark.parametrize("kind", ["turn", "scale", "shear"])
def test_the_middle_stays_under_the_other_maps(kind):
    torch.manual_seed(0)
    amount = {"turn": 45, "scale": 0.4, "shear": 0.5}[kind]
    x = blot()
    x[:, 2 * SIDE + 4] = 0
    changed = warped(x, SIDE, Warp(**NOTHING | {kind: amount}))
    assert (centre(changed) - 4).abs().max() < 0.05
    assert not torch.equal(changed, x)


def test_a_quarter_turn_is_the_transpose_of_a_mirror():
    x = torch.zeros(1, SIDE, SIDE)
    x[0, 4, 8] = 255  # right of the middle
    torch.manual_seed(0)
    hits = {tuple(divmod(int(warped(x.flatten(1), SIDE, Warp(**NOTHING | {"turn": 89.9})).argmax()),
                         SIDE)) for _ in range(300)}
    assert {(0, 4), (8, 4)} & hits
    assert all(abs((r - 4) ** 2 + (c - 4) ** 2 - 16) <= 5 for r, c in hits)


def test_elastic_moves_pixels_by_its_deviation():
    torch.manual_seed(0)
    moved = centre(warped(blot(), SIDE, Warp(**NOTHING | {"elastic": 0.5}))) - 4
    assert 0.2 < moved.std() < 0.6


def test_times_scales_every_amount():
    assert Warp(move=2, turn=10, scale=0.1, shear=0.2, elastic=1).times(0.5) == Warp(
        move=1.0, turn=5.0, scale=0.05, shear=0.1, elastic=0.5)


@pytest.mark.parametrize("value", [-1, 90, "1"])
def test_amounts_are_checked(value):
    with refused(SpecError, f"warp: turn must be in 0..90, not {value!r}"):
        Warp(turn=value)
