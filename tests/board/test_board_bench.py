# amaranth: UnusedElaboratable=no
import numpy as np
import pytest
from board.simulated import live, play
from board.standin import StandIn, golden, manifest, spec

from hwgen.host import BoardClient, Decoder, ErrorCode, Frame, Kind, LinkError, encode
from hwgen.rtl.link import LinkShell

pytestmark = pytest.mark.cosim

FAST = {"clk_hz": 50e6, "baud": 5_000_000}      # 10 cycles a bit, to keep the simulation short


def infer(seq, payload):
    return encode(Frame(seq, Kind.INFER, payload))


def test_pins_answer_good_frames_and_survive_bad_ones(tmp_path, rng):
    vectors = [rng.bytes(6) for _ in range(3)]
    damaged = bytearray(infer(2, vectors[0]))
    damaged[9] ^= 0x10
    garbage = bytes([0x00, 0xA5, 0x5A, 0xA5, 0xA5, 0xFF, 0x13])
    gap_bits = 1100                              # more than 200 us
    received = play(LinkShell(StandIn(), spec(**FAST)), tmp_path, [
        garbage, infer(1, vectors[0]), bytes(damaged), 300,
        infer(3, vectors[1])[:8], gap_bits, infer(4, vectors[2]), 400,
    ])
    decoder = Decoder()
    frames = decoder.feed(received)
    assert decoder.skipped_bytes == decoder.waiting_bytes == 0
    results = [(f.seq, f.payload) for f in frames if f.kind is Kind.RESULT]
    assert results == [(1, golden(vectors[0])), (4, golden(vectors[2]))]
    errors = [(f.seq, f.payload) for f in frames if f.kind is Kind.ERROR]
    assert errors[-2:] == [(2, bytes([ErrorCode.BAD_CRC])), (3, bytes([ErrorCode.CUT]))]


def test_client_runs_vectors_on_a_live_board(tmp_path, rng):
    x = rng.integers(0, 256, (40, 6))
    done = []
    with live(LinkShell(StandIn(), spec(**FAST)), tmp_path) as port:
        with BoardClient(port, manifest=manifest(), baud=FAST["baud"], timeout_s=5) as client:
            scores, classes = client.infer(x, progress=lambda *at: done.append(at))
            identity = client.identify()
        with (
            BoardClient(port, manifest=manifest(digest=b"otherNet"), timeout_s=5) as client,
            pytest.raises(LinkError, match="network must be 'standin'"),
        ):
            client.infer(x)
    expected = np.array([np.frombuffer(golden(bytes(v.tolist())), "<u2") for v in x])
    assert np.array_equal(scores, expected[:, :2])
    assert np.array_equal(classes, expected[:, 2])
    assert done == [(k, 40) for k in range(1, 41)]
    assert (identity.in_bytes, identity.out_bytes, identity.pending) == (6, 6, 0)
