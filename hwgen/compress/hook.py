"""What may take part in a training besides the optimiser."""

from dataclasses import asdict, is_dataclass

__all__ = ["Hook"]


class Hook:
    """Looks on at a training: may add to the loss, and may change the module after each step.

    All its state is in the module (in forms of weights, say), or follows from the step alone, so
    that a training goes on from its checkpoint as if it had never stopped. Subclasses are frozen
    dataclasses, or override :attr:`key`.
    """

    @property
    def key(self) -> dict:
        """What must agree where a checkpoint is continued; ready for JSON."""
        return {"hook": type(self).__name__} | (asdict(self) if is_dataclass(self) else {})

    def begin(self, module, steps: int) -> None:
        """Before the first step, also of a training that is continued; ``steps`` in all."""

    def before(self, module, step: int) -> None:
        """Before step ``step`` (from 0), its batch not yet evaluated."""

    def penalty(self, module, step: int):
        """What is added to the loss of step ``step``, a scalar tensor, or None."""
        return None

    def loss(self, scores, labels, x):
        """The loss in place of cross entropy, a scalar tensor; None leaves it as it is."""
        return None

    def gradient(self, module, step: int) -> None:
        """Between the gradients of step ``step`` and the optimiser's own step."""

    def after(self, module, step: int) -> None:
        """After the optimiser's step ``step``; torch records no gradients."""

    def end(self, module) -> None:
        """Behind the last step, or where the training stops: take back what :meth:`begin` put."""
