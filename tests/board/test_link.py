# amaranth: UnusedElaboratable=no
import random
import re

import pytest
from amaranth.back import rtlil
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from board.serial_sim import simulate
from board.standin import DIGEST, StandIn, golden, spec

from hwgen.host import Decoder, ErrorCode, Frame, Identity, Kind, encode
from hwgen.numeric.errors import SpecError
from hwgen.rtl.link import LinkShell, LinkSpec
from hwgen.rtl.link_deframer import Deframer

A, B, C = b"\x01\x02\x03\x04\x05\xfa", b"abcdef", bytes(6)
GAP_BITS = 220          # longer than the 200 us of the stand-in's link


def infer(seq, payload=A):
    return encode(Frame(seq, Kind.INFER, payload))


def identify(seq):
    return encode(Frame(seq, Kind.IDENTIFY))


def result(seq, payload=A, **core):
    return Frame(seq, Kind.RESULT, golden(payload, **core))


def error(seq, code):
    return Frame(seq, Kind.ERROR, bytes([code]))


def run(script, *, core=None, tail_bits=500, **sizes):
    """Return the frames that come back; nothing but frames may."""
    link = spec(**sizes)
    shell = LinkShell(core or StandIn(), link)
    received = simulate(shell, link.divisor, script, tail_bits=tail_bits)
    decoder = Decoder()
    frames = decoder.feed(received)
    assert decoder.skipped_bytes == decoder.waiting_bytes == 0
    return frames


def test_identity():
    frame, = run([identify(9)])
    assert (frame.seq, frame.kind) == (9, Kind.IDENTITY)
    assert Identity.from_payload(frame.payload) == Identity(1, 4, 0, 6, 6, DIGEST)


def test_requests_back_to_back_are_answered_in_order():
    script = [infer(1, A), infer(2, B), infer(3, C), infer(4, A), infer(1, B)]
    assert run(script) == [result(1, A), result(2, B), result(3, C), result(4, A), result(1, B)]


@pytest.mark.parametrize(("in_bytes", "lanes"), [(1, 1), (2, 2), (6, 3), (8, 4), (33, 1)])
def test_frame_and_beat_sizes(in_bytes, lanes):
    payloads = [bytes(range(k, k + in_bytes)) for k in (0, 200)]
    frames = run([infer(k, p) for k, p in enumerate(payloads)], core=StandIn(lanes=lanes),
                 in_bytes=in_bytes)
    assert frames == [result(k, p, lanes=lanes) for k, p in enumerate(payloads)]


@pytest.mark.parametrize("divisor", [4, 5, 8])
def test_divisors(divisor):
    assert run([infer(1), infer(2, B)], clk_hz=divisor * 1e6) == [result(1), result(2, B)]


@pytest.mark.parametrize("before", [
    b"\x00\xff\x13",
    b"\xa5",
    b"\xa5\xa5\xa5",
    b"\x5a\xa5\xa5",
])
def test_garbage_without_a_header_is_not_even_answered(before):
    assert run([before, infer(1)]) == [result(1)]


@pytest.mark.parametrize(("header", "code"), [
    (b"\xa5\x5a\x07\x03", ErrorCode.BAD_KIND),
    (b"\xa5\x5a\x07\x81", ErrorCode.BAD_KIND),
    (b"\xa5\x5a\x07\x01\x05", ErrorCode.BAD_LENGTH),
    (b"\xa5\x5a\x07\x01\x06\x01", ErrorCode.BAD_LENGTH),
    (b"\xa5\x5a\x07\x02\x06", ErrorCode.BAD_LENGTH),
    (b"\xa5\x5a\x07\x02\x00\x01", ErrorCode.BAD_LENGTH),
])
def test_wrong_header_is_refused_at_once_and_the_next_frame_is_good(header, code):
    assert run([header, infer(1)]) == [error(7, code), result(1)]


def test_answer_on_its_way_is_not_disturbed_by_another():
    frames = run([identify(1), b"\xa5\x5a\x07\x03", 300, infer(2)])
    assert (frames[0].seq, frames[0].kind) == (1, Kind.IDENTITY)
    assert Identity.from_payload(frames[0].payload).digest == DIGEST
    assert frames[1:] == [result(2)]


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_frame_that_begins_inside_a_wrong_header_is_found(cut):
    first = infer(1)
    begun = first[:cut] if cut < 3 else b"\xa5\x5a\x01"
    kinds = [frame.kind for frame in run([begun, first])]
    assert kinds in ([Kind.RESULT], [Kind.ERROR, Kind.RESULT])


@pytest.mark.parametrize("byte", range(2, 14))
def test_damaged_byte_is_never_computed_on(byte):
    damaged = bytearray(infer(1))
    damaged[byte] ^= 0x20
    frames = run([bytes(damaged), GAP_BITS, infer(2, B)])
    assert frames[-1] == result(2, B)
    assert [frame.kind for frame in frames[:-1]] == [Kind.ERROR]


def test_codes_of_a_bad_checksum_and_of_a_cut():
    damaged = infer(5)[:-1] + b"\x00"
    frames = run([damaged, 100, infer(6)[:9], GAP_BITS, infer(7)])
    assert frames == [error(5, ErrorCode.BAD_CRC), error(6, ErrorCode.CUT), result(7)]


@pytest.mark.parametrize("length", range(3, 14))
def test_cut_frame_does_not_swallow_the_next_one(length):
    frames = run([infer(1)[:length], GAP_BITS, infer(2, B)])
    assert frames[-1] == result(2, B)
    assert [frame.payload for frame in frames[:-1]] == [bytes([ErrorCode.CUT])]


