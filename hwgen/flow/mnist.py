"""A recipe for MNIST, from the IDX files to an exact network file with its figures."""

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from .. import golden
from .steps import Progress

__all__ = ["as_read", "golden_scores", "train_mnist"]

BATCH = 1_000
"""Images that golden takes at a time: bounds the memory."""


def train_mnist(name: str, data: Path, out: Path, *, seed: int, progress: Progress,
                validation: bool = False, effort: float = 1.0) -> dict:
    """Train ``name`` (the teacher first, or from its checkpoint), write ``NAME.hwgen``, measure it.

    Parameters
    ----------
    name : str             one of hwgen.compress.MNIST_RECIPES, or the teacher's
    data : path            folder with the IDX files
    out : path             for the network file; ``checkpoints`` in it lets a training go on
    validation : bool      leave the test set alone: see :func:`hwgen.compress.mnist`
    effort : float         share of the epochs, for a quick look

    Returns
    -------
    dict    ``network`` (path, None for the teacher), ``digest``, ``accuracy`` in percent (``torch``
            and ``golden``), ``scores`` (``compared``, ``mismatched``), ``curve``, ``seconds``,
            ``parameters`` of the teacher.
    """
    from ..compress import mnist
    from ..compress.recipes_mnist import MNIST_TEACHER, train_mnist_teacher

    split = mnist(data, validation=validation)
    options = {"seed": seed, "effort": effort,
               "folder": out / "checkpoints" / ("validation" if validation else "whole")}
    curve, begin = [], time.monotonic()
    teacher = train_mnist_teacher(split, **options, progress=_recorder(curve, progress))
    if name == MNIST_TEACHER:
        document = _about_teacher(teacher, split)
    else:
        document = _student(name, split, teacher, out, options, _recorder(curve, progress))
    return document | {"curve": curve, "seconds": round(time.monotonic() - begin, 1)}


def _about_teacher(teacher, split) -> dict:
    from ..compress.recipes import accuracy, float_scores

    scores = float_scores(teacher, split.x_test)
    return {"network": None, "accuracy": 100 * accuracy(scores, split.y_test),
            "parameters": sum(p.numel() for p in teacher.parameters())}


def _student(name, split, teacher, out, options, record) -> dict:
    from ..compress import MNIST_RECIPES, accuracy, export, predict_integers
    from ..compress import recipes_mnist as recipes

    recipe = MNIST_RECIPES[name]
    module = recipes.train_mnist(name, split, teacher, **options, progress=record)
    x = recipe.pixels(split.x_test)
    torch_scores = np.concatenate([predict_integers(module, part) for part in _batches(x)])
    meta = {
        "dataset": "MNIST", "recipe": name, "text": recipe.text, "seed": options["seed"],
        "epochs": max(1, round(recipe.epochs * options["effort"])), "pixels": recipe.pixels_text,
        "half_bits": recipe.half_bits,
        "accuracy": round(100 * accuracy(torch_scores, split.y_test), 2),
        "measured_on": f"{len(x)} images of the {_part(options)} part",
    }
    network = export(module, x[:1], name=name, meta=meta)
    path = out / f"{name}.hwgen"
    network.save(path)
    scores = golden_scores(network, x)
    return {
        "network": str(path), "digest": network.digest,
        "accuracy": {"torch": meta["accuracy"],
                     "golden": round(100 * accuracy(scores, split.y_test), 2)},
        "scores": {"compared": scores.size,
                   "mismatched": int(np.count_nonzero(scores != torch_scores))},
    }


def _part(options) -> str:
    return "test" if options["folder"].name == "whole" else "held back"


def _batches(x):
    return np.split(x, range(BATCH, len(x), BATCH))


def as_read(network, x) -> np.ndarray:
    """Images ``x`` (n, 784) of 0..255 as ``network`` reads them, by what its recipe noted.

    Most read them as they are; small ones means of 2 x 2 pixels in fewer bits.
    """
    from ..compress.mnist import halved

    bits = network.meta.get("half_bits")
    return np.asarray(x, dtype=np.int64) if bits is None else halved(x, bits).astype(np.int64)


def golden_scores(network, x) -> np.ndarray:
    """Scores of ``x`` (n, features) by golden, int64 (n, classes)."""
    return np.concatenate([golden.run(network, part)[network.scores] for part in _batches(x)])


def _recorder(curve: list, progress: Progress) -> Callable:
    """Takes each epoch into ``curve`` and reports it."""
    def record(epoch):
        curve.append(asdict(epoch))
        progress(f"{epoch.name}: train", epoch.epoch / epoch.epochs,
                 f"epoch {epoch.epoch} of {epoch.epochs}, loss {epoch.loss:.3f},"
                 f" accuracy {100 * epoch.accuracy:.1f} %")
    return record
