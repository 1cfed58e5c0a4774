"""What a network learns from the hidden layers of a teacher: hints, and maps of attention."""

import copy
import hashlib
from abc import abstractmethod
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional as F

from hwgen.numeric import SpecError, did_you_mean

from ..frame.marks import FIXED
from ..frame.step import Step
from ..hook import Hook

__all__ = ["Attention", "AttentionMaps", "HintLayers", "Hints", "Lesson", "Regressor", "attention"]

CHILD = "hint"
"""Name of the regressor, a child of the layer that it reads, while a training runs."""


@contextmanager
def listening(module, names, kind: str):
    """``{name: results}`` of the named layers, filled whenever ``module`` is evaluated."""
    heard, handles = {}, []
    try:
        for name in names:
            try:
                layer = module.get_submodule(name)
            except AttributeError as error:
                raise SpecError(f"{kind}: layer '{name}' must be there in every later training, and"
                                f" is not: name an activation that no step replaces") from error
            handles.append(layer.register_forward_hook(
                partial(lambda key, layer, given, result: heard.update({key: result}), name)))
        yield heard
    finally:
        for handle in handles:
            handle.remove()


class Lesson(Hook):
    """Adds to the loss what sets hidden layers apart from those of a teacher.

    Parameters
    ----------
    kind : str             in errors, and in the keys of checkpoints
    teacher : nn.Module    in evaluation mode, for this alone
    layers : sequence of str
    strength : float
    """

    def __init__(self, kind: str, teacher, layers, strength: float):
        self.kind, self.layers = kind, tuple(layers)
        self.teacher = teacher.requires_grad_(False)
        self.strength = strength
        self._open = ExitStack()
        self.seen, self.known = {}, {}

    @property
    def key(self):
        digest = hashlib.sha256()
        for value in self.teacher.state_dict().values():
            digest.update(value.cpu().numpy().tobytes())
        return {"hook": self.kind, "layers": self.layers, "strength": self.strength,
                "teacher": digest.hexdigest()}

    def begin(self, module, steps):
        self.seen, self.known = (
            self._open.enter_context(listening(each, self.layers, self.kind))
            for each in (module, self.teacher))
        self._open.callback(module.register_forward_hook(self._ask).remove)

    def _ask(self, module, given, result):
        """Let the teacher see what the student saw."""
        if module.training:
            with torch.no_grad():
                self.teacher.to(given[0].device)(*given)

    def end(self, module):
        self._open.close()
        self.teacher.cpu()

    def lesson(self):
        """``strength`` times the differences of all layers together, a scalar of the batch."""
        return self.strength * sum(self.difference(name, self.seen[name], self.known[name])
                                   for name in self.layers)

    def penalty(self, module, step):
        return self.lesson()

    @abstractmethod
    def difference(self, name: str, student, teacher):
        """What sets the student's ``name`` apart from the teacher's, a scalar of the batch."""


class Regressor(nn.Module):
    """Features of the teacher guessed from those of the student: FitNets' ``r(v; W_r)``.

    A matrix for vectors, a convolution for maps, whose kernel is what the student's map is larger
    by. Begins as the identity where both have the same shape, else at random.

    Parameters
    ----------
    student, teacher : shape of one sample, (n,) or (c, h, w)
    generator : torch.Generator
    """

    def __init__(self, student, teacher, generator):
        super().__init__()
        self.shapes = student, teacher
        if len(student) != len(teacher) or any(a < b for a, b in zip(student[1:], teacher[1:],
                                                                     strict=True)):
            raise SpecError(f"hints: the student's features must be of as many axes as the"
                            f" teacher's and its maps no smaller, not {tuple(student)} for"
                            f" {tuple(teacher)}")
        kernel = [a - b + 1 for a, b in zip(student[1:], teacher[1:], strict=True)]
        shape = (teacher[0], student[0], *kernel)
        if tuple(student) == tuple(teacher):
            matrix = torch.eye(student[0]).reshape(shape)
        else:
            matrix = torch.randn(shape, generator=generator)
            matrix /= matrix[0].numel() ** 0.5
        # Not called "weight": it is no matrix of the network.
        self.matrix, self.offset = nn.Parameter(matrix), nn.Parameter(torch.zeros(teacher[0]))

    def forward(self, features):
        product = F.linear if features.dim() == 2 else F.conv2d
        return product(features, self.matrix, self.offset)


class HintLayers(Lesson):
    """``strength / 2 mean (u - r(v))**2`` of each layer: equation 3 of FitNets.

    The square is divided by the number of its elements, so that a strength says the same of all
    layers. ``r`` is trained with the student, and goes on from training to training; it begins anew
    where a layer has become narrower.

    Parameters
    ----------
    teacher, layers, strength    see :class:`Lesson`
    first : float                share of each training in which the hints are the only loss
    sample : Tensor              one sample at least, for the shapes
    generator : torch.Generator
    """

    def __init__(self, teacher, layers, strength, *, first: float, sample, generator):
        super().__init__("hints", teacher, layers, strength)
        self.first, self.sample, self.generator = first, sample, generator
        self.regressors: dict[str, Regressor] = {}
        self._alone, self._step = 0, 0

    @property
    def key(self):
        return super().key | {"first": self.first}

    @torch.no_grad()
    def begin(self, module, steps):
        super().begin(module, steps)
        self._alone = round(self.first * steps)
        was_training = module.training
        module.eval()(self.sample)
        self.teacher(self.sample)
        module.train(was_training)
        for name in self.layers:
            shapes = self.seen[name].shape[1:], self.known[name].shape[1:]
            if name not in self.regressors or self.regressors[name].shapes != shapes:
                self.regressors[name] = Regressor(*shapes, self.generator)
            module.get_submodule(name).add_module(CHILD, self.regressors[name])

    def before(self, module, step):
        self._step = step

    def loss(self, scores, labels, x):
        return self.lesson() if self._step < self._alone else None

    def penalty(self, module, step):
        return None if self.first else self.lesson()

    def difference(self, name, student, teacher):
        return (teacher - self.regressors[name](student)).square().mean() / 2

    def end(self, module):
        super().end(module)
        for name, regressor in self.regressors.items():
            delattr(module.get_submodule(name), CHILD)
            regressor.cpu()


