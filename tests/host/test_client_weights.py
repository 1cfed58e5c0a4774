"""Weights over the link, the host's side: chunks in order, lost answers, sets left unfinished."""

import re

import pytest
from host.fake_board import refusing, serving
from host.test_client import MANIFEST, X, board, client

from hwgen.host import BoardClient, Kind, LinkError
from hwgen.host.framing import CHUNK_BYTES, chunks_of
from hwgen.numeric.errors import SpecError

SIZE = 2 * CHUNK_BYTES + 8
WEIGHTS = bytes(k % 251 for k in range(SIZE))
LOADED = MANIFEST | {"weights": {"bytes": SIZE}}


def loader(port, **options):
    return BoardClient(port, manifest=LOADED, **{"timeout_s": 0.2, **options})


def check_load(fake, expected):
    done = []
    with serving(fake) as port, loader(port) as link:
        link.load(WEIGHTS, progress=lambda *at: done.append(at))
        link.infer(X)
    assert fake.taken == expected
    assert fake.following == 0
    assert done == [(k, len(done)) for k in range(1, len(done) + 1)]
    return done


def test_a_set_is_sent_in_chunks_of_which_the_last_is_filled_up():
    chunks = chunks_of(WEIGHTS)
    assert [len(chunk) for chunk in chunks] == [CHUNK_BYTES] * 3
    assert b"".join(chunks) == WEIGHTS + bytes(CHUNK_BYTES - 8)
    assert chunks_of(WEIGHTS[:8]) == [WEIGHTS[:8]]
    check_load(board(chunks=3), chunks)


def test_lost_and_refused_answers_are_asked_for_again_and_no_chunk_is_taken_twice():
    check_load(board(chunks=3, spoil=[None, lambda reply: b"", refusing(), None, refusing()]),
               chunks_of(WEIGHTS))


@pytest.mark.parametrize("begun", [1, 2])
def test_a_set_that_was_left_unfinished_is_finished_first(begun):
    chunks = chunks_of(WEIGHTS)
    done = check_load(board(chunks=3, following=begun), chunks[begun:] + chunks)
    assert len(done) == 6 - begun


def test_requests_that_wait_for_weights_do_not_keep_them_out():
    fake = board(chunks=3, pending=[2, 2, 0])
    with serving(fake) as port, loader(port) as link:
        link.load(WEIGHTS)
        assert [frame.kind for frame in fake.requests] == [Kind.IDENTIFY] + [Kind.LOAD] * 4
        link.infer(X)


def test_another_chunk_than_the_next_one_is_told():
    fake = board(chunks=5)
    message = "chunk 0 of the weights must be next, not 3; does another program use the board?"
    with (serving(fake) as port, loader(port) as link,
          pytest.raises(LinkError, match=f"{re.escape(message)}$")):
        link.load(WEIGHTS)


def test_another_board_is_not_loaded():
    fake = board(chunks=3, digest=bytes(8))
    with (serving(fake) as port, loader(port) as link,
          pytest.raises(LinkError, match="network must be 'net'")):
        link.load(WEIGHTS)
    assert fake.taken == []


def test_constants_and_sets_of_another_length_are_refused():
    with serving(board()) as port, client(port) as link, pytest.raises(
            SpecError, match="^weights of 'net' must be ram to be loaded, and are constants$"):
        link.load(WEIGHTS)
    with serving(board()) as port, loader(port) as link, pytest.raises(
            SpecError, match=f"^weights must be {SIZE} bytes, not 8$"):
        link.load(WEIGHTS[:8])
