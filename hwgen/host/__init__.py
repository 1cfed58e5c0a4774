"""The PC side of the board link, framing and a client over a serial port; of a systolic array."""

from hwgen.host.client import BoardClient, Identity, LinkError
from hwgen.host.framing import Decoder, ErrorCode, Frame, Kind, encode
from hwgen.host.systolic import JobFrames, SystolicHost

__all__ = [
    "BoardClient",
    "Decoder",
    "ErrorCode",
    "Frame",
    "Identity",
    "JobFrames",
    "Kind",
    "LinkError",
    "SystolicHost",
    "encode",
]
