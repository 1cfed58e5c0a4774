import sys

import numpy as np
import pytest
import torch
from cases.errors import refused
from torch import nn

from hwgen.compress import Copies, Settings, Split, Warp, train
from hwgen.numeric import SpecError


@pytest.fixture
def split(rng):
    x, y = rng.integers(0, 256, (40, 16), dtype=np.uint8), rng.integers(0, 3, 40)
    return Split(x, y, x, y, side=4)


@pytest.fixture
def teacher():
    torch.manual_seed(0)
    return nn.Linear(16, 3).eval()


def test_a_copy_follows_from_seed_and_number(split):
    copies = Copies(split, warp=Warp(), count=2, seed=5)
    before = torch.get_rng_state()
    first, second, third = (copies.part(k)[0] for k in range(3))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first, third)
    assert not torch.equal(first, second)
    assert torch.equal(first, Copies(split, warp=Warp(), count=9, seed=5).part(0)[0])
    assert not torch.equal(first, Copies(split, warp=Warp(), count=2, seed=6).part(0)[0])


def test_the_teacher_scores_the_copy_and_not_the_original(split, teacher):
    x, scores = Copies(split, warp=Warp(), count=1, seed=0, teacher=teacher).part(0)
    assert torch.equal(scores, teacher(x.float()))
    assert Copies(split, warp=Warp(), count=1, seed=0).part(0)[1] is None


def test_copies_are_kept_and_taken_from_their_folder(split, teacher, tmp_path, monkeypatch):
    def copies(**options):
        return Copies(split, warp=Warp(), count=2, seed=0, folder=tmp_path, **options)

    fresh = [copies(teacher=teacher).part(k) for k in range(2)] + [copies().part(0)]
    assert sorted(path.name for path in tmp_path.glob("*/*")) == ["000.npz", "000.npz", "001.npz"]
    monkeypatch.setattr(Copies, "_make", None)
    kept = [copies(teacher=teacher).part(k) for k in range(2)] + [copies().part(0)]
    for (x, scores), (x_kept, scores_kept) in zip(fresh, kept, strict=True):
        assert torch.equal(x, x_kept)
        assert (scores is None and scores_kept is None) or torch.equal(scores, scores_kept)


def test_the_digest_says_what_copies_follow_from(split, teacher):
    other = Split(split.x_train[::-1], split.y_train, split.x_test, split.y_test, side=4)
    made = [Copies(split, warp=Warp(), count=2, seed=0),
            Copies(other, warp=Warp(), count=2, seed=0),
            Copies(split, warp=Warp(move=1), count=2, seed=0),
            Copies(split, warp=Warp(), count=2, seed=1),
            Copies(split, warp=Warp(), count=2, seed=0, teacher=teacher)]
    assert len({copies.digest for copies in made}) == len(made)
    assert Copies(split, warp=Warp(), count=7, seed=0).digest == made[0].digest


def test_training_takes_one_copy_an_epoch(split):
    seen = []

    class Watched(nn.Linear):
        def forward(self, x):
            seen.append(x.clone())
            return super().forward(x)

    copies = Copies(split, warp=Warp(), count=2, seed=0)
    train(Watched(16, 3), split, settings=Settings(epochs=3, batch=40), copies=copies)
    for epoch, x in enumerate(seen):
        expected = copies.part(epoch)[0].float()
        assert torch.equal(x.sort(0).values, expected.sort(0).values)


def test_scores_of_copies_are_distilled(split, teacher):
    def trained(copies):
        torch.manual_seed(1)
        return train(nn.Linear(16, 3), split, settings=Settings(epochs=1, batch=10),
                     copies=copies).weight

    plain = trained(Copies(split, warp=Warp(), count=1, seed=0))
    taught = trained(Copies(split, warp=Warp(), count=1, seed=0, teacher=teacher))
    assert not torch.equal(plain, taught)


def test_each_sample_has_its_own_scores(split, monkeypatch):
    seen = []

    class Labelled(Copies):
        def part(self, epoch):
            return super().part(epoch)[0], nn.functional.one_hot(torch.tensor(split.y_train), 3)

    def loss(scores, soft, labels, **options):
        seen.append(torch.equal(soft.argmax(1), labels))
        return scores.sum()

    monkeypatch.setattr(sys.modules["hwgen.compress.train"], "distillation_loss", loss)
    train(nn.Linear(16, 3), split, settings=Settings(epochs=2, batch=10),
          copies=Labelled(split, warp=Warp(), count=1, seed=0))
    assert seen == [True] * 8


def test_images_must_be_square(rng):
    x, y = rng.integers(0, 9, (4, 6)), rng.integers(0, 2, 4)
    with refused(SpecError, "copies: samples must be square images, not of a split without a side"):
        Copies(Split(x, y, x, y), warp=Warp(), count=1, seed=0)


def test_amounts_are_checked(split):
    with refused(SpecError, "copies: count must be at least 1, not 0"):
        Copies(split, warp=Warp(), count=0, seed=0)
    with refused(SpecError, "copies: seed must be at least 0, not -1"):
        Copies(split, warp=Warp(), count=1, seed=-1)
