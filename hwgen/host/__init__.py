"""The PC side of the board link: framing in plain Python, and a client over a serial port."""

from hwgen.host.client import BoardClient, Identity, LinkError
from hwgen.host.framing import Decoder, ErrorCode, Frame, Kind, encode

__all__ = [
    "BoardClient",
    "Decoder",
    "ErrorCode",
    "Frame",
    "Identity",
    "Kind",
    "LinkError",
    "encode",
]
