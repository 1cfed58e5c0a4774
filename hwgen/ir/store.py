"""The network file: a zip of one JSON document and one ``.npy`` per array, with checksums.

The bytes depend on the content alone (no dates), so equal networks give equal files.
"""

import hashlib
import io
import json
import os
import tempfile
import zipfile
from dataclasses import fields
from pathlib import Path

import numpy as np

from ..numeric import Format, SpecError, format_from_dict, format_to_dict
from .matrix import MATRIX_KINDS, Matrix
from .network import Network
from .nodes import NODE_KINDS

__all__ = ["FORMAT_VERSION", "content_digest", "load", "save"]

FORMAT_VERSION = 1
MAGIC = "hwgen-network"
_EPOCH = (1980, 1, 1, 0, 0, 0)


def content_digest(network: Network) -> str:
    """sha256 (hex) of name, nodes and outputs."""
    document, arrays = _describe(network)
    document.pop("meta")
    digest = hashlib.sha256(_json_bytes(document))
    for key in sorted(arrays):
        digest.update(arrays[key])
    return digest.hexdigest()


def save(network: Network, path) -> None:
    """Write ``network`` to ``path``: aside first, then renamed, so never half a file."""
    path = Path(path)
    document, arrays = _describe(network)
    document["sha256"] = {key: hashlib.sha256(blob).hexdigest() for key, blob in arrays.items()}
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w") as archive:
            body = _json_bytes(document)
            _add(archive, "network.json", body)
            _add(archive, "network.sha256", hashlib.sha256(body).hexdigest().encode())
            for key in sorted(arrays):
                _add(archive, f"{key}.npy", arrays[key])
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def load(path) -> Network:
    """Read a network file.

    Raises
    ------
    FileNotFoundError   If there is no such file.
    SpecError           If it is no network file, is damaged, or was written by a newer hwgen.
    CheckError          If the network in it breaks a rule.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            body = archive.read("network.json")
            seal = archive.read("network.sha256").decode("ascii", "replace")
            blobs = {n[:-4]: archive.read(n) for n in archive.namelist() if n.endswith(".npy")}
    except (zipfile.BadZipFile, KeyError, EOFError, zipfile.zlib.error) as error:
        raise SpecError(f"{path}: must be a hwgen network file, not damaged or of another kind"
                        f" ({error})") from error
    if hashlib.sha256(body).hexdigest() != seal:
        raise SpecError(f"{path}: damaged: network.json does not match its checksum")
    document = _check_header(path, body)
    _check_arrays(path, document["sha256"], blobs)
    arrays = {key: np.load(io.BytesIO(blob), allow_pickle=False) for key, blob in blobs.items()}
    nodes = tuple(_node(path, entry, arrays) for entry in document["nodes"])
    return Network(document["name"], nodes, tuple(document["outputs"]), document["meta"])


def _check_header(path, body) -> dict:
    try:
        document = json.loads(body)
    except ValueError as error:
        raise SpecError(f"{path}: damaged: network.json is no JSON ({error})") from error
    if not isinstance(document, dict) or document.get("format") != MAGIC:
        raise SpecError(f"{path}: must be a hwgen network file, not of another kind")
    if document.get("version") != FORMAT_VERSION:
        raise SpecError(f"{path}: version must be at most {FORMAT_VERSION}, not"
                        f" {document.get('version')!r}: written by a newer hwgen, upgrade to read")
    return document


def _check_arrays(path, expected, blobs):
    for key, digest in expected.items():
        if key not in blobs:
            raise SpecError(f"{path}: damaged: array {key} is missing")
        if hashlib.sha256(blobs[key]).hexdigest() != digest:
            raise SpecError(f"{path}: damaged: array {key} does not match its checksum")


def _describe(network) -> tuple[dict, dict[str, bytes]]:
    arrays: dict[str, bytes] = {}
    nodes = []
    for node in network.nodes:
        entry = {f.name: _pack(getattr(node, f.name), arrays) for f in fields(node)}
        nodes.append({"kind": node.kind, **entry})
    document = {"format": MAGIC, "version": FORMAT_VERSION, "name": network.name,
                "nodes": nodes, "outputs": list(network.outputs), "meta": dict(network.meta)}
    return document, arrays


def _pack(value, arrays):
    if isinstance(value, np.ndarray):
        key = f"a{len(arrays):04d}"
        buffer = io.BytesIO()
        np.save(buffer, np.ascontiguousarray(value), allow_pickle=False)
        arrays[key] = buffer.getvalue()
        return {"$array": key}
    if isinstance(value, Format):
        return {"$format": format_to_dict(value)}
    if isinstance(value, Matrix):
        packed = {f.name: _pack(getattr(value, f.name), arrays) for f in fields(value)}
        return {"$matrix": {"kind": value.kind, **packed}}
    if isinstance(value, tuple):
        return [_pack(item, arrays) for item in value]
    return value


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
    cls = MATRIX_KINDS[entry.pop("kind")]
    return cls(**{key: _unpack(item, arrays) for key, item in entry.items()})


def _node(path, entry, arrays):
    entry = dict(entry)
    kind = entry.pop("kind")
    if kind not in NODE_KINDS:
        raise SpecError(f"{path}: node kind must be one of {sorted(NODE_KINDS)}, not {kind!r}")
    return NODE_KINDS[kind](**{key: _unpack(item, arrays) for key, item in entry.items()})


def _json_bytes(document) -> bytes:
    return json.dumps(document, sort_keys=True, indent=1, allow_nan=False).encode()


def _add(archive, name, body):
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, body)
