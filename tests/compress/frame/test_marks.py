"""Marks of steps in words, and those steps that need sizes of layers."""

import re
from pathlib import Path

import pytest
from cases.errors import refused

from hwgen.compress import METHODS, Recipe, methods
from hwgen.compress.frame.marks import MARKS
from hwgen.compress.frame.prepare import context_of, prepared
from hwgen.compress.frame.step import Context
from hwgen.compress.methods import GroupLasso, Quantise
from hwgen.numeric import SpecError

NAMED = re.compile(r"(?:mark|marked|need|refuse)\(([^)]*)\)|for mark in \(([^)]*)\)")


def test_every_mark_has_its_words_and_a_step():
    used = set()
    for file in Path(methods.__file__).parent.glob("*.py"):
        for found in NAMED.findall(file.read_text(encoding="utf-8")):
            used.update(re.findall(r'"([a-z-]+)"', "".join(found)))
    assert {"pruned", "own-bits", "tied"} <= used <= set(MARKS)
    assert {kind for _, kind in MARKS.values()} <= set(METHODS)


def test_the_mark_of_a_step_that_is_not_ours():
    context = Context(None, {}, (), None)
    context.enter("step 1 'clip'")
    context.mark("clipped")
    with refused(SpecError, "must not come after step 1 'clip', which makes the model 'clipped':"
                            " once is enough"):
        context.refuse("clipped", "once is enough")
    with refused(SpecError, "must come after a step that makes the model 'cut': or so"):
        context.need("cut", "or so")


SIZED = {"low-rank": {"rank": 2}, "tensor-train": {"modes_out": {"fc1": [4, 6]}, "modes_in": {
    "fc1": [8, 8]}, "rank": 2}, "prune-block": {"density": 0.5}, "bi-real": {},
    "product-quantise": {}, "fastfood": {}}


@pytest.mark.parametrize("kind", SIZED)
def test_sizes_must_be_known(plain, split, kind):
    recipe = Recipe((GroupLasso(strength=0.1), METHODS[kind](**SIZED[kind]), Quantise()))
    with refused(SpecError, f"recipe 'recipe': step 2 '{kind}': must not come after step 1"
                            f" 'group-lasso', which finds sizes of layers in training: it must know"
                            f" them before: put it first"):
        recipe.validate(context_of(prepared(plain, split), split))
