"""Forms of weights: torch parametrisations that say which values a matrix may have.

A layer under a form keeps the latent weights that training moves, and computes with what the form
makes of them: some set to 0, some made equal. Forms may stand one behind another.
"""

import copy
from abc import ABC, abstractmethod

import torch
from torch import nn
from torch.nn.utils import parametrize

__all__ = ["Form", "baked", "form_of", "forms_of", "latent", "maker_of", "put",
           "shares_values", "storages_of"]


class Form(nn.Module, ABC):
    """What is made of the latent weights of one layer; all its state is in buffers and parameters.

    So a checkpoint holds it, and a training goes on from there.

    Members
    -------
    is_shared : bool
        Weights take a few values, so the exported matrix is a :class:`~hwgen.ir.Shared`.
    made_by : str
        The steps that put it there, in messages; the class where it is empty.
    """

    is_shared = False
    made_by = ""

    @abstractmethod
    def forward(self, weight):
        """The weights that are computed with, in the shape and dtype of ``weight``."""

    def moved(self, arrange, factor=None) -> "Form":
        """A copy of the form for a layer whose weights are ``arrange(weight) * factor``.

        ``arrange`` reorders and reshapes all but the outputs; ``factor`` is of each output,
        (n_out,), where a batch norm is folded in, else None. State of the shape of the weights is
        in the buffers named ``of_weights``. A form that cannot be kept raises SpecError.
        """
        moved = copy.deepcopy(self)
        for name in self.of_weights:
            setattr(moved, name, arrange(getattr(self, name)).clone())
        return moved

    of_weights: tuple[str, ...] = ()

    def storage(self):
        """How weights of this form are stored, a storage of the account; None where any will do."""
        return None


def put(layer, form: Form) -> Form:
    """Put the weights of ``layer`` under ``form``, behind the forms that it has; returns it."""
    parametrize.register_parametrization(layer, "weight", form)
    return form


def forms_of(layer) -> list[Form]:
    """Forms of a layer's weights, the first one nearest to the latent ones."""
    if not parametrize.is_parametrized(layer, "weight"):
        return []
    return [form for form in layer.parametrizations.weight if isinstance(form, Form)]


def shares_values(layer) -> bool:
    """Whether a layer's weights take a few values, so that they are exported as such."""
    return any(form.is_shared for form in forms_of(layer))


def storages_of(layer) -> list:
    """How the forms of a layer's weights are stored, the last one's first."""
    found = [form.storage() for form in reversed(forms_of(layer))]
    return [storage for storage in found if storage is not None]


def form_of(layer, kind):
    """The form of ``kind`` that a layer has, or None."""
    return next((form for form in forms_of(layer) if isinstance(form, kind)), None)


def maker_of(layer) -> str:
    """What made the first form of a layer's weights, for messages."""
    form = forms_of(layer)[0]
    return form.made_by or type(form).__name__


def latent(layer):
    """The weights that training moves, (n_out, ...): those before all forms."""
    if parametrize.is_parametrized(layer, "weight"):
        return layer.parametrizations.weight.original
    return layer.weight


@torch.no_grad()
def baked(module):
    """A copy of ``module`` whose layers hold the weights that their forms make, and no forms.

    Not by torch's own ``remove_parametrizations``: copies share the class that it takes the
    property from, so that it breaks the original.
    """
    module = copy.deepcopy(module)
    if parametrize.is_parametrized(module, "weight"):
        return _without_forms(module)
    for parent in list(module.modules()):
        for name, layer in list(parent.named_children()):
            if parametrize.is_parametrized(layer, "weight"):
                setattr(parent, name, _without_forms(layer))
    return module


def _without_forms(layer):
    plain = object.__new__(type(layer).__mro__[1])
    plain.__dict__ = {key: copy.copy(value) if isinstance(value, dict) else value
                      for key, value in layer.__dict__.items()}
    del plain._modules["parametrizations"]
    plain.weight = nn.Parameter(layer.weight.detach().clone())
    plain.is_shared = shares_values(layer)
    plain.storages = storages_of(layer)
    return plain
