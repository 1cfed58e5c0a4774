"""Real digits in MNIST's files: scikit-learn's 8 x 8 scans, enlarged to 28 x 28."""

import gzip

import numpy as np

from hwgen.compress import digits

__all__ = ["enlarged", "idx_bytes", "write_digits"]


def enlarged(x):
    """Scans (n, 64) of 0..16 as (n, 784) of 0..255: each pixel 3 x 3, a margin of two."""
    x = np.minimum(x.reshape(-1, 8, 8) * 16, 255)
    return np.pad(x.repeat(3, 1).repeat(3, 2), ((0, 0), (2, 2), (2, 2))).reshape(-1, 784)


def idx_bytes(array) -> bytes:
    """The bytes of an IDX file, written from the format's description."""
    head = bytes([0, 0, 8, array.ndim])
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return head + sizes + array.astype(np.uint8).tobytes()


def write_digits(folder, *, train=400, test=100) -> None:
    """The four files in ``folder``, the test part gzipped."""
    split = digits()
    folder.mkdir(exist_ok=True)
    for stem, x, y in (("train", split.x_train[:train], split.y_train[:train]),
                       ("t10k", split.x_test[:test], split.y_test[:test])):
        for name, array in ((f"{stem}-images-idx3-ubyte", enlarged(x).reshape(-1, 28, 28)),
                            (f"{stem}-labels-idx1-ubyte", y)):
            data = idx_bytes(array)
            if stem == "train":
                (folder / name).write_bytes(data)
            else:
                (folder / f"{name}.gz").write_bytes(gzip.compress(data))
