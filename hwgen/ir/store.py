"""The network file: a zip of one JSON document and one ``.npy`` per array, with checksums.

The bytes depend on the content alone (no dates), so equal networks give equal files. Integers are
written in the smallest dtype that holds an array; nodes take every width.
"""

import hashlib
import io
import json
import os
import tempfile
import zipfile
import zlib
from dataclasses import fields
from pathlib import Path

import numpy as np

from ..numeric import Format, SpecError, format_from_dict, format_to_dict
from .matrices import MATRIX_KINDS, Matrix
from .network import CheckError, Network
from .nodes import NODE_KINDS

__all__ = ["FORMAT_VERSION", "content_digest", "load", "save"]

FORMAT_VERSION = 1
MAGIC = "hwgen-network"
_BODY, _SEAL = "network.json", "network.sha256"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, OverflowError, RuntimeError,
               ValueError)
"""What zipfile is known to raise on damaged bytes (RuntimeError: "encrypted", unknown version)."""


def content_digest(network: Network) -> str:
    """sha256 (hex) of name, nodes and outputs; the same on every platform and numpy."""
    document, arrays = _describe(network)
    content = {key: document[key] for key in ("name", "nodes", "outputs")}
    digest = hashlib.sha256(_json_bytes(content))
    for key in sorted(arrays):
        array = arrays[key]
        digest.update(f"{key} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def save(network: Network, path) -> None:
    """Write ``network`` to ``path``: aside first, then renamed, so never half a file."""
    path = Path(path)
    document, arrays = _describe(network)
    blobs = {key: _blob(array) for key, array in arrays.items()}
    document["sha256"] = {key: hashlib.sha256(blob).hexdigest() for key, blob in blobs.items()}
    body = _json_bytes(document)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w") as archive:
            _add(archive, _BODY, body)
            _add(archive, _SEAL, hashlib.sha256(body).hexdigest().encode())
            for key in sorted(blobs):
                _add(archive, f"{key}.npy", blobs[key])
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink()
        raise


def load(path) -> Network:
    """Read a network file.

    Raises
    ------
    OSError      If the file cannot be read: there is none, it is a folder ...
    SpecError    If it is no network file, is damaged, or was written by a newer hwgen.
    CheckError   If the network in it breaks a rule.
    """
    path = Path(path)
    members = _members(path)
    body, seal = members.pop(_BODY), members.pop(_SEAL)
    if hashlib.sha256(body).hexdigest().encode() != seal:
        raise SpecError(f"{path}: damaged: {_BODY} does not match its checksum")
    document = _check_header(path, body)
    _check_arrays(path, document.get("sha256"), members)
    try:
        arrays = {name.removesuffix(".npy"): _array(blob) for name, blob in members.items()}
        nodes = tuple(_node(entry, arrays) for entry in document["nodes"])
        outputs = tuple(document["outputs"])
        return Network(document["name"], nodes, outputs, document["meta"])
    except CheckError:
        raise
    except (LookupError, TypeError, ValueError) as error:
        raise SpecError(f"{path}: must describe a network, but {error}") from error


def _members(path) -> dict[str, bytes]:
    whole = path.read_bytes()
    try:
        with zipfile.ZipFile(io.BytesIO(whole)) as archive:
            for entry in archive.infolist():
                if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise zipfile.BadZipFile(f"compression {entry.compress_type}")
            names = [_BODY, _SEAL, *archive.namelist()]
            return {name: archive.read(name) for name in names}
    except _UNREADABLE as error:
        raise SpecError(f"{path}: must be a hwgen network file, not damaged or of another kind"
                        f" ({error})") from error


def _check_header(path, body) -> dict:
    try:
        document = json.loads(body)
    except ValueError as error:
        raise SpecError(f"{path}: damaged: network.json is not JSON ({error})") from error
    if not isinstance(document, dict) or document.get("format") != MAGIC:
        raise SpecError(f"{path}: must be a hwgen network file, not of another kind")
    version = document.get("version")
    if version != FORMAT_VERSION or isinstance(version, bool):
        newer = isinstance(version, int) and version > FORMAT_VERSION
        hint = ": written by a newer hwgen, upgrade to read it" if newer else ""
        raise SpecError(f"{path}: version must be {FORMAT_VERSION}, not {version!r}{hint}")
    return document


def _check_arrays(path, expected, members):
    if not isinstance(expected, dict):
        raise SpecError(f"{path}: damaged: sha256 must be an object, not {expected!r}")
    for key, digest in expected.items():
        if f"{key}.npy" not in members:
            raise SpecError(f"{path}: damaged: array {key} is missing")
        if hashlib.sha256(members[f"{key}.npy"]).hexdigest() != digest:
            raise SpecError(f"{path}: damaged: array {key} does not match its checksum")
    strangers = sorted(set(members) - {f"{key}.npy" for key in expected})
    if strangers:
        raise SpecError(f"{path}: damaged: {strangers} do not belong to it")


def _describe(network) -> tuple[dict, dict[str, np.ndarray]]:
    arrays: dict[str, np.ndarray] = {}
    nodes = []
    for node in network.nodes:
        entry = {f.name: _pack(getattr(node, f.name), arrays) for f in fields(node)
                 if not (f.metadata.get("omit_default") and getattr(node, f.name) == f.default)}
        nodes.append({"kind": node.kind, **entry})
    document = {"format": MAGIC, "version": FORMAT_VERSION, "name": network.name,
                "nodes": nodes, "outputs": list(network.outputs), "meta": dict(network.meta)}
    return document, arrays


def _pack(value, arrays):
    if isinstance(value, np.ndarray):
        key = f"a{len(arrays):04d}"
        arrays[key] = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<"))
        return {"$array": key}
    if isinstance(value, Format):
        return {"$format": format_to_dict(value)}
    if isinstance(value, Matrix):
        packed = {f.name: _pack(getattr(value, f.name), arrays) for f in fields(value)}
        return {"$matrix": {"kind": value.kind, **packed}}
    if isinstance(value, tuple):
        return [_pack(item, arrays) for item in value]
    return value


def _blob(array) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, _narrow(array), allow_pickle=False)
    return buffer.getvalue()


