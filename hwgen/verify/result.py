"""What a simulation found."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Mismatch", "MismatchError", "SimResult", "VerifyError"]


@dataclass(frozen=True)
class Mismatch:
    """The first value that differs: of the earliest image, at the first node in network order.

    Members
    -------
    node : str               whose value it is
    image, index : int       frame, and element in it
    expected, found : int    golden's value and the hardware's; ``found`` is None where the
                             stream between the stages ended too early
    """

    node: str
    image: int
    index: int
    expected: int
    found: int | None

    def __str__(self):
        found = "nothing" if self.found is None else self.found
        return (f"node '{self.node}' of image {self.image}, index {self.index}:"
                f" expected {self.expected}, found {found}")


@dataclass(frozen=True, eq=False)
class SimResult:
    """One run of the bench.

    Members
    -------
    scores : int64 ``(n, outputs)``   as the hardware sent them
    classes : int64 ``(n,)`` or None  likewise; None where the network has no class, ``(n, k)``
                                      where it gives the k best
    compared, mismatched : int        values, scores and classes together
    first_mismatch : Mismatch or None
    latency_cycles : int or None      first input beat to first output beat of a lone frame
    interval_cycles : float or None   mean between frames at full rate; both without stalls only
    cycles : int                      simulated, in all
    seconds : float                   wall-clock time of the simulation, without the compiler's
    stalls, seed, mode, simulator, version, bench : what was run, with what
    """

    scores: np.ndarray
    classes: np.ndarray | None
    compared: int
    mismatched: int
    first_mismatch: Mismatch | None
    latency_cycles: int | None
    interval_cycles: float | None
    cycles: int
    seconds: float
    stalls: str
    seed: int
    mode: str
    simulator: str
    version: str
    bench: str = "cocotb"


class VerifyError(RuntimeError):
    """The hardware does not do what the golden model does.

    Members
    -------
    faults : tuple of str         what is wrong besides values
    mismatch : Mismatch or None
    result : SimResult            all that came out
    """

    def __init__(self, message: str, result: SimResult, faults=()):
        super().__init__(message)
        self.result = result
        self.faults = tuple(faults)
        self.mismatch = result.first_mismatch


class MismatchError(VerifyError):
    """A value differs; the message names node, image, index, expected and found value."""
