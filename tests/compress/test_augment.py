import torch

from hwgen.compress.augment import mixed, shifted


def images(n):
    return torch.arange(1.0, 10.0).repeat(n, 1)


def test_shifted_moves_by_one_pixel_or_not_at_all():
    torch.manual_seed(0)
    square = images(1).reshape(3, 3)
    expected = {tuple(square.flatten().tolist()): 0}
    for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
        moved = torch.roll(square, step, axis)
        moved.select(axis, 0 if step == 1 else 2).zero_()
        expected[tuple(moved.flatten().tolist())] = 0
    for row in shifted(images(400), 0.8, 3).tolist():
        expected[tuple(row)] += 1
    assert sum(expected.values()) == 400
    assert min(expected.values()) > 50


def test_shifted_by_no_share_changes_nothing():
    assert torch.equal(shifted(images(5), 0.0, 3), images(5))


def test_mixed_stays_whole_and_between(rng):
    torch.manual_seed(0)
    x = torch.from_numpy(rng.integers(0, 17, (200, 6))).float()
    y = mixed(x, 0.5)
    assert torch.equal(y, y.round())
    assert y.min() >= 0
    assert y.max() <= 16
    assert not torch.equal(x, y)


def test_mixed_keeps_most_of_each_sample():
    torch.manual_seed(0)
    x = torch.eye(64) * 1000
    assert torch.all(mixed(x, 0.4).argmax(1) == torch.arange(64))
    assert torch.equal(mixed(x, 0.0), x)
