"""What both halves of the board link's hardware agree on: frame constants and sizes."""

from dataclasses import dataclass
from enum import IntEnum

from hwgen.numeric.errors import SpecError
from hwgen.rtl.uart import uart_divisor

__all__ = ["IDENTITY_BYTES", "SYNC", "VERSION", "ErrorCode", "Kind", "LinkSpec"]

SYNC = (0xA5, 0x5A)
VERSION = 1
IDENTITY_BYTES = 15
_DIGEST_BYTES = 8
_MAX_BYTES = 0xFFFF
_BLOCK_BYTES = 512      # the smallest block RAM of the families we target (iCE40)
_MAX_BUFFERS = 4
_CHUNK_WORDS = 128      # of weights: the smallest block RAM again


class Kind(IntEnum):
    """What a frame is."""

    INFER = 0x01
    IDENTIFY = 0x02
    LOAD = 0x03
    RESULT = 0x81
    IDENTITY = 0x82
    LOADED = 0x83
    ERROR = 0xFF


class ErrorCode(IntEnum):
    """Payload of an ``ERROR`` frame."""

    BAD_CRC = 1
    BAD_LENGTH = 2
    BAD_KIND = 3
    CUT = 4
    BUSY = 5


@dataclass(frozen=True, kw_only=True)
class LinkSpec:
    """Sizes and rates of one board link.

    Parameters
    ----------
    digest : bytes
        First 8 bytes of the network's SHA-256.
    in_bytes, out_bytes : int
        Bytes of one frame on ``s_axis`` and on ``m_axis``, whole beats, 1..65535.
    weight_words : int
        Words of 32 bits in a set of weights on ``s_axis_weights``; 0 if the core loads none.
    clk_hz : float
        Clock of the shell.
    baud : int
        Bits a second on the line.
    gap_s : float
        Silence inside a frame, in seconds, after which the frame counts as cut. Longer than any
        pause of a USB serial adapter, shorter than the host's patience.

    Raises
    ------
    SpecError
        If a value is out of its range, or the clock cannot make the baud rate.
    """

    digest: bytes
    in_bytes: int
    out_bytes: int
    clk_hz: float
    weight_words: int = 0
    baud: int = 1_000_000
    gap_s: float = 0.02

    def __post_init__(self):
        if len(self.digest) != _DIGEST_BYTES:
            raise SpecError(f"link: digest must be {_DIGEST_BYTES} bytes, not {self.digest!r}")
        for name in ("in_bytes", "out_bytes"):
            value = getattr(self, name)
            if not 1 <= value <= _MAX_BYTES:
                raise SpecError(f"link: {name} must be in 1..{_MAX_BYTES}, not {value!r}")
        if self.weight_words < 0:
            raise SpecError(f"link: weight_words must be at least 0, not {self.weight_words!r}")
        if self.gap_cycles < 20 * self.divisor:
            raise SpecError(f"link: gap_s must be at least 2 bytes long "
                            f"({20 * self.divisor / self.clk_hz:g} s), not {self.gap_s!r}")

    @property
    def divisor(self) -> int:
        """Clock cycles a bit."""
        return uart_divisor(self.clk_hz, self.baud)

    @property
    def gap_cycles(self) -> int:
        """Clock cycles of silence after which a frame counts as cut."""
        return round(self.gap_s * self.clk_hz)

    def require_whole_beats(self, name: str, beat_bytes: int) -> None:
        """Refuse a size, ``in_bytes`` or ``out_bytes``, that is not whole beats.

        Raises
        ------
        SpecError
            If ``beat_bytes`` does not divide it.
        """
        if getattr(self, name) % beat_bytes:
            raise SpecError(f"link: {name} must be whole beats of {beat_bytes} bytes, "
                            f"not {getattr(self, name)!r}")

    @property
    def slot_bytes(self) -> int:
        """Bytes of memory for one request: ``in_bytes`` rounded up to a power of two."""
        return 1 << (self.in_bytes - 1).bit_length()

    @property
    def buffers(self) -> int:
        """Requests that may be unanswered at once: 2..4, as many as one block RAM holds."""
        return max(2, min(_MAX_BUFFERS, _BLOCK_BYTES // self.slot_bytes))

    @property
    def chunk_words(self) -> int:
        """Words of weights in a ``LOAD`` frame, the last one filled up."""
        return min(self.weight_words, _CHUNK_WORDS)

    @property
    def chunks(self) -> int:
        """``LOAD`` frames of a set of weights; 0 if the core loads none."""
        return -(-self.weight_words // self.chunk_words) if self.weight_words else 0

    @property
    def load_bytes(self) -> int:
        """Bytes of the payload of a ``LOAD`` frame: the number of the chunk, then its words."""
        return 4 * (1 + self.chunk_words)

    def identity(self, pending) -> list:
        """Return the bytes of an ``IDENTITY`` frame's payload, ``pending`` as it is given."""
        sizes = self.in_bytes.to_bytes(2, "little") + self.out_bytes.to_bytes(2, "little")
        return [VERSION, self.buffers, pending, *sizes, *self.digest]
