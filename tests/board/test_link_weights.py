# amaranth: UnusedElaboratable=no
"""Weights over the board link: chunks in order, of other numbers, damaged, cut, too many."""

import re

import pytest
from board.serial_sim import simulate
from board.standin import StandIn, golden, spec

from hwgen.host import Decoder, ErrorCode, Frame, Kind, encode, framing
from hwgen.host.framing import chunks_of
from hwgen.numeric.errors import SpecError
from hwgen.rtl import link_spec
from hwgen.rtl.link import LinkShell

X = b"\x01\x02\x03\x04\x05\xfa"
GAP_BITS = 220


def words(rng, count):
    return rng.bytes(4 * count)


def load(seq, number, chunk):
    return encode(Frame(seq, Kind.LOAD, number.to_bytes(4, "little") + chunk))


def loaded(seq, following):
    return Frame(seq, Kind.LOADED, following.to_bytes(4, "little"))


def infer(seq):
    return encode(Frame(seq, Kind.INFER, X))


def result(seq, weights):
    return Frame(seq, Kind.RESULT, golden(X, weights=weights))


def run(script, *, weight_words, tail_bits=450):
    link = spec(weight_words=weight_words)
    shell = LinkShell(StandIn(weights=True), link)
    decoder = Decoder()
    frames = decoder.feed(simulate(shell, link.divisor, script, tail_bits=tail_bits))
    assert decoder.skipped_bytes == decoder.waiting_bytes == 0
    return frames


@pytest.mark.parametrize("count", [1, 3])
def test_a_set_of_one_chunk_then_another(rng, count):
    """Requests wait for the first set; the second one is loaded between two."""
    first, second = words(rng, count), words(rng, count)
    frames = run([infer(1), infer(2), load(3, 0, first), 400, load(4, 0, second), 110, infer(5)],
                 weight_words=count)
    assert frames[0] == loaded(3, 0)
    assert frames[1:] == [result(1, first), result(2, first), loaded(4, 0), result(5, second)]


def test_chunks_of_another_number_change_nothing_and_are_told_which_is_next(rng, monkeypatch):
    """Two words a chunk, so that it is short; of five there are three, the last one filled up."""
    monkeypatch.setattr(link_spec, "_CHUNK_WORDS", 2)
    monkeypatch.setattr(framing, "CHUNK_BYTES", 8)
    weights = words(rng, 5)
    first, second, third = chunks_of(weights)
    assert (first, second, third) == (weights[:8], weights[8:16], weights[16:] + bytes(4))
    script = []
    for seq, (number, chunk) in enumerate([
            (1, second), (0, first), (0, first), (2, third), (1, second), (2, third), (2, third),
            (0xFFFFFFFF, first), (256, first)]):
        script += [load(seq, number, chunk), 110]
    frames = run([*script, infer(9)], weight_words=5)
    assert frames == [*(loaded(seq, following) for seq, following in enumerate(
        [0, 1, 1, 1, 2, 0, 0, 0, 0])), result(9, weights)]


def test_damaged_and_cut_chunks_are_not_taken(rng):
    weights, damaged = words(rng, 5), bytearray(load(1, 0, bytes(20)))
    damaged[12] ^= 1
    frames = run([bytes(damaged), 150, load(2, 0, bytes(20))[:20], GAP_BITS, load(3, 0, weights),
                  200, infer(4)], weight_words=5)
    assert [(f.seq, f.payload[0]) for f in frames if f.kind is Kind.ERROR] == [
        (1, ErrorCode.BAD_CRC), (2, ErrorCode.CUT)]
    assert frames[-2:] == [loaded(3, 0), result(4, weights)]


def test_a_chunk_while_another_is_under_way_is_refused(rng):
    """The answer to the first one waits for the line, on which a result travels."""
    weights, idle = words(rng, 1), words(rng, 1)
    frames = run([load(1, 0, weights), 150, infer(2), 30, load(3, 0, weights),
                  load(4, 0, idle), 300, infer(5)], weight_words=1)
    told = [frame for frame in frames if frame.seq in (3, 4)]
    assert told[0] == loaded(3, 0)
    assert told[1] in (Frame(4, Kind.ERROR, bytes([ErrorCode.BUSY])), loaded(4, 0))
    assert frames[-1] == result(5, idle if told[1].kind is Kind.LOADED else weights)


@pytest.mark.parametrize(("header", "code"), [
    (b"\xa5\x5a\x07\x04", ErrorCode.BAD_KIND),
    (b"\xa5\x5a\x07\x03\x15", ErrorCode.BAD_LENGTH),
    (b"\xa5\x5a\x07\x03\x18\x01", ErrorCode.BAD_LENGTH),
    (b"\xa5\x5a\x07\x01\x18", ErrorCode.BAD_LENGTH),
])
def test_wrong_headers_are_refused(rng, header, code):
    weights = words(rng, 5)
    frames = run([header, load(1, 0, weights), 150, infer(2)], weight_words=5)
    assert frames == [Frame(7, Kind.ERROR, bytes([code])), loaded(1, 0), result(2, weights)]


def test_identity_and_answers_of_weights_take_turns(rng):
    weights, script = words(rng, 2), []
    for seq in range(0, 8, 2):
        script += [encode(Frame(seq, Kind.IDENTIFY)), load(seq + 1, 0, weights), 30 + 47 * seq]
    frames = run(script, weight_words=2)
    answers = {frame.seq: frame for frame in frames}
    assert all(answers[seq].kind in (Kind.LOADED, Kind.ERROR) for seq in range(1, 8, 2))
    assert {frame.kind for frame in frames} >= {Kind.LOADED, Kind.IDENTITY}
    assert frames[-1] == loaded(7, 0)


@pytest.mark.parametrize(("core", "count", "message"), [
    (StandIn(weights=True), 0,
     "link: weight_words must be at least 1, as the core loads weights, not 0"),
    (StandIn(), -1, "link: weight_words must be at least 0, not -1"),
])
def test_wrong_sizes_are_refused(core, count, message):
    with pytest.raises(SpecError, match=f"^{re.escape(message)}$"):
        LinkShell(core, spec(weight_words=count))


def test_a_core_without_such_a_stream_is_refused():
    with pytest.raises(TypeError, match="^core must have the member 's_axis_weights_tdata', not <"):
        LinkShell(StandIn(), spec(weight_words=3))
