import gzip

import numpy as np
import pytest
from cases.errors import refused
from cases.mnist_files import idx_bytes

from hwgen.compress import mnist, read_idx
from hwgen.compress.mnist import halved
from hwgen.numeric import SpecError

NAMES = {"train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
         "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")}


def write(folder, *, train=7, test=3, packed=()):
    rng = np.random.default_rng(0)
    parts = {}
    for part, n in (("train", train), ("test", test)):
        arrays = rng.integers(0, 256, (n, 28, 28)), rng.integers(0, 10, n)
        parts[part] = arrays
        for name, array in zip(NAMES[part], arrays, strict=True):
            data = idx_bytes(array)
            path = folder / (f"{name}.gz" if part in packed else name)
            path.write_bytes(gzip.compress(data) if part in packed else data)
    return parts


@pytest.mark.parametrize("packed", [(), ("train",), ("train", "test")])
def test_plain_and_packed_files_are_read(tmp_path, packed):
    parts = write(tmp_path, packed=packed)
    split = mnist(tmp_path)
    assert np.array_equal(split.x_train, parts["train"][0].reshape(7, 784))
    assert np.array_equal(split.y_train, parts["train"][1])
    assert np.array_equal(split.x_test, parts["test"][0].reshape(3, 784))
    assert np.array_equal(split.y_test, parts["test"][1])
    assert split.side == 28


def test_the_validation_part_is_the_end_of_the_training_part(tmp_path):
    parts = write(tmp_path, train=5_002)
    for name in NAMES["test"]:
        (tmp_path / name).unlink()  # not even opened
    split = mnist(tmp_path, validation=True)
    assert np.array_equal(split.x_train, parts["train"][0][:2].reshape(2, 784))
    assert np.array_equal(split.y_test, parts["train"][1][2:])
    assert len(split.x_test) == 5_000


def test_too_few_samples_to_hold_back(tmp_path):
    write(tmp_path, train=5_000)
    with refused(SpecError, "mnist: training samples must be more than 5000 to hold that many back,"
                            f" not 5000 in '{tmp_path}'"):
        mnist(tmp_path, validation=True)


def test_a_missing_file_is_named(tmp_path):
    write(tmp_path)
    (tmp_path / NAMES["test"][1]).unlink()
    with refused(SpecError, f"mnist: folder '{tmp_path}' must hold 't10k-labels-idx1-ubyte' or"
                            " 't10k-labels-idx1-ubyte.gz', and does not; point --data at the folder"
                            " with the four IDX files of MNIST"):
        mnist(tmp_path)


def test_a_count_that_differs(tmp_path):
    write(tmp_path)
    (tmp_path / NAMES["train"][1]).write_bytes(idx_bytes(np.zeros(6)))
    with refused(SpecError, "mnist: the train part must have as many labels as images, not 6 and"
                            " 7"):
        mnist(tmp_path)


def test_images_of_another_size(tmp_path):
    write(tmp_path)
    (tmp_path / NAMES["train"][0]).write_bytes(idx_bytes(np.zeros((7, 28, 27))))
    with refused(SpecError, "mnist: images of the train part must be 28 x 28, not 28 x 27"):
        mnist(tmp_path)


def test_labels_that_are_no_digits(tmp_path):
    write(tmp_path)
    (tmp_path / NAMES["test"][1]).write_bytes(idx_bytes(np.array([0, 11, 1])))
    with refused(SpecError, "mnist: labels of the test part must be in 0..9, not 11"):
        mnist(tmp_path)


MAGIC = "must begin with the bytes 00000801 of an IDX file of bytes with 1 dimension(s), not"
FIVE = idx_bytes(np.zeros(5))


@pytest.mark.parametrize(("data", "message"), [
    (b"", f"{MAGIC} nothing"),
    (b"\x89PNG", f"{MAGIC} 89504e47"),
    (idx_bytes(np.zeros((2, 2))), f"{MAGIC} 00000802"),
    (FIVE[:-2],
     "must hold the 5 bytes of an array (5,), not 3: it is cut or not an IDX file"),
    (FIVE + b"x",
     "must hold the 5 bytes of an array (5,), not 6: it is cut or not an IDX file"),
    (FIVE[:6], "must begin with a header of 8 bytes, not 6: it is cut"),
    (idx_bytes(np.zeros(0)), "must hold at least one sample, not an array (0,)"),
])
def test_files_of_another_kind(tmp_path, data, message):
    path = tmp_path / "labels"
    path.write_bytes(data)
    with refused(SpecError, f"{path}: {message}"):
        read_idx(path, 1)


@pytest.mark.parametrize("cut", [3, 20, -1])
def test_a_damaged_gzip_file(tmp_path, cut):
    path = tmp_path / "labels.gz"
    path.write_bytes(gzip.compress(idx_bytes(np.arange(9)))[:cut])
    with pytest.raises(SpecError, match=r"labels.gz: must be a whole gzip file, not a damaged one"):
        read_idx(path, 1)


def test_halved_images_are_means_rounded_down():
    x = np.random.default_rng(1).integers(0, 256, (5, 28, 28))
    x[0] = 255
    for bits in (1, 4, 8):
        found = halved(x.reshape(5, 784), bits).reshape(5, 14, 14)
        for k, r, c in ((0, 3, 4), (1, 0, 0), (2, 13, 13), (4, 7, 2)):
            block = x[k, 2 * r: 2 * r + 2, 2 * c: 2 * c + 2]
            assert found[k, r, c] == int(block.mean() * 2 ** bits / 256)
