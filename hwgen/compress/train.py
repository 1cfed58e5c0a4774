"""The training loop that every recipe shares."""

import contextlib
import hashlib
import json
import math
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from hwgen.numeric import SpecError

from .augment import mixed, shifted
from .checkpoint import load_checkpoint, save_checkpoint
from .distil import distillation_loss
from .errors import CheckpointError, TrainingError
from .layer import Layer
from .products import integer_products
from .settings import Epoch, Settings

__all__ = ["density", "train"]


def train(module, split, *, settings: Settings, name: str = "training", teacher=None,
          pruning=None, hooks=(), copies=None, checkpoint=None, progress=None, measure=None,
          device="cpu"):
    """Train ``module`` on the training part of ``split``; returns it in evaluation mode.

    One thread is used: these networks are too small for more, and the result then does not depend
    on the number of processors. The random order and changes of the samples follow from
    (seed, epoch) alone, so a run that resumes from its checkpoint ends with the same weights as one
    that was never interrupted. There is no selection of epochs: the last one is the result.

    Parameters
    ----------
    module : torch.nn.Module
        Takes integers as float, (batch, n_in) or (batch, c, h, w); returns scores (batch, classes).
    split : Split
    settings : Settings
    name : str
        Used in progress and errors.
    teacher : torch.nn.Module, optional
        In evaluation mode; adds the distillation loss.
    pruning : GradualPruning, optional
    hooks : sequence of Hook
        Take part in each step; see :mod:`hwgen.compress.hook`.
    copies : Copies, optional
        Takes the place of the training samples, one copy each epoch; where it has a teacher's
        scores, they give the distillation loss.
    checkpoint : path, optional
        Written after every epoch; a training found there is continued.
    progress : callable of Epoch, optional
    measure : callable of the module, optional
        Bits that must be stored; reported with each epoch.
    device : str
        Where the products are computed; the module comes back to the CPU.

    Raises
    ------
    TrainingError     When the loss or a weight is not finite; the last good checkpoint stays.
    CheckpointError   When ``checkpoint`` is damaged or belongs to another training.
    """
    run = _Run(module, split, settings, name, teacher, pruning, copies, checkpoint, tuple(hooks),
               measure, device)
    try:
        with (_one_thread(), torch.random.fork_rng(devices=[]),
              integer_products(settings.integer_products)):
            for epoch in range(run.resume(), settings.epochs):
                report = run.epoch(epoch)
                run.save(epoch + 1)
                if progress is not None:
                    progress(report)
    finally:
        for hook in run.hooks:
            hook.end(module)
    if teacher is not None:
        teacher.cpu()
    return module.cpu().eval()


@torch.no_grad()
def density(module) -> float:
    """Share of nonzero entries over all weight matrices, counted on integers where quantised."""
    nonzero = total = 0
    for part in module.modules():
        weight = part.integer_weight() if hasattr(part, "integer_weight") else getattr(
            part, "weight", None)
        if isinstance(weight, torch.Tensor) and weight.dim() > 1:
            nonzero += int(torch.count_nonzero(weight))
            total += weight.numel()
    if not total:
        raise SpecError(f"density: module must have a weight matrix, not be a"
                        f" {type(module).__name__}")
    return nonzero / total


