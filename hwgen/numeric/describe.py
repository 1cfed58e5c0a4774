"""Formats to JSON-ready descriptions and back, for the network file and the manifests."""

from dataclasses import asdict, fields

from .errors import SpecError
from .formats import Bipolar, Codebook, Fixed, Format, PowerOfTwo, Ternary
from .logarithmic import Logarithmic
from .planes import Planes

__all__ = ["format_from_dict", "format_to_dict"]

_KINDS = {cls.kind: cls for cls in (
    Fixed, Bipolar, Ternary, PowerOfTwo, Logarithmic, Codebook, Planes)}


def format_to_dict(fmt: Format) -> dict:
    """JSON-ready description of a format, the inverse of :func:`format_from_dict`."""
    entry = {"kind": fmt.kind, **asdict(fmt)}
    return {key: list(v) if isinstance(v, tuple) else v for key, v in entry.items()}


def format_from_dict(entry: dict) -> Format:
    """The format described by :func:`format_to_dict`.

    Raises
    ------
    SpecError   If ``entry`` is no such description: unknown kind, wrong fields.
    TypeError   If a field is of the wrong type.
    """
    kind = entry.get("kind") if isinstance(entry, dict) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        raise SpecError(f"format kind must be one of {sorted(_KINDS)}, not {kind!r}")
    given = {key: value for key, value in entry.items() if key != "kind"}
    known = {f.name for f in fields(_KINDS[kind])}
    if set(given) != known:
        raise SpecError(f"format '{kind}': fields must be {sorted(known)}, not {sorted(given)}")
    return _KINDS[kind](**given)
