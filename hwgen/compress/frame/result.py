"""What a recipe gives: the exact network, how well it does, and what it takes."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from hwgen import golden
from hwgen.ir import Network

from ..errors import TrainingError
from ..export import export, node_name, predict_integers
from ..recipes import accuracy, float_scores
from .account import Account, account_of
from .recipe import Recipe

__all__ = ["BudgetError", "Compressed", "counted", "finished"]

BATCH = 500
"""Samples at a time: bounds the memory."""


class BudgetError(TrainingError):
    """A recipe ended beyond its budget; ``result`` is the best that was found."""

    def __init__(self, message: str, result: "Compressed"):
        super().__init__(message)
        self.result = result


@dataclass(frozen=True, eq=False)
class Compressed:
    """The result of :func:`hwgen.compress.compress`.

    Members
    -------
    network : Network        exact; its ``meta`` has the account, the accuracies and the notes
    module : torch.nn.Module the trained module, whose integers these are
    recipe : Recipe
    accuracy : dict          percent of the test samples: ``float`` (as it came), ``torch``
                             (in integers) and ``golden``, which are compared score by score
    account : Account        every bit that the network stores
    notes : dict             what the steps report
    epochs : tuple of Epoch  of all trainings
    reference : torch.nn.Module or None
                             the float module as it was when its numbers became integers
    """

    network: Network
    module: nn.Module
    recipe: Recipe
    accuracy: dict
    account: Account
    notes: dict
    epochs: tuple
    reference: nn.Module | None = None

    @property
    def error(self) -> float:
        """Percent of the test samples that golden gets wrong."""
        return round(100 - self.accuracy["golden"], 4)

    def to_dict(self) -> dict:
        """Ready for JSON."""
        return {"name": self.network.name, "digest": self.network.digest,
                "accuracy": self.accuracy, "error": self.error, **self.account.to_dict(),
                "notes": self.notes, "recipe": self.recipe.to_dict()}

    def save(self, path) -> Path:
        """Write the network to ``path``, or as ``NAME.hwgen`` into that folder; returns its path.

        Beside it go the recipe (``.toml``) and the report (``.json``).
        """
        path = Path(path)
        path = path / f"{self.network.name}.hwgen" if path.suffix != ".hwgen" else path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.network.save(path)
        self.recipe.save(path.with_suffix(".toml"))
        path.with_suffix(".json").write_text(json.dumps(self.to_dict(), indent=1) + "\n",
                                             encoding="utf-8")
        return path


def finished(run, reference=None) -> Compressed:
    """The result of a run whose steps are done; ``reference`` is a member of it.

    Raises
    ------
    ExportError    If a layer has no exact form.
    AssertionError If golden and torch differ in a score, which is a bug of ours.
    BudgetError    If the result is beyond the recipe's budget.
    """
    split, recipe = run.split, run.recipe
    network = export(run.model.eval(), split.x_train[:1], name=recipe.name)
    scores = np.concatenate([predict_integers(run.model, x) for x in _parts(split.x_test)])
    found = _golden_scores(network, split.x_test)
    if not np.array_equal(found, scores):
        raise AssertionError(f"{recipe.path}: golden and torch must agree on every score")
    origin = np.concatenate([float_scores(run.origin, x) for x in _parts(split.x_test)])
    accuracies = {name: round(100 * accuracy(each, split.y_test), 4) for name, each in
                  (("float", origin), ("torch", scores), ("golden", found))}
    account = counted(run, network)
    network = export(run.model, split.x_train[:1], name=recipe.name, meta={
        "recipe": recipe.to_dict(), "seed": recipe.seed, "accuracy": accuracies["golden"],
        "compression": account.to_dict(), "notes": run.notes})
    result = Compressed(network, run.model, recipe, accuracies, account, run.notes,
                        tuple(run.epochs), reference)
    _check_budget(result)
    return result


def counted(run, network: Network) -> Account:
    """The account of what a run has become, exported as ``network``.

    What a matrix says of itself comes from the network, so that its file gives the same account.
    """
    parameters = sum(p.numel() for p in run.origin.parameters())
    storage = {node_name(name): run.storage.get(name) for name in run.matrices}
    return account_of(network, storage, parameters)


def _parts(x):
    return np.split(x, range(BATCH, len(x), BATCH))


def _golden_scores(network, x):
    """Scores of samples as the module takes them: maps channels first."""
    return np.concatenate([golden.run(network, np.moveaxis(part, 1, -1))[network.scores]
                           for part in _parts(x)])


def _check_budget(result):
    budget = result.recipe.budget
    if budget is None:
        return
    wrong = []
    if budget.bits is not None and result.account.bits > budget.bits:
        wrong.append(f"at most {budget.bits:,} bits")
    if budget.error is not None and result.error > budget.error:
        wrong.append(f"an error of at most {budget.error:g} %")
    if wrong:
        raise BudgetError(f"{result.recipe.path}: budget must be met, {' and '.join(wrong)}; the"
                          f" best found has {result.account.bits:,} bits and an error of"
                          f" {result.error:g} %", result)