def attention(features):
    """The map of attention of features (batch, c, h, w): ``sum_c |A_c|**2`` to length 1.

    Shape (batch, h * w); :math:`F_{sum}^2` of arXiv 1612.03928.
    """
    return F.normalize(features.square().sum(dim=1).flatten(1), dim=1)


class AttentionMaps(Lesson):
    """``strength / 2 mean (Q_s - Q_t)**2`` of each layer, ``Q`` its map of attention: equation 2.

    With the paper's strength of 1000, which it divides by the elements of the map and the batch.
    """

    def difference(self, name, student, teacher):
        if student.shape[2:] != teacher.shape[2:]:
            raise SpecError(f"attention: maps of '{name}' must be as large as the teacher's,"
                            f" {tuple(teacher.shape[2:])}, not {tuple(student.shape[2:])}")
        return (attention(student) - attention(teacher)).square().mean() / 2


@dataclass(frozen=True, kw_only=True)
class _Taught(Step):
    """A step whose lesson is part of all later trainings.

    Parameters
    ----------
    layers : list of str    of the model, best activations, as steps may replace matrices
    strength : float
    """

    layers: tuple[str, ...] | list[str]

    def check(self):
        self.require_names("layers")
        self.require_real("strength", 0, above=True)

    def validate(self, context):
        """Before numbers are rounded; the layers are there."""
        context.refuse(FIXED, "the teacher would be no better than the student:"
                              f" {self.kind} first")
        known = [name for name, layer in context.model.named_modules() if name]
        for name in self.layers:
            if name not in known:
                raise SpecError(f"layers must be of {known}, not {name!r}"
                                + did_you_mean(name, known))
        was_training = context.model.training
        with listening(context.model.eval(), self.layers, self.kind) as heard, torch.no_grad():
            context.model(torch.tensor(context.split.x_train[:1]).float())
        context.model.train(was_training)
        for name in self.layers:
            self.accept(name, tuple(heard[name].shape[1:]))

    def accept(self, name: str, shape) -> None:
        """Raise SpecError unless features of ``shape`` can be learnt from."""
        if len(shape) not in (1, 3):
            raise SpecError(f"layer '{name}' must give vectors or maps, not {shape}")


@dataclass(frozen=True, kw_only=True)
class Hints(_Taught):
    """Let hidden layers of the model as it is here guide those of what later steps make of it.

    Later trainings add ``strength / 2 ||u - r(v)||**2 / n``, ``u`` the teacher's features (of ``n``
    elements), ``v`` the student's of the same name and ``r`` a linear regressor that is trained
    too. Goes with ``distil``, and with other lessons.

    Parameters
    ----------
    layers, strength    see :class:`_Taught`
    first : float       0, or the share of each later training in which the hints are the only loss;
                        behind it they are none of it, as in the paper's two stages
    """

    kind: ClassVar[str] = "hints"
    text: ClassVar[str] = "later trainings learn hidden layers of the model as it is here (FitNets)"
    source: ClassVar[str] = "arXiv 1412.6550"
    strength: float = 1.0
    first: float = 0.0

    def check(self):
        super().check()
        self.require_real("first", 0, 1)

    def apply(self, run):
        """Keep the model as the teacher."""
        run.lessons.append(HintLayers(
            copy.deepcopy(run.model).eval(), self.layers, float(self.strength),
            first=float(self.first), sample=torch.tensor(run.samples(1)).float(),
            generator=run.generator("regressors")))


@dataclass(frozen=True, kw_only=True)
class Attention(_Taught):
    """Let the model as it is here show later trainings where in its maps it looks.

    They add ``strength / 2 mean (Q_s / |Q_s| - Q_t / |Q_t|)**2`` with ``Q = sum_c A_c**2`` of each
    layer, over the places of its map and the batch. Goes with ``distil``, and with other lessons.

    Parameters
    ----------
    layers, strength    see :class:`_Taught`; layers of maps
    """

    kind: ClassVar[str] = "attention"
    text: ClassVar[str] = "later trainings learn the maps of attention of the model as it is here"
    source: ClassVar[str] = "arXiv 1612.03928"
    strength: float = 1000.0

    def accept(self, name, shape):
        if len(shape) != 3:
            raise SpecError(f"layer '{name}' must give maps, (c, h, w), not {shape}")

    def apply(self, run):
        """Keep the model as the teacher."""
        run.lessons.append(AttentionMaps("attention", copy.deepcopy(run.model).eval(), self.layers,
                                         float(self.strength)))
