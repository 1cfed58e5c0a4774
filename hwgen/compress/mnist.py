"""The MNIST digits from the standard IDX files, as a user has them on disk."""

import gzip
import zlib
from pathlib import Path

import numpy as np

from hwgen.numeric import SpecError

from .data import Split

__all__ = ["N_VALIDATION", "SIDE", "WHOLE_PIXELS", "halved", "mnist", "read_idx"]

SIDE = 28

WHOLE_PIXELS = "28 x 28 pixels of 0..255, as in the IDX files"
"""What most networks read."""

PARTS = {"train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
         "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")}

N_VALIDATION = 5_000
"""Last training samples, held back while settings are chosen."""

UINT8 = 8
"""IDX's code for unsigned bytes, the only type that MNIST has."""


def mnist(folder, *, validation: bool = False) -> Split:
    """MNIST as integers 0..255, ``(n, 784)`` in row order, labels 0..9.

    Parameters
    ----------
    folder : path
        Holds the four files ``train-images-idx3-ubyte`` and so on, each plain or with ``.gz``.
    validation : bool
        False: the official 60,000 and 10,000 samples. True: the test part of the result is the last
        5,000 training samples, which then are not trained on, and the test files are not opened:
        for choosing settings without a look at the test set.
    """
    folder = Path(folder)
    x, y = _part(folder, "train")
    if not validation:
        return Split(x, y, *_part(folder, "test"), side=SIDE)
    if len(x) <= N_VALIDATION:
        raise SpecError(f"mnist: training samples must be more than {N_VALIDATION} to hold that"
                        f" many back, not {len(x)} in '{folder}'")
    return Split(x[:-N_VALIDATION], y[:-N_VALIDATION], x[-N_VALIDATION:], y[-N_VALIDATION:],
                 side=SIDE)


def _part(folder: Path, part: str):
    """Samples uint8 (n, 784) and labels int64 (n,) of one part."""
    images, labels = (read_idx(_find(folder, name), dims)
                      for name, dims in zip(PARTS[part], (3, 1), strict=True))
    if images.shape[1:] != (SIDE, SIDE):
        raise SpecError(f"mnist: images of the {part} part must be {SIDE} x {SIDE}, not"
                        f" {images.shape[1]} x {images.shape[2]}")
    if len(images) != len(labels):
        raise SpecError(f"mnist: the {part} part must have as many labels as images, not"
                        f" {len(labels)} and {len(images)}")
    if labels.max(initial=0) > 9:
        raise SpecError(f"mnist: labels of the {part} part must be in 0..9, not {labels.max()}")
    return images.reshape(len(images), -1), labels.astype(np.int64)


def _find(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise SpecError(f"mnist: folder '{folder}' must hold '{name}' or '{name}.gz', and does not;"
                    f" point --data at the folder with the four IDX files of MNIST")


def read_idx(path, dims: int) -> np.ndarray:
    """The unsigned bytes of an IDX file with ``dims`` dimensions, gzipped or not.

    The file begins with two zeros, the type (8: unsigned byte), the number of dimensions, and each
    size as a big-endian 32-bit integer.
    """
    path = Path(path)
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (EOFError, OSError, zlib.error) as error:
            raise SpecError(f"{path}: must be a whole gzip file, not a damaged one ({error});"
                            f" fetch it again") from error
    magic = bytes((0, 0, UINT8, dims))
    if data[:4] != magic:
        raise SpecError(f"{path}: must begin with the bytes {magic.hex()} of an IDX file of bytes"
                        f" with {dims} dimension(s), not {data[:4].hex() or 'nothing'}")
    begin = 4 + 4 * dims
    if len(data) < begin:
        raise SpecError(f"{path}: must begin with a header of {begin} bytes, not {len(data)}: it is"
                        f" cut")
    shape = tuple(int(size) for size in np.frombuffer(data[4:begin], ">u4"))
    found = len(data) - begin
    if found != np.prod(shape, dtype=object):
        raise SpecError(f"{path}: must hold the {np.prod(shape, dtype=object)} bytes of an array"
                        f" {shape}, not {found}: it is cut or not an IDX file")
    if 0 in shape:
        raise SpecError(f"{path}: must hold at least one sample, not an array {shape}")
    return np.frombuffer(data, np.uint8, offset=begin).reshape(shape)


def halved(x, bits: int) -> np.ndarray:
    """Images of 14 x 14: means of 2 x 2 pixels, rounded down to ``bits`` bits; uint8 (n, 196).

    ``floor(sum / 2**(10 - bits))`` of images ``x``, (n, 784) of 0..255.
    """
    blocks = np.asarray(x, dtype=np.int64).reshape(-1, SIDE // 2, 2, SIDE // 2, 2)
    return (blocks.sum(axis=(2, 4)) >> (10 - bits)).astype(np.uint8).reshape(len(blocks), -1)
