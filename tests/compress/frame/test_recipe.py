import tomllib
from dataclasses import MISSING, fields, replace

import pytest
from cases.errors import refused

from hwgen.compress import METHODS, Budget, Recipe
from hwgen.compress.frame.prepare import context_of, prepared
from hwgen.compress.frame.toml import to_toml
from hwgen.compress.methods import Prune, Quantise, Train
from hwgen.numeric import SpecError

STEPS = (Train(epochs=2), Prune(density={"fc1": 0.1, "*": 0.5}, epochs=1),
         Quantise(weight_bits={"fc1": 4, "*": 6}))


def test_a_recipe_is_its_file_again(tmp_path):
    recipe = Recipe(STEPS, name="deep-1", seed=7, budget=Budget(bits=9_000, error=2.5))
    recipe.save(tmp_path / "recipe.toml")
    assert Recipe.load(tmp_path / "recipe.toml") == recipe
    assert Recipe.from_dict(recipe.to_dict()) == recipe


NEEDED = {"density": 0.3, "rank": 4, "rank_in": 1, "rank_out": 2, "quality": 1.0, "strength": 0.1,
          "modes_out": {"0": (4, 4)}, "modes_in": {"0": (8, 8)}, "layers": ("0",)}
"""A value for each field that some step must be given."""


def given_to(cls) -> dict:
    """Fields that a step must be given."""
    given = {field.name: NEEDED.get(field.name, 1) for field in fields(cls)
             if field.default is MISSING and field.default_factory is MISSING}
    return given | {"splice": {"density": 0.3}, "lottery": {"epochs": 1}}.get(cls.kind, {})


@pytest.mark.parametrize("kind", METHODS)
def test_a_step_is_the_same_however_its_lists_were_given(kind):
    cls, given = METHODS[kind], given_to(METHODS[kind])
    lists = {"shares": (0.5, 1.0)} if kind == "inq" else {
        field.name: NEEDED["layers"] for field in fields(cls) if field.name == "layers"}
    of_lists = {name: {key: list(each) for key, each in value.items()} if isinstance(value, dict)
                else list(value) if isinstance(value, tuple) else value
                for name, value in (given | lists).items()}
    steps = cls(**given), cls(**given | lists), cls(**of_lists)
    assert steps[1] == steps[2]
    for step in steps:
        recipe = Recipe((step,))
        assert Recipe.from_dict(recipe.to_dict()) == recipe
        assert tomllib.loads(to_toml(recipe.to_dict())) == recipe.to_dict()


