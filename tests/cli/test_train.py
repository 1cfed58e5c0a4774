"""``hwgen train``: what it asks of the layers below, its JSON, its exit code."""

from functools import partial
from types import SimpleNamespace

import pytest
from cases.mnist_files import write_digits

from hwgen.compress import recipes


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


class Trained:
    """What the flow gives of a student."""

    name = "digits-binary"
    network = SimpleNamespace(digest="abc")
    accuracy = {"torch": 97.2, "golden": 97.2}
    scores = {"compared": 5000, "mismatched": 0}
    teacher = {"accuracy": 98.8}
    curve = ()
    seconds = 12.5


@pytest.fixture
def training(monkeypatch):
    """A stand-in for the flow's trainings; ``.calls`` are its arguments."""
    calls = []

    def train_all(names, out, *, seed, progress):
        calls.append((list(names), str(out), seed))
        yield from (Trained() for _ in names)

    monkeypatch.setattr("hwgen.flow.training.train_all", train_all)
    return calls


@pytest.mark.parametrize("recipe", ["binary", "digits-binary"])
def test_train_a_student(hwgen, training, recipe):
    done = hwgen("train", recipe)
    assert done.code == 0
    assert training == [(["digits-binary"], "rtl_out/demo", 1)]
    assert "digits-binary: 97.2 % of the test images (float teacher 98.8 %)" in done.words
    assert "torch and golden agree on 5,000 of 5,000 scores" in done.words
    assert "Next: hwgen generate rtl_out/demo/digits-binary.hwgen" in done.words


def test_train_as_json(hwgen, training):
    done = hwgen("train", "binary", "-o", "here", "--seed", "5", "--json")
    assert training == [(["digits-binary"], "here", 5)]
    assert done.json == {
        "recipe": "digits-binary", "seed": 5, "checkpoints": "here/checkpoints",
        "network": "here/digits-binary.hwgen", "digest": "abc", "accuracy": Trained.accuracy,
        "scores": Trained.scores, "teacher": Trained.teacher, "curve": [], "seconds": 12.5}


@pytest.fixture
def short(monkeypatch):
    """The teacher's own recipe, with a few epochs."""
    monkeypatch.setattr(recipes, "train_teacher", partial(recipes.train_teacher, effort=0.05))


@pytest.mark.usefixtures("short")
def test_train_the_teacher(hwgen, tmp_path):
    first = hwgen("train", "teacher", "-o", "here", "--json").json
    assert {key: first[key] for key in ("recipe", "seed", "checkpoints", "network", "reused")} == {
        "recipe": "digits-teacher", "seed": 1, "checkpoints": "here/checkpoints", "network": None,
        "reused": []}
    assert 80 < first["accuracy"] <= 100
    assert (first["parameters"], len(first["curve"])) == (26634, 3)
    assert list((tmp_path / "here/checkpoints").iterdir())

    again = hwgen("train", "teacher", "-o", "here", "--json").json
    assert again == first | {"reused": ["digits-teacher: train"]}
    assert hwgen("train", "teacher", "-o", "here").out == (
        f"digits-teacher: {first['accuracy']:.1f} % of the test images, 26,634 parameters\n"
        "Checkpoint in here/checkpoints; the students start from it.\n")


@pytest.mark.parametrize(("name", "meant"), [
    ("ternary", ""), ("mnist-sfc", ""), ("binarry", "; did you mean 'binary'?")])
def test_train_of_no_such_recipe(hwgen, name, meant):
    done = hwgen("train", name)
    assert (done.code, done.err) == (
        1, "error: recipe must be one of teacher, binary, fixed, sparse or, with --data, one of"
           " mnist-teacher, mnist-lenet300, mnist-cnn, mnist-tfc-w1a1, mnist-sfc-w1a1,"
           " mnist-lfc-w1a1, mnist-sfc-w1a2, mnist-sfc-w2a2, mnist-sfc-ternary,"
           " mnist-sfc-residual, mnist-up5k, mnist-up5k-w1a2, mnist-lenet300-w8a8,"
           " mnist-lenet300-w4a4, mnist-cnn-w8a8, mnist-cnn-w4a4,"
           f" not {name!r}{meant}\n")


def test_seeds_are_not_negative(hwgen):
    done = hwgen("train", "binary", "--seed", "-1")
    assert done.code == 2
    assert "Invalid value for '--seed'" in done.err


def test_train_for_mnist(hwgen, monkeypatch):
    calls = []

    def train_mnist(name, data, out, *, progress, **options):
        calls.append((name, str(data), str(out), options))
        return {"network": str(out / f"{name}.hwgen"), "digest": "abc", "curve": [],
                "accuracy": {"torch": 98.25, "golden": 98.25}, "seconds": 3.0,
                "scores": {"compared": 100_000, "mismatched": 0}}

    monkeypatch.setattr("hwgen.flow.mnist.train_mnist", train_mnist)
    done = hwgen("train", "mnist-sfc-w1a1", "--data", "idx", "-o", "here", "--seed", "0")
    assert calls == [("mnist-sfc-w1a1", "idx", "here",
                      {"seed": 0, "validation": False, "effort": 1.0})]
    assert "mnist-sfc-w1a1: 98.25 % of the test images; torch and golden agree on 100,000 of" \
        " 100,000 scores" in done.words
    assert "Next: hwgen generate here/mnist-sfc-w1a1.hwgen" in done.words
    done = hwgen("train", "mnist-lfc-w1a1", "--data", "idx", "--validation", "--effort", "0.1")
    assert calls[1][3] == {"seed": 1, "validation": True, "effort": 0.1}
    assert "98.25 % of the held-back images" in done.words


@pytest.mark.parametrize(("arguments", "message"), [
    (["mnist-up5k"],
     "--data must name the folder with the IDX files of MNIST for 'mnist-up5k'"),
    (["binary", "--validation"],
     "--data, --validation and --effort must be given for a mnist recipe, not for 'digits-binary'"),
    (["mnist-up5k", "--data", "none"],
     "mnist: folder 'none' must hold 'train-images-idx3-ubyte' or 'train-images-idx3-ubyte.gz', and"
     " does not; point --data at the folder with the four IDX files of MNIST"),
    (["mnist-up5k", "--data", "idx", "--effort", "2"],
     "recipe 'mnist-teacher': effort must be above 0 and at most 1, not 2.0"),
])
def test_train_for_mnist_is_refused(hwgen, arguments, message, tmp_path):
    write_digits(tmp_path / "idx")
    done = hwgen("train", *arguments)
    assert (done.code, done.err) == (1, f"error: {message}\n")