@contextlib.contextmanager
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _Run:
    """State of one training run."""

    def __init__(self, module, split, settings, name, teacher, pruning, copies, checkpoint, hooks,
                 measure, device):
        self.side = split.side
        if split.x_train.ndim == 4 and split.x_train.shape[2] == split.x_train.shape[3]:
            self.side = split.x_train.shape[3]
        if settings.shift and self.side is None:
            raise SpecError(f"training '{name}': shift must be 0 for samples that are not images,"
                            f" not {settings.shift!r}")
        self.module, self.settings, self.name = module, settings, name
        self.teacher, self.pruning = teacher, pruning
        self.path = None if checkpoint is None else Path(checkpoint)
        self.copies, self.soft = copies, None
        self.hooks, self.measure, self.device = hooks, measure, device
        self.x = torch.from_numpy(np.array(split.x_train))
        self.x = self.x.float() if copies is None else self.x
        self.y = torch.from_numpy(split.y_train).long()
        self.steps = math.ceil(len(self.x) / settings.batch)
        for hook in hooks:
            hook.begin(module, settings.epochs * self.steps)
        self.optimiser = torch.optim.Adam(module.parameters(), lr=settings.lr,
                                          weight_decay=settings.weight_decay,
                                          fused=settings.integer_products or None)
        if pruning is not None:
            pruning.attach(module)
        self.identity = self._identity()
        module.to(device)
        if teacher is not None:
            teacher.to(device)

    def _identity(self) -> str:
        """What must agree before a checkpoint may be continued; taken before the first step."""
        digest = hashlib.sha256(repr(self.module).encode())
        tensors = [self.x, self.y, *self.module.state_dict().values()]
        if self.teacher is not None:
            tensors += self.teacher.state_dict().values()
        for tensor in tensors:
            digest.update(tensor.numpy().tobytes())
        if self.copies is not None:
            digest.update(f"{self.copies.digest} {self.copies.count}".encode())
        pruning = self.pruning and {k: v for k, v in vars(self.pruning).items() if k != "masks"}
        return json.dumps([self.name, asdict(self.settings), pruning, digest.hexdigest(),
                           *(hook.key for hook in self.hooks)])

    def resume(self) -> int:
        """Load the checkpoint, if there is one; returns the number of epochs already done."""
        if self.path is None or not self.path.exists():
            return 0
        state = load_checkpoint(self.path)
        if state["identity"] != self.identity:
            raise CheckpointError(f"checkpoint '{self.path}' must be of training '{self.name}' with"
                                  f" these settings, data and initial weights, not of another:"
                                  f" delete it or name another file")
        self.module.load_state_dict(state["module"])
        self.optimiser.load_state_dict(state["optimiser"])
        if self.pruning is not None:
            self.pruning.load_state_dict(state["masks"])
        return state["epochs"]

    def save(self, epochs: int) -> None:
        self.require_finite(f"after epoch {epochs}")
        if self.path is not None:
            save_checkpoint(self.path, {
                "identity": self.identity, "epochs": epochs, "module": self.module.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "masks": {} if self.pruning is None else self.pruning.state_dict(),
            })

    def require_finite(self, when: str) -> None:
        """Stop unless all numbers of the module are finite."""
        for path, value in self.module.state_dict().items():
            if not bool(torch.isfinite(value).all()):
                self.stop(f"'{path}' must be finite, but it is not {when}")

    def stop(self, reason):
        kept = (f"the last good checkpoint is '{self.path}'"
                if self.path is not None and self.path.exists() else "there is no checkpoint")
        raise TrainingError(f"training '{self.name}': {reason}; {kept}. Try a smaller lr than"
                            f" {self.settings.lr}")

    def epoch(self, epoch: int) -> Epoch:
        torch.manual_seed(self.settings.seed * 100_003 + epoch)
        if self.copies is not None:
            self.x, self.soft = self.copies.part(epoch)
        self.module.train()
        total = right = 0
        for k, index in enumerate(torch.randperm(len(self.x)).split(self.settings.batch)):
            try:
                loss, scores = self.step(epoch * self.steps + k, index)
            except (OverflowError, ValueError):     # as of a step of numbers that became nan
                self.require_finite(f"in epoch {epoch + 1}, step {k + 1}")
                raise
            if not math.isfinite(loss):
                self.stop(f"loss must be finite, not {loss} in epoch {epoch + 1}, step {k + 1}")
            total += loss * len(index)
            right += int((scores.argmax(1) == self.y[index]).sum())
        n = len(self.x)
        return Epoch(self.name, epoch + 1, self.settings.epochs, total / n, right / n,
                     density(self.module), self.measure and self.measure(self.module))

    def step(self, step: int, index):
        """One optimiser step on the samples ``index``; returns the loss and the scores."""
        settings = self.settings
        x, labels = self.x[index].float(), self.y[index].to(self.device)
        if settings.shift:
            x = shifted(x, settings.shift, self.side)
        if settings.mix:
            x = mixed(x, settings.mix)
        half_cosine = (1 + math.cos(math.pi * step / (settings.epochs * self.steps))) / 2
        for group in self.optimiser.param_groups:
            group["lr"] = settings.lr_end + (settings.lr - settings.lr_end) * half_cosine
        x = x.to(self.device)
        for hook in self.hooks:
            hook.before(self.module, step)
        scores = self.module(x)
        loss = self.loss(scores, x, index, labels, step)
        self.optimiser.zero_grad()
        loss.backward()
        for hook in self.hooks:
            hook.gradient(self.module, step)
        self.optimiser.step()
        for part in self.module.modules():
            if isinstance(part, Layer):
                part.constrain()
        if self.pruning is not None:
            self.pruning.step(self.module, step)
        with torch.no_grad():
            for hook in self.hooks:
                hook.after(self.module, step)
        return loss.item(), scores.detach().cpu()

    def soft_scores(self, x, index):
        """The teacher's scores of the samples; None without a teacher."""
        if self.soft is not None:
            return self.soft[index].to(self.device)
        if self.teacher is None:
            return None
        with torch.no_grad():
            return self.teacher(x)

    def loss(self, scores, x, index, labels, step):
        """The loss of a batch, with what the hooks add."""
        loss = next((own for hook in self.hooks
                     if (own := hook.loss(scores, labels, x)) is not None), None)
        if loss is None:
            loss = self._usual_loss(scores, self.soft_scores(x, index), labels)
        for hook in self.hooks:
            penalty = hook.penalty(self.module, step)
            loss = loss if penalty is None else loss + penalty
        return loss

    def _usual_loss(self, scores, soft, labels):
        if soft is None:
            return F.cross_entropy(scores, labels)
        return distillation_loss(scores, soft, labels, alpha=self.settings.alpha,
                                 temperature=self.settings.temperature)
