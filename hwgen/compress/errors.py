"""Errors of training and export; other wrong amounts raise :class:`~hwgen.numeric.SpecError`."""

from hwgen.numeric import SpecError

__all__ = ["CheckpointError", "ExportError", "TrainingError"]


class TrainingError(RuntimeError):
    """A training run cannot go on; the message says where it stopped and what was kept."""


class CheckpointError(RuntimeError):
    """A checkpoint cannot be used: damaged, from another format version or another training."""


class ExportError(SpecError):
    """A module has no exact export; ``faults`` lists every reason, one sentence each."""

    def __init__(self, name: str, faults: list[str]):
        self.faults = tuple(faults)
        lines = "".join(f"\n  - {fault}" for fault in faults)
        super().__init__(f"export '{name}' found {len(faults)} fault(s):{lines}")