def test_the_file_names_the_recipe_unless_it_says_so(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text('[[step]]\nkind = "quantise"\n', encoding="utf-8")
    assert Recipe.load(path) == Recipe((Quantise(),), name="small")


KINDS = f"Kinds are {', '.join(METHODS)}"


@pytest.mark.parametrize(("text", "message"), [
    ("step = 3", ": steps must be tables [[step]], not 3"),
    ("[[step]]\nepochs = 3", f": step 1: kind must be one that there is, not None. {KINDS}"),
    ('[[step]]\nkind = ["train"]',
     f": step 1: kind must be one that there is, not ['train']. {KINDS}"),
    ('[[step]]\nkind = "train"', ": step 1 'train': must give 'epochs', and does not"),
    ('[[step]]\nkind = "train"\nepochs = "3"',
     ": step 1 'train': epochs must be an int, not '3'"),
    ('[[step]]\nkind = "train"\nepochs = 0', ": step 1 'train': epochs must be at least 1, not"
                                             " 0"),
    ('[[step]]\nkind = "quantise"\n[[step]]\nkind = "prune"\ndensity = { fc1 = 2.0 }',
     ": step 2 'prune': density of 'fc1' must be above 0 and at most 1, not 2.0"),
    ('[[step]]\nkind = "prune-nm"\nm = { fc1 = 4 }',
     ": step 1 'prune-nm': m must be one value, not a table of layers, {'fc1': 4}"),
    ('[[step]]\nkind = "train"\nepochs = [1, 2]',
     ": step 1 'train': epochs must be one value, not a list, [1, 2]"),
    ('[[step]]\nkind = "train"\nepochs = 1\nlr = 3e38',
     ": step 1 'train': lr must be above 0 and at most 1e+30, not 3e+38"),
    ('[[step]]\nkind = "inq"\nshares = 0.5',
     ": step 1 'inq': shares must be a list of numbers, not 0.5"),
    ('[[step]]\nkind = "prune"\ndensity = true',
     ": step 1 'prune': density must be a number, not True"),
    ('[[step]]\nkind = "prune"\ndensity = {}',
     ": step 1 'prune': density must name at least one layer, not {}"),
    ('[[step]]\nkind = "quantise"\nrule = "best"',
     ": step 1 'quantise': rule must be one of ['least_squares', 'min_max',"
     " 'percentile', 'ristretto'], not 'best'"),
    ('sede = 3', ": keys must be of name, seed, budget, step, not 'sede'; did you mean"
                 " 'seed'?"),
    ('[[step]]\nkind = "prune_lamp"\ndensity = 0.1',
     f": step 1: kind must be one that there is, not 'prune_lamp'; did you mean 'prune-lamp'?"
     f" {KINDS}"),
    ('[[step]]\nkind = "prun"\ndensity = 0.1',
     f": step 1: kind must be one that there is, not 'prun'; did you mean 'prune'? {KINDS}"),
    ('[[step]]\nkind = "quantise"\nrule = "percentiles"',
     ": step 1 'quantise': rule must be one of ['least_squares', 'min_max',"
     " 'percentile', 'ristretto'], not 'percentiles'; did you mean 'percentile'?"),
    ("seed = -1\n[[step]]\nkind = 'quantise'", ": seed must be in 0..2147483647, not -1"),
    ("[budget]\nbits = 0\n[[step]]\nkind = 'quantise'", ": budget: bits must be at least 1, not"
                                                        " 0"),
    ("", ": must have at least one step, not none"),
])
def test_faults_of_a_file_are_named(tmp_path, text, message):
    path = tmp_path / "r.toml"
    path.write_text(text, encoding="utf-8")
    with refused(SpecError, f"recipe '{path}'{message}"):
        Recipe.load(path)


def test_unknown_fields_are_named_with_those_that_there_are(tmp_path):
    path = tmp_path / "r.toml"
    path.write_text('[[step]]\nkind = "train"\nepoch = 3', encoding="utf-8")
    with pytest.raises(SpecError, match=r"step 1 'train': fields must be of epochs, lr, .*, not"
                                        r" 'epoch'; did you mean 'epochs'\?$"):
        Recipe.load(path)


def test_a_file_that_is_none(tmp_path):
    with refused(SpecError, f"recipe '{tmp_path / 'r.toml'}' must be a file, and is not there"):
        Recipe.load(tmp_path / "r.toml")
    (tmp_path / "r.toml").write_text("seed = ", encoding="utf-8")
    with pytest.raises(SpecError, match=r"must be TOML: Invalid value"):
        Recipe.load(tmp_path / "r.toml")


def test_no_step_and_no_name():
    with refused(TypeError, "recipe 'recipe': steps must be Steps such as Quantise(), not 3"):
        Recipe((3,))
    with refused(SpecError, "recipe: name must be of letters, digits, '_' and '-', not 'a b'"):
        Recipe(STEPS, name="a b")


@pytest.mark.parametrize(("steps", "message"), [
    ((Train(epochs=1),), "steps must hold one that makes all numbers integers, such as 'quantise',"
                         " not ['train'] alone"),
    ((Quantise(), Quantise()), "step 2 'quantise': must not come after step 1 'quantise', which"
                               " makes all numbers integers: leave one of the two out"),
    ((Prune(density={"fc9": 0.1}), Quantise()),
     "step 1 'prune': density must name layers of ['fc1', 'fc2', 'fc3'], or '*' for all others,"
     " not 'fc9'"),
    ((Prune(density={"cf1": 0.1}), Quantise()),
     "step 1 'prune': density must name layers of ['fc1', 'fc2', 'fc3'], or '*' for all others,"
     " not 'cf1'; did you mean 'fc1'?"),
    ((Quantise(weight_bits={"fc1": 4}),),
     "step 1 'quantise': weight_bits must be given for every layer, and is not for 'fc2': name it,"
     " or '*' for all others"),
])
def test_contradictions_are_named(plain, split, steps, message):
    recipe = Recipe(steps)
    with refused(SpecError, f"recipe 'recipe': {message}"):
        recipe.validate(context_of(prepared(plain, split), split))


def test_sound_recipes_are_accepted(plain, split):
    Recipe(STEPS).validate(context_of(prepared(plain, split), split))


def test_toml_of_every_form():
    text = to_toml({"a": 1, "b": [1.5, True], "t": {"x": "a\"b"},
                    "s": [{"k": {"a.b": 1, "*": 1e-9}}, {"k": []}]})
    assert text == ('a = 1\nb = [1.5, true]\n\n[t]\nx = "a\\"b"\n\n[[s]]\n'
                    'k = { "a.b" = 1, "*" = 1e-09 }\n\n[[s]]\nk = []\n')
    with refused(TypeError, "TOML value must be a number, a text, a list or a table, not None"):
        to_toml({"a": None})


def test_steps_stay_as_they_are():
    with pytest.raises(AttributeError):
        STEPS[0].epochs = 3
    assert replace(STEPS[0], epochs=3).epochs == 3
