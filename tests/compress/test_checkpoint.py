import pytest
import torch
from cases.errors import refused

from hwgen.compress import CheckpointError, load_checkpoint, save_checkpoint

STATE = {"epochs": 3, "name": "a", "weights": torch.arange(6.0), "nested": {"list": [1, 2.5]}}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "new" / "a.ckpt"
    save_checkpoint(path, STATE)
    return path


def test_state_comes_back(path):
    state = load_checkpoint(path)
    assert torch.equal(state.pop("weights"), STATE["weights"])
    assert state == {key: STATE[key] for key in ("epochs", "name", "nested")}


def test_nothing_but_the_checkpoint_is_left(path):
    assert [p.name for p in path.parent.iterdir()] == ["a.ckpt"]


def test_a_failed_save_keeps_the_old_one(path):
    with pytest.raises((AttributeError, TypeError), match="lambda|pickle"):
        save_checkpoint(path, {"bad": lambda: 0})
    assert load_checkpoint(path)["epochs"] == 3
    assert len(list(path.parent.iterdir())) == 1


def test_a_save_cut_short_keeps_the_old_one(path, monkeypatch):
    def full(file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hwgen.compress.checkpoint.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(path, {"epochs": 4})
    assert load_checkpoint(path)["epochs"] == 3
    assert len(list(path.parent.iterdir())) == 1


def damaged(path, size):
    return (f"checkpoint '{path}' must match its sha256, but it is damaged or cut ({size} bytes):"
            f" delete it to train from the start")


def test_a_cut_file_is_refused(path):
    data = path.read_bytes()
    head = data.index(b"\n") + 1
    path.write_bytes(data[:-10])
    with refused(CheckpointError, damaged(path, len(data) - head - 10)):
        load_checkpoint(path)


@pytest.mark.parametrize("place", [0.1, 0.5, 0.999])
def test_a_changed_byte_is_refused(path, place):
    data = bytearray(path.read_bytes())
    head = data.index(b"\n") + 1
    data[head + int(place * (len(data) - head))] ^= 1
    path.write_bytes(data)
    with refused(CheckpointError, damaged(path, len(data) - head)):
        load_checkpoint(path)


@pytest.mark.parametrize("data", [b"", b"hwgen-checkpoint 2 00\nx", b"PK\x03\x04"])
def test_other_files_are_refused(path, data):
    path.write_bytes(data)
    with refused(CheckpointError, f"checkpoint '{path}' must begin with 'hwgen-checkpoint 1 ', not"
                                  f" {data.partition(bytes([10]))[0][:19]!r}: it is no checkpoint"
                                  f" of this version"):
        load_checkpoint(path)
