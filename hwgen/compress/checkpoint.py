"""Checkpoints that are whole or refused: written aside, renamed, with their own hash."""

import hashlib
import io
import os
from pathlib import Path

import torch

from .errors import CheckpointError

__all__ = ["load_checkpoint", "save_checkpoint"]

MAGIC = b"hwgen-checkpoint 1 "


def save_checkpoint(path, state: dict) -> None:
    """Write ``state`` (tensors, numbers, strings, lists, dicts) to ``path``.

    The file appears complete or not at all: it is written beside its place, synced and renamed.
    """
    path = Path(path)
    buffer = io.BytesIO()
    torch.save(state, buffer)
    payload = buffer.getvalue()
    head = MAGIC + hashlib.sha256(payload).hexdigest().encode() + b"\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with aside.open("wb") as file:
            file.write(head + payload)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def load_checkpoint(path) -> dict:
    """The state that :func:`save_checkpoint` wrote; CheckpointError if it is not whole."""
    data = Path(path).read_bytes()
    head, _, payload = data.partition(b"\n")
    if not head.startswith(MAGIC):
        raise CheckpointError(f"checkpoint '{path}' must begin with {MAGIC.decode()!r}, not"
                              f" {head[:19]!r}: it is no checkpoint of this version")
    if head[len(MAGIC):] != hashlib.sha256(payload).hexdigest().encode():
        raise CheckpointError(f"checkpoint '{path}' must match its sha256, but it is damaged or cut"
                              f" ({len(payload)} bytes): delete it to train from the start")
    return torch.load(io.BytesIO(payload), weights_only=True)