def test_byte_without_stop_bit_ends_the_frame_at_once():
    begun = infer(1)
    assert run([begun[:8], (begun[8],), 2, infer(2, B)]) == [error(1, ErrorCode.CUT), result(2, B)]


def test_cut_after_silence_in_a_frame_only():
    assert run([infer(1), GAP_BITS, infer(2)[:8], 120, infer(2)[8:]]) == [result(1), result(2)]


def test_more_requests_than_buffers_are_refused_as_busy():
    core = StandIn(work_cycles=6000)
    frames = run([infer(k) for k in range(6)] + [100, identify(40)], core=core, tail_bits=6500)
    assert [f for f in frames if f.kind is Kind.RESULT] == [result(k) for k in range(4)]
    busy = [f for f in frames if f.kind is Kind.ERROR]
    assert busy == [error(4, ErrorCode.BUSY), error(5, ErrorCode.BUSY)]
    identity, = (f for f in frames if f.kind is Kind.IDENTITY)
    assert Identity.from_payload(identity.payload).pending == 4


def test_buffers_are_reused_in_turn_while_others_wait():
    core = StandIn(work_cycles=400)
    payloads = [bytes([k] * 6) for k in range(9)]
    script = [infer(k, p) for k, p in enumerate(payloads[:4])]
    for k, p in enumerate(payloads[4:], start=4):
        script += [150, infer(k, p)]
    frames = run(script, core=core, tail_bits=1500)
    assert frames == [result(k, p) for k, p in enumerate(payloads)]


def test_large_frames_get_two_buffers():
    assert spec(in_bytes=784).buffers == 2
    assert spec(in_bytes=129).buffers == 2
    assert spec(in_bytes=128).buffers == 4
    payload = bytes(k % 251 for k in range(300))
    assert run([infer(1, payload)], in_bytes=300) == [result(1, payload)]


@pytest.mark.parametrize("seed", range(6))
def test_random_line_gives_every_whole_request_its_own_answer(seed):
    chance = random.Random(seed)
    script, expected = [], []
    for seq in range(12):
        payload = bytes(chance.choices([0xA5, 0x5A, 0x01, 0x06, 0x00, 0xFF], k=6))
        frame = infer(seq, payload)
        fate = chance.choice(["whole", "whole", "cut", "damaged", "garbage"])
        if fate == "whole":
            script.append(frame)
            expected.append(result(seq, payload))
        elif fate == "cut":
            script.append(frame[:chance.randrange(1, 14)])
        elif fate == "damaged":
            at = chance.randrange(14)
            script.append(frame[:at] + bytes([frame[at] ^ 0x41]) + frame[at + 1:])
        else:
            script.append(bytes(chance.choices([0xA5, 0x5A, 0x01, 0x02, 0x06, 0x00], k=9)))
        script.append(GAP_BITS)
    frames = run(script)
    assert [f for f in frames if f.kind is Kind.RESULT] == expected, f"seed {seed}"


def test_converts_to_rtlil():
    assert "module" in rtlil.convert(LinkShell(StandIn(), spec()))


@pytest.mark.parametrize(("changes", "message"), [
    ({"digest": b"short"}, "link: digest must be 8 bytes, not b'short'"),
    ({"in_bytes": 0}, "link: in_bytes must be in 1..65535, not 0"),
    ({"in_bytes": 65536}, "link: in_bytes must be in 1..65535, not 65536"),
    ({"gap_s": 1e-5}, "link: gap_s must be at least 2 bytes long (2e-05 s), not 1e-05"),
])
def test_wrong_spec_is_refused(changes, message):
    with pytest.raises(SpecError, match=f"^{re.escape(message)}$"):
        spec(**changes)


def test_wrong_output_size_is_refused():
    with pytest.raises(SpecError, match=r"^link: out_bytes must be in 1..65535, not 0$"):
        LinkSpec(digest=DIGEST, in_bytes=1, out_bytes=0, clk_hz=4e6)


@pytest.mark.parametrize(("lanes", "sizes", "message"), [
    (4, {"in_bytes": 6}, "link: in_bytes must be whole beats of 4 bytes, not 6"),
])
def test_frames_are_whole_beats(lanes, sizes, message):
    with pytest.raises(SpecError, match=f"^{re.escape(message)}$"):
        LinkShell(StandIn(lanes=lanes), spec(**sizes))
    odd = LinkSpec(digest=DIGEST, in_bytes=4, out_bytes=5, clk_hz=4e6, gap_s=200e-6)
    with pytest.raises(SpecError,
                       match="^link: out_bytes must be whole beats of 2 bytes, not 5$"):
        LinkShell(StandIn(), odd)


def test_core_without_the_edges_is_refused():
    core = wiring.Component({"s_axis_tdata": In(8)})
    with pytest.raises(TypeError, match="^core must have the member 'm_axis_tdata', not <"):
        LinkShell(core, spec())


def test_core_of_broken_bytes_is_refused():
    core = wiring.Component({"s_axis_tdata": In(7), "m_axis_tdata": Out(8)})
    with pytest.raises(SpecError,
                       match="^core: s_axis_tdata must be whole bytes, not 7 bits$"):
        LinkShell(core, spec())


@pytest.mark.parametrize("make", [lambda: LinkShell(StandIn(), 5), lambda: Deframer(5)])
def test_spec_of_another_type_is_refused(make):
    with pytest.raises(TypeError, match="^spec must be a LinkSpec, not 5$"):
        make()
