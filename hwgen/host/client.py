"""The host's end of the board link: sends vectors over a serial port and collects the answers."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Self

import numpy as np
import serial

from hwgen.host.framing import (
    IDENTITY_BYTES,
    LOADED_BYTES,
    Decoder,
    ErrorCode,
    Frame,
    Kind,
    chunks_of,
    encode,
)
from hwgen.host.layout import Layout
from hwgen.numeric.errors import SpecError

__all__ = ["BoardClient", "Identity", "LinkError"]

PROTOCOL_VERSION = 1
NO_CHUNK = (1 << 8 * LOADED_BYTES) - 1
"""A number that no chunk of weights has: the board only says which one is next."""

Progress = Callable[[int, int], None]


class LinkError(RuntimeError):
    """The board cannot be reached, does not answer, or holds another network."""


@dataclass(frozen=True)
class Identity:
    """What the board says it is.

    ``buffers`` is how many requests may be unanswered at once, ``pending`` how many are;
    ``digest`` the first 8 bytes of the network's SHA-256; ``in_bytes`` and ``out_bytes`` the
    sizes of the payloads.
    """

    version: int
    buffers: int
    pending: int
    in_bytes: int
    out_bytes: int
    digest: bytes

    @classmethod
    def from_payload(cls, payload: bytes) -> "Identity":
        """Read the payload of an ``IDENTITY`` frame."""
        sizes = [int.from_bytes(payload[at:at + 2], "little") for at in (3, 5)]
        return cls(*payload[:3], *sizes, payload[7:])


class BoardClient:
    """Runs a network on a board.

    Up to ``Identity.buffers`` requests are under way at once, so that the next vector travels
    while the board computes. A request that the board refuses, or that stays unanswered for
    ``timeout_s``, is sent again up to ``retries`` times.

    Parameters
    ----------
    port : str
        Serial device, such as ``/dev/ttyUSB0`` or ``COM3``.
    manifest : mapping
        The artefact's ``manifest.json``.
    baud : int
        Bits a second; must be what the board was built for.
    timeout_s : float
        Longest silence of the board, in seconds, before requests are repeated.
    retries : int
        How often one request is repeated before giving up.

    Raises
    ------
    LinkError
        If ``port`` cannot be opened.
    SpecError
        If ``manifest``, ``timeout_s`` or ``retries`` is not usable.
    """

    def __init__(self, port: str, *, manifest: Mapping, baud: int = 1_000_000,
                 timeout_s: float = 1.0, retries: int = 3):
        if timeout_s <= 0:
            raise SpecError(f"timeout_s must be positive, not {timeout_s!r}")
        if retries < 0:
            raise SpecError(f"retries must not be negative, not {retries!r}")
        self._layout = Layout.from_manifest(manifest)
        self._port, self._timeout_s, self._retries = port, timeout_s, retries
        self._weight_bytes = manifest.get("weights", {}).get("bytes")
        self._decoder = Decoder(lengths={Kind.RESULT: self._layout.out_bytes, Kind.ERROR: 1,
                                         Kind.IDENTITY: IDENTITY_BYTES,
                                         Kind.LOADED: LOADED_BYTES})
        self._seq = 0
        self._identity: Identity | None = None
        try:
            self._serial = serial.Serial(port, baud, timeout=min(timeout_s, 0.05),
                                         write_timeout=timeout_s)
        except (serial.SerialException, ValueError) as error:
            raise LinkError(f"port must be a serial port that can be opened, not {port!r}: "
                            f"{error}") from error
        self._serial.reset_input_buffer()
        # An FTDI chip holds short answers back for 16 ms unless told otherwise; not every port
        # has such a setting.
        with suppress(AttributeError, NotImplementedError, OSError, ValueError):
            self._serial.set_low_latency_mode(True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Close the serial port."""
        self._serial.close()

    def identify(self) -> Identity:
        """Ask the board what it is.

        Raises
        ------
        LinkError
            If the board does not answer, or speaks another version of the link.
        """
        payload = self._exchange(Kind.IDENTIFY, [b""], window=1)[0]
        identity = Identity.from_payload(payload)
        if identity.version != PROTOCOL_VERSION:
            raise LinkError(f"board on {self._port!r}: link version must be {PROTOCOL_VERSION}, "
                            f"not {identity.version!r}")
        return identity

    def check(self) -> Identity:
        """Identify the board and make sure that it holds the manifest's network and is idle.

        What an earlier run left unanswered is waited for, so that its results, which may have
        the same numbers, are not taken for ours.

        Raises
        ------
        LinkError
            If the board holds another network, has frames of other sizes, or stays busy.
        """
        identity = self.identify()
        started = time.monotonic()
        while identity.pending:
            if time.monotonic() - started > self._timeout_s:
                raise LinkError(f"board on {self._port!r}: earlier requests must be answered "
                                f"within {self._timeout_s:g} s, {identity.pending} are not")
            identity = self.identify()
        self._require_ours(identity)
        self._identity = identity
        return identity

    def _require_ours(self, identity: Identity) -> None:
        """Raise LinkError unless the board holds the manifest's network."""
        layout = self._layout
        if identity.digest != layout.digest:
            raise LinkError(f"board on {self._port!r}: network must be {layout.name!r} "
                            f"(digest {layout.digest.hex()}...), "
                            f"not digest {identity.digest.hex()}...")
        found = (identity.in_bytes, identity.out_bytes)
        if found != (layout.in_bytes, layout.out_bytes):
            raise LinkError(f"board on {self._port!r}: bytes of an input and an output frame must "
                            f"be {(layout.in_bytes, layout.out_bytes)!r}, not {found!r}")

    def infer(self, x: np.ndarray, *,
              progress: Progress | None = None) -> tuple[np.ndarray, np.ndarray | None]:
        """Run ``x`` on the board; checks first, once, that it holds the right network.

        Parameters
        ----------
        x : integer array of shape ``(n, ...)``
            Input vectors, as the golden model takes them.
        progress : callable, optional
            Called with the number of vectors done and ``n`` after each answer.

        Returns
        -------
        scores : int64 array of shape ``(n, count)``
        classes : int64 array of shape ``(n,)``, or None if the network has no argmax
            Of a network that gives the k best, ``(n, k)``, the best first.
        """
        payloads = self._layout.encode(x)
        identity = self._identity or self.check()
        results = self._exchange(Kind.INFER, payloads, window=identity.buffers, progress=progress)
        return self._layout.decode(results)

    def load(self, weights: bytes, *, progress: Progress | None = None) -> None:
        """Load a set of weights; checks first that the board holds the right network.

        Until a board is loaded it computes nothing; requests may wait for it meanwhile. A set that
        was left unfinished, by a program that was stopped, is finished first: the board then
        counts from the beginning again.

        Parameters
        ----------
        weights : bytes
            What :meth:`hwgen.flow.artefact.Artefact.weight_bytes` gives.
        progress : callable, optional
            Called with the number of chunks done and of all after each answer.

        Raises
        ------
        SpecError
            If the board's weights are constants, or a set has another length.
        LinkError
            If the board refuses a chunk, does not answer, or says that another one is next than
            the one that follows.
        """
        if self._weight_bytes is None:
            raise SpecError(f"weights of {self._layout.name!r} must be ram to be loaded, and are "
                            f"constants")
        if len(weights) != self._weight_bytes:
            raise SpecError(f"weights must be {self._weight_bytes} bytes, not {len(weights)!r}")
        self._require_ours(self.identify())
        chunks = chunks_of(weights)
        begun = self._load(NO_CHUNK, chunks[0])
        numbers = [*range(begun, len(chunks) if begun else 0), *range(len(chunks))]
        for done, number in enumerate(numbers, start=1):
            following = self._load(number, chunks[number])
            if following != (number + 1) % len(chunks):
                raise LinkError(f"board on {self._port!r}: chunk {(number + 1) % len(chunks)} of "
                                f"the weights must be next, not {following}; does another program "
                                f"use the board?")
            if progress is not None:
                progress(done, len(numbers))

    def _load(self, number: int, chunk: bytes) -> int:
        """Send a chunk of weights; return the number of the one that the board wants next."""
        payload = number.to_bytes(LOADED_BYTES, "little") + chunk
        return int.from_bytes(self._exchange(Kind.LOAD, [payload], window=1)[0], "little")

    def _exchange(self, kind: Kind, payloads: list[bytes], *, window: int,
                  progress: Progress | None = None) -> list[bytes]:
        """Send every payload as a ``kind`` request; return the answers' payloads, same order."""
        job = _Job(kind, payloads, self._retries, self._port)
        heard = time.monotonic()
        while job.unfinished:
            self._send(job, window)
            for frame in self._receive():
                if job.answer(frame):
                    heard = time.monotonic()
                    if progress is not None:
                        progress(job.finished, len(payloads))
            if time.monotonic() - heard > self._timeout_s:
                for frame in self._decoder.flush():
                    job.answer(frame)
                job.repeat_unanswered()
                heard = time.monotonic()
        return job.results

    def _send(self, job: "_Job", window: int) -> None:
        while job.waiting and len(job.under_way) < window:
            self._seq = (self._seq + 1) % 256
            frame = job.start(self._seq)
            self._guard(partial(self._serial.write, encode(frame)))

    def _receive(self) -> list[Frame]:
        return self._decoder.feed(self._guard(
            lambda: self._serial.read(max(1, self._serial.in_waiting))))

    def _guard(self, action):
        """Run an action on the port; a port that went away becomes a :class:`LinkError`."""
        try:
            return action()
        except (serial.SerialException, OSError) as error:
            raise LinkError(f"board on {self._port!r}: the port must stay open while it is used: "
                            f"{error}") from error


