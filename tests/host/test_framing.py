import re

import pytest
from amaranth.lib.crc import catalog
from hypothesis import given
from hypothesis import strategies as st

from hwgen.host import framing
from hwgen.host.framing import Decoder, ErrorCode, Frame, Kind, crc16, encode
from hwgen.numeric.errors import SpecError
from hwgen.rtl import link_spec
from hwgen.rtl.link_spec import LinkSpec

frames = st.builds(Frame, st.integers(0, 255), st.sampled_from(Kind), st.binary(max_size=40))
# Random bytes seldom hold what confuses a decoder, so sync bytes and begun frames are mixed in.
pieces = st.one_of(
    st.binary(max_size=6),
    st.sampled_from([b"\xa5", b"\x5a", b"\xa5\x5a", b"\xa5\xa5\x5a", b"\xa5\x5a\x01\x01\xff\xff"]),
    st.builds(lambda frame, cut: encode(frame)[:-cut], frames, st.integers(1, 7)),
)
garbage = st.lists(pieces, max_size=4).map(b"".join)


def split(data, cuts):
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in zip(edges, edges[1:], strict=False)]


@given(st.binary(max_size=100))
def test_crc_is_the_catalogued_one(data):
    assert crc16(data) == catalog.CRC16_X25(8).compute(data)


def test_crc_of_the_catalogue_check_string():
    assert crc16(b"123456789") == 0x906E


def test_encoded_frame_byte_by_byte():
    assert encode(Frame(7, Kind.INFER, b"\x01\x02")).hex(" ") == "a5 5a 07 01 02 00 01 02 a6 e3"


@given(st.lists(frames, max_size=5), st.lists(st.integers(0, 500), max_size=5))
def test_frames_come_back_however_the_bytes_are_split(sent, cuts):
    decoder = Decoder()
    received = [frame for part in split(b"".join(map(encode, sent)), cuts)
                for frame in decoder.feed(part)]
    assert received == sent
    assert decoder.skipped_bytes == decoder.waiting_bytes == 0


@given(st.lists(st.tuples(garbage, frames), max_size=4), garbage)
def test_intact_frames_are_found_in_any_garbage(parts, tail):
    decoder = Decoder()
    data = b"".join(before + encode(frame) for before, frame in parts) + tail
    received = decoder.feed(data) + decoder.flush()
    assert received == [frame for _, frame in parts]
    assert decoder.waiting_bytes == 0
    assert decoder.skipped_bytes == len(data) - sum(len(encode(frame)) for _, frame in parts)


@given(frames, st.data())
def test_frame_with_one_wrong_bit_is_refused(frame, data):
    damaged = bytearray(encode(frame))
    bit = data.draw(st.integers(0, 8 * len(damaged) - 1))
    damaged[bit // 8] ^= 1 << bit % 8
    decoder = Decoder()
    assert decoder.feed(bytes(damaged)) + decoder.flush() == []


def test_damaged_length_holds_frames_back_only_until_flush():
    decoder = Decoder()
    good = Frame(3, Kind.RESULT, b"abc")
    assert decoder.feed(b"\xa5\x5a\x01\x81\xff\xff" + encode(good)) == []
    assert decoder.waiting_bytes > 0
    assert decoder.flush() == [good]


def test_known_lengths_reject_a_wrong_header_at_once():
    decoder = Decoder(lengths={Kind.RESULT: 3})
    good = Frame(3, Kind.RESULT, b"abc")
    wrong_kind = encode(Frame(4, Kind.IDENTIFY))
    assert decoder.feed(b"\xa5\x5a\x01\x81\xff\xff" + wrong_kind + encode(good)) == [good]


@pytest.mark.parametrize(("arguments", "message"), [
    ((256, Kind.INFER), "frame: seq must be in 0..255, not 256"),
    ((-1, Kind.INFER), "frame: seq must be in 0..255, not -1"),
    ((0, Kind.INFER, bytes(65536)), "frame: payload must be at most 65535 bytes, not 65536"),
])
def test_impossible_frame_is_refused(arguments, message):
    with pytest.raises(SpecError, match=f"^{re.escape(message)}$"):
        Frame(*arguments)


def test_hardware_and_host_agree_on_every_constant():
    assert bytes(link_spec.SYNC) == framing.SYNC
    assert link_spec.IDENTITY_BYTES == framing.IDENTITY_BYTES
    for words in (1, 2, 127, 128, 129, 384, 1000):
        spec = LinkSpec(digest=bytes(8), in_bytes=1, out_bytes=1, clk_hz=50e6, weight_words=words)
        chunks = framing.chunks_of(bytes(4 * words))
        assert len(chunks) == spec.chunks
        assert {framing.LOADED_BYTES + len(chunk) for chunk in chunks} == {spec.load_bytes}
    assert {k.name: k.value for k in link_spec.Kind} == {k.name: k.value for k in Kind}
    assert {k.name: k.value for k in link_spec.ErrorCode} == {k.name: k.value for k in ErrorCode}
