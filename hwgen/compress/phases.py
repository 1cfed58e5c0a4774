"""The trainings that make up one recipe, with what they share."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from hwgen.numeric import SpecError

from .settings import Settings
from .train import train

__all__ = ["Phases"]


class Phases:
    """The trainings of one recipe: shared data, seed, checkpoint folder and progress."""

    def __init__(self, name, split, seed, folder, progress, effort, teacher=None):
        if not 0 < effort <= 1:
            raise SpecError(f"recipe '{name}': effort must be above 0 and at most 1, not"
                            f" {effort!r}")
        self.name, self.split, self.seed, self.teacher = name, split, seed, teacher
        self.folder = None if folder is None else Path(folder)
        self.progress, self.effort = progress, effort

    def build(self, make: Callable[[], nn.Module]) -> nn.Module:
        """A fresh module whose initial weights follow from the seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            return make()

    def steps(self, settings: Settings) -> int:
        return settings.epochs * -(-len(self.split.x_train) // settings.batch)

    def settings(self, epochs: int, **options) -> Settings:
        return Settings(epochs=max(1, round(epochs * self.effort)), seed=self.seed, **options)

    def run(self, phase: str, module, settings: Settings, *, pruning=None, copies=None):
        name = f"{self.name}-{phase}" if phase else self.name
        return train(module, self.split, settings=settings, name=name, teacher=self.teacher,
                     pruning=pruning, copies=copies, progress=self.progress,
                     checkpoint=self.folder and self.folder / f"{name}.ckpt")
