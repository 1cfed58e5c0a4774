import torch
from cases.errors import refused

from hwgen.compress import Recipe, compress
from hwgen.compress.frame import run as frame_run
from hwgen.compress.methods import Distil, Quantise, Train
from hwgen.numeric import SpecError


def test_later_trainings_have_the_model_as_it_was_for_a_teacher(split, plain, monkeypatch):
    seen = []
    monkeypatch.setattr(frame_run, "train", lambda module, data, **options: seen.append(options))
    run = frame_run.Run(plain, Recipe((Train(epochs=1), Distil(alpha=0.5, temperature=2.0),
                                       Quantise(epochs=1))), split)
    x = torch.rand(3, 64)
    before = plain(x)
    for k, step in enumerate(run.recipe.steps[:2]):
        run.enter(k)
        step.apply(run)
    with torch.no_grad():
        plain.fc1.weight.zero_()
    run.train(Train(epochs=1))
    assert seen[0]["teacher"] is None
    assert torch.equal(seen[1]["teacher"](x), before)
    assert not torch.equal(plain(x), before)
    assert (seen[1]["settings"].alpha, seen[1]["settings"].temperature) == (0.5, 2.0)


def test_not_behind_quantise(split, plain):
    with refused(SpecError, "recipe 'recipe': step 2 'distil': must not come after step 1"
                            " 'quantise', which makes all numbers integers: the teacher would be no"
                            " better than the student: distil first"):
        compress(plain, Recipe((Quantise(), Distil())), split)