def _narrow(array) -> np.ndarray:
    """``array`` in the smallest signed dtype that holds its integers; as it is if none."""
    if array.dtype.kind != "i" or array.size == 0:
        return array
    low, high = array.min(), array.max()
    for dtype in (np.int8, np.int16, np.int32):
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return array.astype(np.dtype(dtype).newbyteorder("<"))
    return array


def _array(blob) -> np.ndarray:
    return np.lib.format.read_array(io.BytesIO(blob), allow_pickle=False)


def _unpack(value, arrays):
    if isinstance(value, list):
        return tuple(_unpack(item, arrays) for item in value)
    if not isinstance(value, dict):
        return value
    if "$array" in value:
        return arrays[value["$array"]]
    if "$format" in value:
        return format_from_dict(value["$format"])
    entry = dict(value["$matrix"])
    kind = entry.pop("kind")
    if kind not in MATRIX_KINDS:
        raise SpecError(f"matrix kind must be one of {sorted(MATRIX_KINDS)}, not {kind!r}")
    return MATRIX_KINDS[kind](**{key: _unpack(item, arrays) for key, item in entry.items()})


def _node(entry, arrays):
    entry = dict(entry)
    kind = entry.pop("kind")
    if kind not in NODE_KINDS:
        raise SpecError(f"node kind must be one of {sorted(NODE_KINDS)}, not {kind!r}")
    return NODE_KINDS[kind](**{key: _unpack(item, arrays) for key, item in entry.items()})


def _json_bytes(document) -> bytes:
    return json.dumps(document, sort_keys=True, indent=1, allow_nan=False).encode()


def _add(archive, name, body):
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = _UNIX  # else the bytes would differ on Windows
    archive.writestr(info, body)
