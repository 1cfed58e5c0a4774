"""Structured sparsity: all that makes a channel is one group, and groups are driven to 0."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch

from ..channels import channels_of
from ..frame.marks import NARROWED
from ..hook import Hook
from .narrow import Narrowing, chosen

__all__ = ["GroupLasso", "Proximal", "group_norms"]


def _parameters(model, each):
    """``(name of the layer, parameter)`` of all whose rows make the channels of a set."""
    return [(name, value) for name in (*each.layers, *each.norms)
            for value in (model.get_submodule(name).weight, model.get_submodule(name).bias)
            if value is not None]


@torch.no_grad()
def group_norms(model, found, each):
    """``(norms, sizes)`` of the groups of a set, (n,) each: of all parameters of a channel.

    Weights and biases of the filters that make it, scales and shifts of norms behind them: where
    all are 0, so is the channel.
    """
    squares = sizes = 0
    for name, value in _parameters(model, each):
        rows = value.flatten(1) if value.dim() > 1 else value[:, None]
        squares = squares + found.totals({name: rows.square().sum(1).cpu()})
        sizes = sizes + found.totals({name: torch.full((len(rows),), float(rows.shape[1]))})
    return squares[each.numbers].sqrt(), sizes[each.numbers]


class Proximal(Hook):
    """Behind each step brings groups nearer to 0: ``w max(0, 1 - rate strength sqrt(n) / |w|)``.

    The proximal step of ``strength * sum over groups of sqrt(n) |w|``, ``n`` the group's size and
    ``|w|`` its norm: the group lasso of arXiv 1608.03665, whose groups become 0 exactly. The
    largest group of a set is left as it is.
    """

    def __init__(self, found, strengths, rate: float):
        self.found, self.strengths, self.rate = found, strengths, rate

    @property
    def key(self):
        return {"hook": "Proximal", "rate": self.rate,
                "strengths": [[each.layers, strength] for each, strength in self.strengths]}

    def after(self, module, step):
        for each, strength in self.strengths:
            norms, sizes = group_norms(module, self.found, each)
            left = 1 - self.rate * strength * sizes.sqrt() / norms.clamp_min(1e-30)
            left[norms.argmax()] = 1.0
            factors = torch.ones(self.found.count)
            factors[each.numbers] = left.clamp_min(0)
            for name, value in _parameters(module, each):
                rows = factors[self.found.rows[name]].to(value)
                value.mul_(rows.view(-1, *[1] * (value.dim() - 1)))


@dataclass(frozen=True, kw_only=True)
class GroupLasso(Narrowing):
    """Train with a penalty on the norm of all that makes a channel; remove those that became 0.

    Groups are filters (rows of Linear layers) with their bias and the scales and shifts of batch
    norms behind, of all layers whose outputs are added. A proximal step behind each of Adam's, with
    its rate, which is constant here, sets groups to 0; they are removed, which changes no score
    (but where Sigmoid makes 0.5 of 0). The paper's groups of kernels and of depth are left out.

    Parameters
    ----------
    strength : float, or mapping of layer to it
        Of the penalty, against Adam's steps, which move a weight by its rate at most: 1 outweighs
        every loss, 0 penalises nothing
    epochs : int     of training with it
    retrain : int    epochs behind the removal, without it
    """

    kind: ClassVar[str] = "group-lasso"
    text: ClassVar[str] = "drive all weights of a channel to 0 together, remove those that are 0"
    source: ClassVar[str] = "arXiv 1608.03665"
    strength: float | Mapping[str, float]
    retrain: int = 0
    epochs: int = 1

    def check(self):
        self.require_real("strength", 0)
        self.require_int("epochs", 1)
        self.require_int("retrain", 0)

    def expect(self, context, found):
        """Which channels stay is found in training alone."""
        chosen(found, context.layers, "strength", self.strength)
        context.mark(NARROWED)

    def apply(self, run):
        """Train, remove what is 0, train."""
        found = channels_of(run.model, run.labelled(1)[0])
        strengths = chosen(found, run.matrices, "strength", self.strength)
        run.train(self, lr_end=self.lr, hooks=(Proximal(found, strengths, self.lr),))
        self.cut(run, found, [each.numbers[group_norms(run.model, found, each)[0] == 0]
                              for each, _ in strengths])
        run.train(self, epochs=self.retrain)
        self.note(run)
