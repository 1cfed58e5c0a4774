import os
import re
import tty

import numpy as np
import pytest
from host.fake_board import FakeBoard, refusing, serving

from hwgen.host import BoardClient, Frame, Identity, Kind, LinkError, encode
from hwgen.numeric.errors import SpecError

DIGEST = bytes(range(8))
MANIFEST = {
    "name": "net", "digest": DIGEST.hex() + "00" * 24,
    "input": {"lanes": 1, "element_bytes": 1, "elements": 2, "min": 0, "max": 255,
              "bipolar": False},
    "output": {"lanes": 1, "element_bytes": 1, "signed": False, "bipolar": False,
               "fields": [{"name": "scores", "count": 2}, {"name": "class", "count": 1}]},
}
X = np.arange(20).reshape(10, 2)
EXPECTED = X[:, ::-1]


def answer(payload):
    return payload[::-1] + payload[:1]


def board(**options):
    return FakeBoard(answer, **{"digest": DIGEST, "sizes": (2, 3), **options})


def client(port, **options):
    return BoardClient(port, manifest=MANIFEST, **{"timeout_s": 0.2, **options})


def check_infer(fake, **options):
    done = []
    with serving(fake) as port, client(port, **options) as link:
        scores, classes = link.infer(X, progress=lambda *at: done.append(at))
    assert np.array_equal(scores, EXPECTED)
    assert np.array_equal(classes, X[:, 0])
    assert done == [(k, 10) for k in range(1, 11)]


def test_vectors_go_out_and_answers_come_back():
    check_infer(board())


def test_identity_is_asked_once():
    fake = board()
    with serving(fake) as port, client(port) as link:
        link.infer(X)
        link.infer(X[:3])
        assert link.identify() == Identity(1, 2, 0, 2, 3, DIGEST)
    kinds = [frame.kind for frame in fake.requests]
    assert kinds == [Kind.IDENTIFY] + [Kind.INFER] * 13 + [Kind.IDENTIFY]


def test_never_more_requests_under_way_than_the_board_has_buffers():
    fake = board(buffers=3, slow_s=0.03)
    check_infer(fake)
    assert fake.most_under_way == 3


def test_more_vectors_than_there_are_numbers():
    x = np.arange(1200).reshape(600, 2) % 256
    with serving(board()) as port, client(port) as link:
        scores, _ = link.infer(x)
    assert np.array_equal(scores, x[:, ::-1])


def test_refused_lost_and_damaged_answers_are_asked_for_again():
    def damaged(reply):
        return reply[:7] + bytes([reply[7] ^ 1]) + reply[8:]

    fake = board(spoil=[None, refusing(), lambda reply: b"", damaged, None, refusing(77)])
    check_infer(fake)
    assert sum(frame.kind is Kind.INFER for frame in fake.requests) >= 14


def test_garbage_between_answers_is_skipped():
    check_infer(board(spoil=[lambda reply: b"\xa5\x5a\x02\xa5" + reply + b"\xa5"] * 10))


def test_answer_that_comes_late_is_not_taken_for_another():
    late = []

    def hold(reply):
        late.append(reply)
        return b""

    def release(reply):
        return late[0] + reply

    fake = board(buffers=1, spoil=[hold, None, release])
    check_infer(fake)


def test_unknown_numbers_and_kinds_are_ignored():
    stray = encode(Frame(250, Kind.RESULT, b"\x09\x09\x09"))

    def wrong_kind(reply):
        return encode(Frame(reply[2], Kind.IDENTITY, bytes(15))) + stray + reply

    check_infer(board(spoil=[wrong_kind] * 3))


def test_results_of_an_earlier_run_are_waited_for():
    fake = board(pending=[2, 1])
    check_infer(fake)
    assert [frame.kind for frame in fake.requests[:4]] == [Kind.IDENTIFY] * 3 + [Kind.INFER]


def check_link_error(fake, message, *, call="infer", **options):
    with (
        serving(fake) as port,
        client(port, **options) as link,
        pytest.raises(LinkError) as caught,
    ):
        link.infer(X) if call == "infer" else link.identify()
    assert str(caught.value) == message.replace("PORT", repr(port))


def test_another_network_on_the_board():
    check_link_error(board(digest=b"\xff" * 8),
                     "board on PORT: network must be 'net' (digest 0001020304050607...), "
                     "not digest ffffffffffffffff...")


def test_other_sizes_on_the_board():
    check_link_error(board(sizes=(4, 3)),
                     "board on PORT: bytes of an input and an output frame must be (2, 3), "
                     "not (4, 3)")


def test_another_version_of_the_link():
    check_link_error(board(version=9), "board on PORT: link version must be 1, not 9")


def test_board_that_stays_busy():
    check_link_error(board(pending=[3] * 10_000),
                     "board on PORT: earlier requests must be answered within 0.2 s, 3 are not")


def test_board_that_refuses_for_ever():
    check_link_error(board(buffers=1, spoil=[refusing()] * 8),
                     "board on PORT: request 0 (INFER) was refused as BAD_CRC, at its last "
                     "attempt", retries=1)


def test_board_that_refuses_for_a_reason_we_do_not_know():
    check_link_error(board(buffers=1, spoil=[refusing(77)] * 8),
                     "board on PORT: request 0 (INFER) was refused as error 77, at its last "
                     "attempt", retries=0)


def test_board_that_says_nothing():
    master, slave = os.openpty()
    tty.setraw(slave)
    port = os.ttyname(slave)
    with (
        client(port, timeout_s=0.1, retries=1) as link,
        pytest.raises(LinkError, match="^" + re.escape(
            f"board on {port!r}: request 0 (IDENTIFY) was not answered (is the board programmed, "
            "and for this baud rate?), at its last attempt") + "$"),
    ):
        link.identify()
    os.close(master)
    os.close(slave)


def test_port_that_is_not_there():
    with pytest.raises(LinkError, match=r"^port must be a serial port that can be opened, "
                                        r"not '/dev/no-such-port': .*No such file"):
        client("/dev/no-such-port")


def test_port_that_goes_away():
    master, slave = os.openpty()
    tty.setraw(slave)
    port = os.ttyname(slave)
    with client(port) as link:
        os.close(slave)
        os.close(master)
        with pytest.raises(LinkError, match=f"^board on '{port}': the port must stay open while "
                                            "it is used: "):
            link.identify()


@pytest.mark.parametrize(("options", "message"), [
    ({"timeout_s": 0}, "timeout_s must be positive, not 0"),
    ({"retries": -1}, "retries must not be negative, not -1"),
])
def test_wrong_options_are_refused(options, message):
    with pytest.raises(SpecError, match=f"^{re.escape(message)}$"):
        client("/dev/null", **options)
