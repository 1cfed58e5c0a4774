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
    """Train ``name`` (its float origin first, or from a checkpoint), write ``NAME.hwgen``, measure.

    Parameters
    ----------
    name : str             one of hwgen.compress.MNIST_RECIPES, or MNIST_ORIGINS (in float)
    data : path            folder with the IDX files
    out : path             for the network file; ``checkpoints`` in it lets a training go on
    validation : bool      leave the test set alone: see :func:`hwgen.compress.mnist`
    effort : float         share of the epochs, for a quick look

    Returns
    -------
    dict    ``network`` (path, None in float), ``digest``, ``accuracy`` in percent (``torch`` and
            ``golden``), ``scores`` (``compared``, ``mismatched``), ``curve``, ``seconds``,
            ``parameters`` of a float network.
    """
    from ..compress import mnist
    from ..compress import recipes_mnist as recipes

    split = mnist(data, validation=validation)
    options = {"seed": seed, "effort": effort,
               "folder": out / "checkpoints" / ("validation" if validation else "whole")}
    curve, begin = [], time.monotonic()
    record = _recorder(curve, progress)
    origin = recipes.train_mnist_origin(name, split, **options, progress=record)
    if name in recipes.MNIST_ORIGINS:
        document = _about_float(name, origin, split)
    else:
        document = _student(name, split, origin, out, options, record)
    return document | {"curve": curve, "seconds": round(time.monotonic() - begin, 1)}


def _about_float(name, module, split) -> dict:
    return {"network": None, "accuracy": _float_accuracy(name, module, split),
            "parameters": sum(p.numel() for p in module.parameters())}


def _float_accuracy(name, module, split) -> float:
    """Of float network ``name`` on the test part, in percent."""
    from ..compress import MNIST_ORIGINS
    from ..compress.recipes import accuracy, float_scores

    x = MNIST_ORIGINS[name].pixels(split.x_test)
    scores = np.concatenate([float_scores(module, part) for part in _batches(x)])
    return 100 * accuracy(scores, split.y_test)


def _student(name, split, origin, out, options, record) -> dict:
    from ..compress import MNIST_RECIPES, accuracy, export, predict_integers
    from ..compress import recipes_mnist as recipes

    recipe = MNIST_RECIPES[name]
    module = recipes.train_mnist(name, split, origin, **options, progress=record)
    x = recipe.pixels(split.x_test)
    torch_scores = np.concatenate([predict_integers(module, part) for part in _batches(x)])
    meta = {
        "dataset": "MNIST", "recipe": name, "text": recipe.text, "seed": options["seed"],
        "epochs": max(1, round(recipe.epochs * options["effort"])), "pixels": recipe.pixels_text,
        "half_bits": recipe.half_bits,
        "accuracy": round(100 * accuracy(torch_scores, split.y_test), 2),
        "measured_on": f"{len(x)} images of the {_part(options)} part",
        "origin": recipe.origin,
        "origin_accuracy": round(_float_accuracy(recipe.origin, origin, split), 2),
    }
    network = export(module, x[:1], name=name, meta=meta)
    path = out / f"{name}.hwgen"
    network.save(path)
    scores = golden_scores(network, as_read(network, split.x_test))
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

    Most read them as they are; small ones means of 2 x 2 pixels in fewer bits; those with
    convolutions maps, ``(n, 28, 28, 1)``.
    """
    from ..compress.mnist import halved

    bits = network.meta.get("half_bits")
    read = np.asarray(x) if bits is None else halved(x, bits)
    return read.astype(np.int64).reshape(len(x), *network.input.shape)


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
