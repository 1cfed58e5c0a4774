"""The network file: exact round trip, stable bytes, every damage refused with SpecError."""

import hashlib
import io
import json
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwgen.ir import (
    Argmax,
    CheckError,
    Dense,
    Input,
    Matrix,
    MatVec,
    Network,
    Requantise,
    Threshold,
    load,
    save,
)
from hwgen.numeric import Fixed, SpecError
from tests.cases.errors import refused
from tests.cases.networks import NETWORKS

DIGEST = "72ae166fc3aa7a92fe85142c9f2a33610f65e4b3b4d1b5aa235e6db5c89c4c55"


def tiny(meta=None, *, weights=((1, -2),)):
    n_out = len(weights)
    nodes = (Input("x", (), (2,), Fixed(3, 1, False)),
             MatVec("fc", ("x",), Dense(weights, Fixed(3)), [3] * n_out),
             Threshold("bn", ("fc",), [0] * n_out, [True] * n_out))
    return Network("tiny", nodes, ("bn",), meta or {"note": "ä", "n": [1, 0.25, None]})


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def forge(path, change=lambda document: None, *, arrays=(), seal=True):
    """Write `tiny` changed by somebody who can compute checksums."""
    save(tiny(), path)
    parts = members(path)
    document = json.loads(parts["network.json"])
    for key, blob in dict(arrays).items():
        parts[f"{key}.npy"] = blob
        document["sha256"][key] = hashlib.sha256(blob).hexdigest()
    document = change(document) or document
    parts["network.json"] = json.dumps(document).encode()
    if seal:
        parts["network.sha256"] = hashlib.sha256(parts["network.json"]).hexdigest().encode()
    rewrite(path, parts)


