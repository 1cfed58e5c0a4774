"""Distorted copies of the training samples, made once for all students, with a teacher's scores."""

import hashlib
import os
from pathlib import Path

import numpy as np
import torch

from hwgen.numeric import SpecError

from .layer import within
from .warp import Warp, warped

__all__ = ["Copies"]

CHUNK = 2_000
"""Images at a time, so that a chunk stays in the cache."""


class Copies:
    """``count`` copies of the training images, each :func:`~hwgen.compress.warp.warped` anew.

    Copy k follows from (seed, k) alone. Training takes copy ``epoch % count``, so that a student
    sees each image distorted ``count`` ways; a copy is made when it is first asked for.

    Parameters
    ----------
    split : Split             square images
    warp : Warp
    count : int
    seed : int
    teacher : torch.nn.Module, optional
        In evaluation mode; its scores of every image go with the copy, for distillation.
    folder : path, optional
        Copies are kept here, 50 MB each, and taken from here by the next training.
    reduce : callable, optional
        Applied to each copy, uint8 (n, features); the teacher and ``folder`` see it whole.

    Members
    -------
    digest : str     sha256 of all that the copies follow from
    """

    def __init__(self, split, *, warp: Warp, count: int, seed: int, teacher=None, folder=None,
                 reduce=None):
        if split.side is None:
            raise SpecError("copies: samples must be square images, not of a split without a side")
        self.count, self.seed = within("copies: count", count, 1), within("copies: seed", seed, 0)
        self.warp, self.teacher, self.side, self._reduce = warp, teacher, split.side, reduce
        self._x = torch.from_numpy(np.array(split.x_train))
        self.digest = self._digest()
        self._folder = None if folder is None else Path(folder) / f"copies-{self.digest[:12]}"

    def _digest(self) -> str:
        digest = hashlib.sha256(repr((self.warp, self.seed)).encode())
        digest.update(self._x.numpy().tobytes())
        for name, tensor in ({} if self.teacher is None else self.teacher.state_dict()).items():
            digest.update(name.encode() + tensor.numpy().tobytes())
        return digest.hexdigest()

    def part(self, epoch: int):
        """``(x, scores)`` of copy ``epoch % count``: uint8 (n, features), float32 (n, classes).

        ``scores`` is None without a teacher. torch's random numbers are left as they were.
        """
        x, scores = self._whole(epoch % self.count)
        return x if self._reduce is None else self._reduce(x), scores

    def _whole(self, k):
        path = self._folder and self._folder / f"{k:03d}.npz"
        if path and path.exists():
            with np.load(path) as kept:
                return tuple(torch.from_numpy(kept[key]) if key in kept else None
                             for key in ("x", "scores"))
        x, scores = self._make(k)
        if path:
            self._keep(path, x, scores)
        return x, scores

    @torch.no_grad()
    def _make(self, k):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed * 100_003 + k)
            chunks = [warped(x, self.side, self.warp) for x in self._x.split(CHUNK)]
        if self.teacher is None:
            return torch.cat(chunks), None
        return torch.cat(chunks), torch.cat([self.teacher(x.float()) for x in chunks])

    def _keep(self, path, x, scores):
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(f".{os.getpid()}.part")
        arrays = {"x": x.numpy()} | ({} if scores is None else {"scores": scores.numpy()})
        with aside.open("wb") as file:
            np.savez(file, **arrays)
        aside.replace(path)
