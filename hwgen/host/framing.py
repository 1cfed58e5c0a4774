"""Frames of the board link: encoder and incremental decoder, in plain Python.

A frame is, in the order sent::

    0xA5 0x5A | seq | kind | length (2, low byte first) | payload | crc (2, low byte first)

``seq`` is chosen by the host and comes back in the answer, so that a late or repeated answer is
never taken for another request's. The checksum is CRC-16/X-25 ("CRC-16/IBM-SDLC") over ``seq`` to
the end of the payload: it is reflected, so the burst errors of a line that sends the least
significant bit first are bursts to the polynomial too.

======== ================= ==================================================================
kind     sent by           payload
======== ================= ==================================================================
INFER    host              one input frame, byte by byte as on ``s_axis``
IDENTIFY host              empty
LOAD     host              number of a chunk of weights (4), then its words: :func:`chunks_of`
RESULT   board             one output frame, byte by byte as on ``m_axis``
IDENTITY board             version, buffers, pending, input bytes (2), output bytes (2), digest (8)
LOADED   board             number of the chunk that is next (4)
ERROR    board             one :class:`ErrorCode`
======== ================= ==================================================================
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from hwgen.numeric.errors import SpecError

__all__ = ["CHUNK_BYTES", "IDENTITY_BYTES", "LOADED_BYTES", "MAX_PAYLOAD", "SYNC", "Decoder",
           "ErrorCode", "Frame", "Kind", "chunks_of", "crc16", "encode"]

SYNC = b"\xa5\x5a"
MAX_PAYLOAD = 0xFFFF
IDENTITY_BYTES = 15
LOADED_BYTES = 4
CHUNK_BYTES = 512
_HEADER_BYTES = len(SYNC) + 4
_CRC_BYTES = 2


class Kind(IntEnum):
    """What a frame is; answers have the top bit set."""

    INFER = 0x01
    IDENTIFY = 0x02
    LOAD = 0x03
    RESULT = 0x81
    IDENTITY = 0x82
    LOADED = 0x83
    ERROR = 0xFF


class ErrorCode(IntEnum):
    """Why the board refused a request."""

    BAD_CRC = 1
    BAD_LENGTH = 2
    BAD_KIND = 3
    CUT = 4
    BUSY = 5


@dataclass(frozen=True)
class Frame:
    """One frame of the link, without its sync bytes, length and checksum."""

    seq: int
    kind: Kind
    payload: bytes = b""

    def __post_init__(self):
        if not 0 <= self.seq <= 0xFF:
            raise SpecError(f"frame: seq must be in 0..255, not {self.seq!r}")
        if len(self.payload) > MAX_PAYLOAD:
            raise SpecError(f"frame: payload must be at most {MAX_PAYLOAD} bytes, "
                            f"not {len(self.payload)!r}")


def _crc_table() -> tuple[int, ...]:
    """Return the CRC register after each byte value, for the reflected polynomial 0x1021."""
    table = []
    for value in range(256):
        crc = value
        for _ in range(8):
            crc = (crc >> 1) ^ (0x8408 if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


_TABLE = _crc_table()


def crc16(data: bytes) -> int:
    """Return the CRC-16/X-25 of ``data``; ``crc16(b"123456789") == 0x906E``."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFF


def encode(frame: Frame) -> bytes:
    """Return the bytes that go over the line for ``frame``."""
    body = bytes([frame.seq, frame.kind]) + len(frame.payload).to_bytes(2, "little")
    body += frame.payload
    return SYNC + body + crc16(body).to_bytes(_CRC_BYTES, "little")


def chunks_of(weights: bytes) -> list[bytes]:
    """Return a set of weights as chunks of at most :data:`CHUNK_BYTES`, the last one filled up."""
    size = min(len(weights), CHUNK_BYTES)
    return [weights[at:at + size].ljust(size, b"\0") for at in range(0, len(weights), size)]


class Decoder:
    """Finds the frames in a stream of bytes that may hold anything.

    A candidate that turns out wrong (unknown kind, impossible length, bad checksum) costs only
    its first byte: the search goes on right behind it, so an intact frame is found even when it
    begins inside the bytes that a damaged header laid claim to.

    Parameters
    ----------
    lengths : mapping of Kind to int, or None
        The kinds to accept, each with its one payload length in bytes, so that wrong headers are
        recognised at once. None accepts every kind at any length.
    """

    def __init__(self, *, lengths: Mapping[Kind, int] | None = None):
        self._lengths = None if lengths is None else dict(lengths)
        self._buffer = bytearray()
        self._skipped_bytes = 0

    @property
    def skipped_bytes(self) -> int:
        """How many bytes so far belonged to no frame."""
        return self._skipped_bytes

    @property
    def waiting_bytes(self) -> int:
        """How many bytes may still become a frame when more arrive."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Frame]:
        """Take ``data`` and return the frames that are complete now, in order."""
        self._buffer += data
        frames = []
        while True:
            self._skip(self._find_sync())
            size = self._candidate_bytes()
            if size is None or len(self._buffer) < size:
                return frames
            frame = self._parse(size)
            if frame is None:
                self._skip(1)
            else:
                del self._buffer[:size]
                frames.append(frame)

    def flush(self) -> list[Frame]:
        """Give up on the incomplete frame at the end and return the frames inside its bytes.

        For use when the line fell silent: a damaged header may have asked for bytes that never
        come, with whole frames behind it.
        """
        frames = []
        while self._buffer:
            self._skip(1)
            frames += self.feed(b"")
        return frames

    def _skip(self, count: int) -> None:
        del self._buffer[:count]
        self._skipped_bytes += count

    def _find_sync(self) -> int:
        """Return where the first whole or begun pair of sync bytes starts."""
        at = self._buffer.find(SYNC)
        if at >= 0:
            return at
        return len(self._buffer) - self._buffer.endswith(SYNC[:1])

    def _candidate_bytes(self) -> int | None:
        """Return the size of the frame at the front (0: cannot be one), None if not known yet."""
        if len(self._buffer) < _HEADER_BYTES:
            return None
        kind = self._buffer[3]
        length = int.from_bytes(self._buffer[4:6], "little")
        return _HEADER_BYTES + length + _CRC_BYTES if self._accepts(kind, length) else 0

    def _accepts(self, kind: int, length: int) -> bool:
        if self._lengths is None:
            return kind in Kind.__members__.values()
        return self._lengths.get(kind) == length

    def _parse(self, size: int) -> Frame | None:
        body = bytes(self._buffer[len(SYNC):size - _CRC_BYTES]) if size else b""
        crc = int.from_bytes(self._buffer[max(0, size - _CRC_BYTES):size], "little")
        if not size or crc16(body) != crc:
            return None
        return Frame(body[0], Kind(body[1]), body[4:])