ANSWERS = {Kind.INFER: Kind.RESULT, Kind.IDENTIFY: Kind.IDENTITY, Kind.LOAD: Kind.LOADED}
"""Kind of a request -> that of its answer."""


class _Job:
    """Requests of one kind: which wait, which are under way, and what came back."""

    def __init__(self, kind: Kind, payloads: list[bytes], retries: int, port: str):
        self._kind, self._payloads, self._port = kind, payloads, port
        self._answer_kind = ANSWERS[kind]
        self._attempts_left = [retries + 1] * len(payloads)
        self.waiting = deque(range(len(payloads)))
        self.under_way: dict[int, int] = {}
        self.results: list[bytes] = [b""] * len(payloads)
        self.finished = 0

    @property
    def unfinished(self) -> bool:
        """Whether an answer is still missing."""
        return self.finished < len(self._payloads)

    def start(self, seq: int) -> Frame:
        """Return the next waiting request as a frame numbered ``seq``."""
        index = self.waiting.popleft()
        self._attempts_left[index] -= 1
        self.under_way[seq] = index
        return Frame(seq, self._kind, self._payloads[index])

    def answer(self, frame: Frame) -> bool:
        """Take one frame from the board; return whether it settled a request."""
        index = self.under_way.get(frame.seq)
        if index is None or frame.kind not in (self._answer_kind, Kind.ERROR):
            return False
        del self.under_way[frame.seq]
        if frame.kind is Kind.ERROR:
            self._repeat(index, f"refused as {_error_name(frame.payload[0])}")
            return False
        self.results[index] = frame.payload
        self.finished += 1
        return True

    def repeat_unanswered(self) -> None:
        """Put every request that is under way back in front of those that wait."""
        unanswered = sorted(self.under_way.values())
        self.under_way.clear()
        for index in reversed(unanswered):
            self._repeat(index, "not answered (is the board programmed, and for this baud rate?)")

    def _repeat(self, index: int, reason: str) -> None:
        if not self._attempts_left[index]:
            raise LinkError(f"board on {self._port!r}: request {index} ({self._kind.name}) was "
                            f"{reason}, at its last attempt")
        self.waiting.appendleft(index)


def _error_name(code: int) -> str:
    return ErrorCode(code).name if code in ErrorCode.__members__.values() else f"error {code}"
