"""A recipe while it runs: the model, the trainings with their checkpoints, what was noted."""

import copy
import zlib
from pathlib import Path

import numpy as np
import torch

from ..conv import Convolution
from ..errors import CheckpointError
from ..form import Form, form_of, put, shares_values, storages_of
from ..train import train
from .account import FLOAT_BITS, matrix_bits
from .checkpoints import SUFFIX, step_name, training_name
from .cores import usual
from .prepare import integers_of, matrices
from .step import per_layer
from .stored import Storage

__all__ = ["Run"]

SAMPLES = 2_000
"""Training samples on which steps of numbers are chosen."""


class Run:
    """What a step works on.

    Parameters
    ----------
    model : torch.fx.GraphModule    prepared, see :func:`hwgen.compress.frame.prepare.prepared`
    recipe : Recipe
    split : Split
    folder : path, optional         for checkpoints
    progress : callable of Epoch, optional
    device : str

    Members
    -------
    model : torch.nn.Module    changed by steps, in place or by another in its place
    origin : torch.nn.Module   the prepared model as it came, in evaluation mode
    teacher : torch.nn.Module or None    if set, later trainings distil from it
    alpha, temperature : float           of that distillation
    lessons : list of Hook     take part in all later trainings
    held : Split or None       training samples that a step held back, as its test part
    storage : dict             layer name to the storage that a step chose, or its name
    notes : dict               what steps report, ready for JSON; into the network's ``meta``
    epochs : list of Epoch     of all trainings
    seed : int
    """

    def __init__(self, model, recipe, split, *, folder=None, progress=None, device="cpu"):
        self.model, self.recipe, self.split, self.seed = model, recipe, split, recipe.seed
        self.origin = copy.deepcopy(model).eval()
        self.folder, self.device = None if folder is None else Path(folder), device
        self.held = None
        self.teacher, self.alpha, self.temperature = None, 0.7, 4.0
        self.lessons: list = []
        self.storage: dict[str, str | Storage] = {}
        self.notes: dict = {}
        self.epochs: list = []
        self._progress, self._step, self._trainings = progress, 0, 0

    def enter(self, k: int) -> None:
        """Go on to step ``k`` of the recipe."""
        self._step, self._trainings = k, 0

    def take_origin(self) -> None:
        """Let the model as it is be the one that the result is compared with."""
        self.origin = copy.deepcopy(self.model).eval()

    @property
    def matrices(self) -> dict:
        """The matrix layers by name, in order; each has ``weight`` of shape (n_out, ...)."""
        return matrices(self.model)

    def per_layer(self, what: str, value) -> dict:
        """``{layer name: value}``; see :meth:`hwgen.compress.frame.step.Context.per_layer`."""
        return per_layer(what, value, self.matrices)

    def samples(self, count: int = SAMPLES) -> np.ndarray:
        """Training samples, spread over all of them, integers as the model takes them."""
        return self.split.x_train[::max(1, len(self.split.x_train) // count)][:count]

    def labelled(self, count: int | None = SAMPLES) -> tuple[torch.Tensor, torch.Tensor]:
        """So many training samples, float32, and their labels, int64; all of them with None."""
        every = 1 if count is None else max(1, len(self.split.x_train) // count)
        return (torch.tensor(self.split.x_train[::every][:count]).float(),
                torch.tensor(self.split.y_train[::every][:count]).long())

    def put(self, name: str, form: Form) -> Form:
        """Put the weights of a layer under ``form``; its form of that kind if it has one."""
        return form_of(self.matrices[name], type(form)) or put(self.matrices[name], form)

    def replace(self, name: str, layer) -> None:
        """Put ``layer`` in the place of the one called ``name``."""
        *path, last = name.split(".")
        setattr(self.model.get_submodule(".".join(path)), last, layer)

    def seed_of(self, purpose: str) -> int:
        """32 bits that follow from the recipe's seed, the step and ``purpose`` alone."""
        text = f"{self.seed} {step_name(self.recipe, self._step)} {purpose}".encode()
        return zlib.crc32(text)

    def generator(self, purpose: str) -> torch.Generator:
        """Random numbers from :meth:`seed_of`."""
        return torch.Generator().manual_seed(self.seed_of(purpose))

    def train(self, step, *, epochs: int | None = None, hooks=(), **changes) -> None:
        """Train the model as ``step`` says; continued from its checkpoint, if there is one.

        Steps before are done again and find their own checkpoints finished.

        Parameters
        ----------
        step : TrainingStep      its rate, batch and so on
        epochs : int, optional   its own unless given; with 0 nothing is done
        hooks : sequence of Hook
        changes                  of fields of :class:`~hwgen.compress.Settings`
        """
        self._trainings += 1
        epochs = step.epochs if epochs is None else epochs
        if not epochs:
            return
        settings = step.settings(self.seed, epochs, **{
            "alpha": self.alpha, "temperature": self.temperature, **changes})
        name = training_name(self.recipe, self._step, self._trainings)
        try:
            train(self.model, self.split, settings=settings, name=name, teacher=self.teacher,
                  hooks=(*self.lessons, *hooks),
                  checkpoint=self.folder and self.folder / f"{name}{SUFFIX}", progress=self._tell,
                  measure=lambda _: self.bits(), device=self.device)
        except CheckpointError as error:
            raise CheckpointError(f"{error}. Or begin anew: --fresh (fresh=True in Python) removes"
                                  f" all checkpoints of {self.recipe.path} first") from error

    def bits(self) -> int:
        """Bits of all weights as they are now: floats of 32 bits that are not 0, or integers.

        Where some floats are 0, a bit for each says which; of a structured matrix only its numbers
        count, in floats too. The result's account is exact; this one is what a training shows,
        without biases and what stands between the matrices.
        """
        total = 0
        for name, layer in self.matrices.items():
            integers, bits = integers_of(layer)
            if integers is not None:
                storage = (self.storage.get(name) or _own(layer, integers)
                           or _usual(layer, integers))
                total += matrix_bits(integers, bits, storage)
            else:
                total += _bits_of_floats(layer)
        return total

    def _tell(self, epoch):
        self.epochs.append(epoch)
        if self._progress is not None:
            self._progress(epoch)


def _own(layer, values) -> Storage | None:
    """How ``values`` (n_out, n_in) are stored by the last of a layer's forms that says it.

    But not by one that does not hold any more, such as that of a circulant matrix of which some
    weights were removed since.
    """
    return next((each for each in storages_of(layer) if each.says(values)), None)


def _bits_of_floats(layer) -> int:
    weight = layer.weight.detach().flatten(1).cpu().numpy()
    own = _own(layer, weight)
    if own is not None:
        return own.bits(weight, FLOAT_BITS)
    nonzero = int(np.count_nonzero(weight))
    return nonzero * FLOAT_BITS + weight.size * (nonzero < weight.size)


def _usual(layer, integers) -> str | Storage:
    """How the integers of a layer are stored unless a step says so."""
    if shares_values(layer):
        return "codes"
    return usual(integers, is_vector=not isinstance(layer, Convolution))
