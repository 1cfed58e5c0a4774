"""Hooks of what a network learns from hidden layers of a teacher: hints, and maps of attention."""

import hashlib
from abc import abstractmethod
from contextlib import ExitStack, contextmanager
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

from hwgen.numeric import SpecError

from ..hook import Hook

__all__ = ["AttentionMaps", "HintLayers", "Lesson", "Regressor", "attention", "listening"]

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
