"""A user's file with a model, and the data that it is to be compressed on."""

import runpy
import traceback
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from hwgen.numeric import SpecError

from ..data import Split, digits
from ..mnist import SIDE, mnist
from .prepare import matrices, prepared
from .shape import require_scores

__all__ = ["load_source"]


def load_source(path, *, seed: int, folder=None):
    """``(model, split)`` of a Python file.

    The file holds ``model``, a torch module or a function that makes one, either with torch's
    random numbers seeded, and may hold ``data``, a Split or a function of ``folder`` that gives
    one. Without, data are the IDX files in ``folder``, as maps ``(n, 1, 28, 28)`` where the model
    begins with anything but a Linear, or, without ``folder``, the 8x8 digits.

    Raises
    ------
    SpecError    If the file is not there, ``model`` or ``data`` is nothing of that, or the model
                 does not take the digits; and for what the file itself raises, with the line.
    """
    path = Path(path)
    if not path.is_file():
        raise SpecError(f"model file '{path}' must be there, and is not")
    with _seeded(seed), _told(path):
        found = runpy.run_path(str(path), run_name="hwgen_model")
    if "model" not in found:
        raise SpecError(f"model file '{path}' must hold 'model', a torch.nn.Module or a function"
                        f" that makes one, and does not")
    model = found["model"]
    if not isinstance(model, nn.Module):
        with _seeded(seed), _told(path):
            model = model()
    if not isinstance(model, nn.Module):
        raise SpecError(f"model file '{path}': model must be a torch.nn.Module or a function that"
                        f" makes one, not {model!r:.80}")
    return model, _data(found, model, path, folder)


@contextmanager
def _seeded(seed):
    """Torch's random numbers follow from ``seed`` within, and go on as before behind it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


@contextmanager
def _told(path):
    """What the file raises within as a SpecError of one line that names its line."""
    try:
        yield
    except SpecError:
        raise
    except Exception as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__)
                 if frame.filename == str(path)]
        said = str(error)
        if isinstance(error, SyntaxError) and error.filename == str(path):
            lines, said = [error.lineno], error.msg
        line = f", line {lines[-1]}" if lines else ""
        said = f"{type(error).__name__}: {' '.join(said.split())}".removesuffix(": ")
        raise SpecError(f"model file '{path}'{line}: {said}") from error


def _data(found, model, path, folder) -> Split:
    data = found.get("data")
    if data is None:
        if folder is not None:
            return _shaped(model, mnist(folder), SIDE)
        split = digits()
        return _taken(model, _shaped(model, split, split.side))
    with _told(path):
        split = data(folder) if callable(data) else data
    if not isinstance(split, Split):
        raise SpecError(f"model file '{path}': data must be a hwgen.compress.Split or a function"
                        f" of the folder that gives one, not {split!r:.80}")
    return split


def _taken(model, split) -> Split:
    """The digits, where the model takes them; the error says where others come from."""
    try:
        require_scores(prepared(model, split), split)
    except SpecError as error:
        raise SpecError(f"{error}; samples are the 8x8 digits where there is no --data: give"
                        f" --data FOLDER for others") from error
    return split


def _shaped(model, split, side) -> Split:
    """Images as vectors for a model that begins with a Linear, else as maps of one channel."""
    first = next(iter(matrices(prepared(model, split)).values()), None)
    if isinstance(first, nn.Linear) and not any(isinstance(m, nn.Flatten)
                                                for m in model.modules()):
        return split
    return replace(split, side=None, x_train=split.x_train.reshape(-1, 1, side, side),
                   x_test=split.x_test.reshape(-1, 1, side, side))
