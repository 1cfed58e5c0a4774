"""What all steps share that remove channels: layers get smaller, and the graph stays."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from hwgen.numeric import SpecError

from ..channels import channels_of
from ..frame.marks import FIXED
from ..frame.prepare import matrices
from ..frame.step import TrainingStep, per_layer

__all__ = ["Narrowing", "ToDensity", "chosen"]


def chosen(found, names, what: str, value) -> list:
    """``[(set of channels, value)]`` of the sets that ``value`` names a layer of.

    One value, or a mapping of layers to it. All layers of a set get what one of them has. Layers
    whose outputs must stay are passed over, unless they are named.

    Parameters
    ----------
    found : Channels
    names : of all matrix layers
    what : str          name of the field

    Raises
    ------
    SpecError    If a layer is named that cannot lose outputs, two of one set have different values,
                 or nothing is left to do.
    """
    given = per_layer(what, value, names)
    named = {name: each for name, each in given.items()
             if isinstance(value, Mapping) and name in value}
    free = {name for each in found.sets for name in each.layers}
    for name in named:
        if name not in free:
            raise SpecError(f"layer '{name}' must have outputs that the model can lose, but"
                            f" {found.stay.get(name, 'is no Linear or Conv2d')}; name others in"
                            f" {what}")
    result = []
    for each in found.sets:
        values = {name: named[name] for name in each.layers if name in named} or {
            name: given[name] for name in each.layers if name in given}
        if len({*values.values()}) > 1:
            raise SpecError(f"layers {list(values)} must have one {what}, since their outputs are"
                            f" added and go together, not {list(values.values())}")
        if values:
            result.append((each, next(iter(values.values()))))
    if not result:
        raise SpecError("model must have a layer whose outputs it can lose, and has none")
    return result


@dataclass(frozen=True, kw_only=True)
class Narrowing(TrainingStep):
    """What the steps share: neurons of Linear layers and maps of Conv2d are removed.

    Whatever reads them gets smaller too, and layers whose outputs are added lose the same ones.
    """

    def validate(self, context):
        """Of a model in float whose weights are under no form."""
        context.refuse(FIXED, "channels are removed from floats: do it before 'quantise'")
        for mark in ("pruned", "shared", "tied"):
            context.refuse(mark, "its forms are of weights that would go: remove channels first")
        self.expect(context, channels_of(context.model, torch.tensor(context.split.x_train[:1])))

    @abstractmethod
    def expect(self, context, found) -> None:
        """Let the context know what will be left."""

    def cut(self, run, found, gone) -> None:
        """Remove the channels ``gone``, a list of tensors of numbers."""
        run.model = found.without(run.model, torch.cat(gone))

    def note(self, run) -> None:
        """Note the outputs that each layer has."""
        run.notes[self.kind] = {"outputs": {name: len(layer.weight)
                                            for name, layer in run.matrices.items()}}


@dataclass(frozen=True, kw_only=True)
class ToDensity(Narrowing):
    """A step that leaves a given share of each layer's outputs.

    Parameters
    ----------
    density : float in (0, 1], or mapping of layer to it    share of the outputs that stay
    rounds : int    in each of which a part is removed, then trained for ``epochs``
    """

    density: float | Mapping[str, float]
    rounds: int = 1

    def check(self):
        self.require_real("density", 0, 1, above=True)
        self.require_int("rounds", 1)

    def expect(self, context, found):
        """As many are left as the density says; which is not known yet, and the first stand in."""
        gone = [each.numbers[left(each, density):] for each, density in
                chosen(found, context.layers, "density", self.density)]
        context.model = found.without(context.model, torch.cat(gone))
        context.layers = matrices(context.model)

    def apply(self, run):
        """Round by round; densities fall by the same factor each time."""
        found = channels_of(run.model, run.labelled(1)[0])
        final = {each.layers: (len(each.numbers), density) for each, density in
                 chosen(found, run.matrices, "density", self.density)}
        for k in range(1, self.rounds + 1):
            self.remove(run, {layers: max(1, round(n * density ** (k / self.rounds)))
                              for layers, (n, density) in final.items()})
        self.note(run)

    @abstractmethod
    def remove(self, run, counts) -> None:
        """Leave so many channels of the sets of these layers, and train."""


def left(channels, density: float) -> int:
    """How many of a set stay: at least one."""
    return max(1, round(density * len(channels.numbers)))