def rewrite(path, parts, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, body in parts.items():
            archive.writestr(name, body)


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def same(a, b):
    """Whether two networks are equal in every field of every node, and in meta."""
    return a.digest == b.digest and a.edges == b.edges and a.meta == b.meta


@pytest.mark.parametrize("name", NETWORKS)
def test_round_trip_is_exact(name, tmp_path):
    network = NETWORKS[name]()
    network.save(tmp_path / "n.hwgen")
    again = load(tmp_path / "n.hwgen")
    assert same(again, network)
    for old, new in zip(network.nodes, again.nodes, strict=True):
        assert type(old) is type(new)
        for field, value in vars(old).items():
            found = getattr(new, field)
            if isinstance(value, np.ndarray):
                assert found.dtype == value.dtype
                assert not found.flags.writeable
                np.testing.assert_array_equal(found, value)
            elif isinstance(value, Matrix):
                assert type(found) is type(value)
                assert found.format == value.format
                np.testing.assert_array_equal(found.to_dense(), value.to_dense())
            else:
                assert found == value


@pytest.mark.parametrize(("largest", "dtype"), [
    (127, "<i1"), (-128, "<i1"), (128, "<i2"), (-32769, "<i4"), (2**31 - 1, "<i4"), (2**31, "<i8"),
])
def test_integers_are_written_in_the_smallest_dtype(tmp_path, largest, dtype):
    nodes = (Input("x", (), (2,), Fixed(3)), MatVec("fc", ("x",), Dense([[1, -2]], Fixed(3)),
                                                   [largest]))
    network = Network("n", nodes, ("fc",))
    save(network, tmp_path / "n.hwgen")
    blobs = members(tmp_path / "n.hwgen")
    found = [np.load(io.BytesIO(blobs[f"a000{k}.npy"])).dtype.str for k in (0, 1)]
    assert found == ["|i1", dtype.replace("<i1", "|i1")]
    assert same(load(tmp_path / "n.hwgen"), network)


def test_a_file_of_wide_integers_is_the_same_network(tmp_path):
    """As hwgen wrote them at first."""
    path = tmp_path / "n.hwgen"
    forge(path, arrays={"a0000": npy(np.array([[1, -2]])), "a0001": npy(np.array([3]))})
    assert load(path).digest == tiny().digest


def test_bytes_depend_on_the_content_alone(tmp_path):
    files = [tmp_path / "a.hwgen", tmp_path / "b.hwgen"]
    for path in files:
        save(tiny(), str(path))
    assert files[0].read_bytes() == files[1].read_bytes()
    assert files[0].stat().st_mode & 0o444 == 0o444
    turned = tiny(weights=np.asfortranarray([[1, -2], [3, 0]]))
    save(turned, files[0])
    save(tiny(weights=[[1, -2], [3, 0]]), files[1])
    assert files[0].read_bytes() == files[1].read_bytes()
    with zipfile.ZipFile(files[0]) as archive:
        assert {(i.date_time, i.create_system) for i in archive.infolist()} == {
            ((1980, 1, 1, 0, 0, 0), 3)}


def test_digest_is_pinned():
    assert tiny().digest == DIGEST


def test_the_k_of_an_argmax_is_written_where_it_is_not_one(tmp_path):
    """So files and digests of networks from before there was a k stay as they are."""
    base, path = NETWORKS["fixed"](), tmp_path / "n.hwgen"
    last = base.nodes[-1]
    best = Network(base.name, [*base.nodes[:-1], Argmax(last.name, last.inputs, 3)], base.outputs)
    for network, k in ((base, None), (best, 3)):
        save(network, path)
        with zipfile.ZipFile(path) as archive:
            entry = json.loads(archive.read("network.json"))["nodes"][-1]
        assert entry.get("k") == k
        assert load(path).nodes[-1].k == (k or 1)
        assert load(path).digest == network.digest
    assert best.digest != base.digest


def test_digest_ignores_meta_and_memory_order_and_sees_the_rest():
    base = NETWORKS["fixed"]()
    fc1, rq1 = base.node("fc1"), base.node("rq1")
    turned = Dense(np.asfortranarray(fc1.weights.to_dense()), fc1.weights.format)
    touched = fc1.weights.to_dense().copy()
    touched[0, 0] ^= 1

    def swap(old, new, **options):
        nodes = [new if node is old else node for node in base.nodes]
        return Network(options.get("name", base.name), nodes, base.outputs, {"other": 1})

    def matrix(weights):
        return MatVec("fc1", fc1.inputs, weights, fc1.bias)

    assert swap(fc1, matrix(turned)).digest == base.digest
    others = [swap(fc1, matrix(Dense(touched, fc1.weights.format))), swap(None, None, name="b"),
              swap(fc1, MatVec("fc1", fc1.inputs, fc1.weights)),
              swap(rq1, Requantise("rq1", rq1.inputs, rq1.multiplier, rq1.shift, "floor",
                                   rq1.format)),
              Network(base.name, base.nodes, (base.scores,))]
    assert len({base.digest, *(n.digest for n in others)}) == 1 + len(others)


def test_meta_round_trips(tmp_path):
    meta = {"a": (1, 2.5, "π\n", None, True), "b": {"c": {}}, "tiny": 5e-324, "big": 2**70}
    save(tiny(meta), tmp_path / "n")
    assert load(tmp_path / "n").meta == tiny(meta).meta


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "n.hwgen"
    save(tiny(), path)
    before = path.read_bytes()

    def full(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(OSError, match="No space left"):
        save(NETWORKS["fixed"](), path)
    assert [p.name for p in tmp_path.iterdir()] == ["n.hwgen"]
    assert path.read_bytes() == before


def test_a_save_replaces(tmp_path):
    save(NETWORKS["fixed"](), tmp_path / "n")
    save(tiny(), tmp_path / "n")
    assert same(load(tmp_path / "n"), tiny())


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """The bytes of the file of `tiny`."""
    path = tmp_path_factory.mktemp("store") / "tiny.hwgen"
    save(tiny(), path)
    return path.read_bytes()


def harmless_or_refused(path, data):
    """Load ``data``: True if it gives `tiny`, False if SpecError; all else fails the test."""
    path.write_bytes(data)
    try:
        network = load(path)
    except SpecError as error:
        message = str(error)
    else:
        assert same(network, tiny())
        return True
    assert message.startswith(f"{path}: ")
    return False


@pytest.mark.parametrize("flip", [0xFF, "bit"])
def test_every_flipped_byte_is_refused_or_harmless(flip, sound, tmp_path):
    loaded = 0
    for index in range(len(sound)):
        data = bytearray(sound)
        data[index] ^= 1 << index % 8 if flip == "bit" else flip
        loaded += harmless_or_refused(tmp_path / "n", bytes(data))
    assert loaded < len(sound) / 4


def test_every_truncation_is_refused(sound, tmp_path):
    for length in range(len(sound)):
        assert not harmless_or_refused(tmp_path / "n", sound[:length])


@given(data=st.data())
def test_random_damage_is_refused_or_harmless(data, sound, tmp_path_factory):
    start = data.draw(st.integers(0, len(sound)))
    end = data.draw(st.integers(start, min(len(sound), start + 40)))
    filling = data.draw(st.binary(max_size=40))
    path = tmp_path_factory.getbasetemp() / "damaged.hwgen"
    harmless_or_refused(path, sound[:start] + filling + sound[end:])


def test_an_offset_that_no_file_has_is_refused(sound, tmp_path):
    start = sound.index(b"PK\x01\x02")  # the first entry of the directory, without extra fields
    end = sound.index(b"PK\x05\x06")
    name_end = start + 46 + len("network.json")
    entry = bytearray(sound[start:name_end])
    entry[30:32] = (12).to_bytes(2, "little")
    entry[42:46] = b"\xff" * 4
    extra = struct.pack("<HHQ", 1, 8, 2**63 + 5)
    last = bytearray(sound[end:])
    last[12:16] = (end - start + len(extra)).to_bytes(4, "little")
    data = sound[:start] + bytes(entry) + extra + sound[name_end:end] + bytes(last)
    assert not harmless_or_refused(tmp_path / "n", data)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "n"
    prefix = f"{path}: must be a hwgen network file, not damaged or of another kind"
    for data, reason in [(b"", "File is not a zip file"), (b"abc", "File is not a zip file")]:
        path.write_bytes(data)
        with refused(SpecError, f"{prefix} ({reason})"):
            load(path)
    rewrite(path, {"a": b"b"})
    with refused(SpecError, f"{prefix} (\"There is no item named 'network.json' in the"
                            " archive\")"):
        load(path)
    save(tiny(), path)
    rewrite(path, members(path), zipfile.ZIP_LZMA)
    with refused(SpecError, f"{prefix} (compression 14)"):
        load(path)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "missing")


def test_damage_that_a_zip_does_not_see_is_refused(tmp_path):
    path = tmp_path / "n"
    forge(path, seal=False)
    with refused(SpecError, f"{path}: damaged: network.json does not match its checksum"):
        load(path)
    save(tiny(), path)
    parts = members(path)
    rewrite(path, {**parts, "a0000.npy": parts["a0001.npy"]})
    with refused(SpecError, f"{path}: damaged: array a0000 does not match its checksum"):
        load(path)
    rewrite(path, {name: body for name, body in parts.items() if name != "a0001.npy"})
    with refused(SpecError, f"{path}: damaged: array a0001 is missing"):
        load(path)
    rewrite(path, {**parts, "b.npy": b"", "a.txt": b""})
    with refused(SpecError, f"{path}: damaged: ['a.txt', 'b.npy'] do not belong to it"):
        load(path)
    body = b"{"
    rewrite(path, {**parts, "network.json": body,
                   "network.sha256": hashlib.sha256(body).hexdigest().encode()})
    with refused(SpecError, f"{path}: damaged: network.json is not JSON (Expecting property name"
                            " enclosed in double quotes: line 1 column 2 (char 1))"):
        load(path)


NODES = ("['add', 'argmax', 'flatten', 'input', 'mat_vec', 'max_pool', 'piecewise', 'requantise',"
         " 'sliding_window', 'sum_pool', 'table', 'thermometer', 'threshold', 'window_max',"
         " 'window_sum']")


def without(key):
    return lambda document: {k: v for k, v in document.items() if k != key}


def node(index, **changes):
    return lambda document: document["nodes"][index].update(changes)


@pytest.mark.parametrize(("change", "message"), [
    (lambda d: [1], "must be a hwgen network file, not of another kind"),
    (lambda d: {**d, "format": "x"}, "must be a hwgen network file, not of another kind"),
    (lambda d: {**d, "version": 2},
     "version must be 1, not 2: written by a newer hwgen, upgrade to read it"),
    (lambda d: {**d, "version": 0}, "version must be 1, not 0"),
    (lambda d: {**d, "version": "2"}, "version must be 1, not '2'"),
    (lambda d: {**d, "version": True}, "version must be 1, not True"),
    (lambda d: {**d, "sha256": 3}, "damaged: sha256 must be an object, not 3"),
    (without("nodes"), "must describe a network, but 'nodes'"),
    (without("meta"), "must describe a network, but 'meta'"),
    (lambda d: {**d, "nodes": 1}, "must describe a network, but 'int' object is not iterable"),
    (lambda d: {**d, "name": 1}, "must describe a network, but network name must be a str, not 1"),
    (node(0, kind="conv"),
     f"must describe a network, but node kind must be one of {NODES}, not 'conv'"),
    (node(0, kind=[1]), "must describe a network, but unhashable type: 'list'"),
    (node(0, format={"$format": {"kind": "float"}}),
     "must describe a network, but format kind must be one of ['bipolar', 'codebook', 'fixed',"
     " 'logarithmic', 'planes', 'power-of-two', 'ternary'], not 'float'"),
    (node(1, bias={"$array": "a7"}), "must describe a network, but 'a7'"),
    (node(1, weights={"$matrix": {"kind": "csr"}}),
     "must describe a network, but matrix kind must be one of ['dense', 'loaded',"
     " 'loaded-per-channel', 'loaded-power-sums', 'loaded-shared', 'per-channel', 'placed',"
     " 'power-sums', 'product', 'shared'], not 'csr'"),
    (node(1, weights={}), "must describe a network, but '$matrix'"),
    (node(0, shape=None),
     "must describe a network, but node 'x': shape must be a tuple of ints, not None"),
    (lambda d: {**d, "nodes": [1]}, "must describe a network, but 'int' object is not iterable"),
    (lambda d: {**d, "meta": 3}, "must describe a network, but network 'tiny': meta must be a"
                                 " mapping, not 3"),
    (node(0, colour=1), "must describe a network, but Input.__init__() got an unexpected keyword"
                        " argument 'colour'"),
])
def test_forged_documents_are_refused(change, message, tmp_path):
    path = tmp_path / "n"
    forge(path, change)
    with refused(SpecError, f"{path}: {message}"):
        load(path)


@pytest.mark.parametrize(("blob", "message"), [
    (npy(np.array([[0.5, 1.0]])), "weights must be integers, not float64"),
    (npy(np.array([[9, 0]])), "weights must be in fixed s3.0 (-4..3), not 9 at index [0, 0]"
                              " (1 of 2 are outside)"),
    (b"", "EOF: reading magic string, expected 8 bytes got 0"),
    (b"PK\x03\x04abcd", "the magic string is not correct; expected b'\\x93NUMPY', got"
                         " b'PK\\x03\\x04ab'"),
    (npy(np.array([[{}, 1]], object)), "Object arrays cannot be loaded when allow_pickle=False"),
])
def test_forged_arrays_are_refused(blob, message, tmp_path):
    path = tmp_path / "n"
    forge(path, arrays={"a0000": blob})
    with refused(SpecError, f"{path}: must describe a network, but {message}"):
        load(path)


def test_a_file_of_a_faulty_network_lists_the_faults(tmp_path):
    path = tmp_path / "n"
    forge(path, node(2, inputs=["x"]))
    with refused(CheckError, "network 'tiny' has 2 fault(s):"
                 "\n  - node 2 'bn': thresholds must be of shape (2, 1) or (2,) for 2 channels and"
                 " the 2 levels of bipolar {-1, +1}, not (1,)"
                 "\n  - node 2 'bn': invert must be of shape (2,), not (1,)"):
        load(path)
