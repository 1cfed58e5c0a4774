"""A board made of a thread behind a pseudo-terminal, which can misbehave."""

import os
import select
import threading
import time
import tty
from contextlib import contextmanager

from hwgen.host.framing import Decoder, ErrorCode, Frame, Kind, encode


class FakeBoard:
    """Answers each request with ``answer(payload)``.

    ``spoil`` holds, for the next answers in turn, a function from the encoded answer to what is
    sent instead; None sends it as it is. ``pending`` is reported once per entry, then 0.
    ``slow_s`` pass before requests are looked at. A set of weights is so many ``chunks``, and
    ``following`` is next of them; those that were taken are in ``taken``.
    """

    def __init__(self, answer, *, digest, sizes, buffers=2, version=1, spoil=(), pending=(),
                 slow_s=0, chunks=0, following=0):
        self._answer, self._digest, self._sizes = answer, digest, sizes
        self._buffers, self._version, self._slow_s = buffers, version, slow_s
        self._spoil, self._pending = list(spoil), list(pending)
        self._chunks, self.following, self.taken = chunks, following, []
        self.requests = []
        self.most_under_way = 0

    def _reply(self, frame):
        if frame.kind is Kind.IDENTIFY:
            sizes = b"".join(size.to_bytes(2, "little") for size in self._sizes)
            pending = self._pending.pop(0) if self._pending else 0
            head = bytes([self._version, self._buffers, pending])
            return encode(Frame(frame.seq, Kind.IDENTITY, head + sizes + self._digest))
        if frame.kind is Kind.LOAD:
            reply = encode(Frame(frame.seq, Kind.LOADED, self._take(frame.payload)))
        else:
            reply = encode(Frame(frame.seq, Kind.RESULT, self._answer(frame.payload)))
        spoil = self._spoil.pop(0) if self._spoil else None
        return reply if spoil is None else spoil(reply)

    def _take(self, payload):
        if int.from_bytes(payload[:4], "little") == self.following:
            self.taken.append(payload[4:])
            self.following = (self.following + 1) % self._chunks
        return self.following.to_bytes(4, "little")

    def serve(self, board, stop):
        decoder = Decoder()
        while not stop.is_set():
            if not select.select([board], [], [], 0.01)[0]:
                continue
            time.sleep(self._slow_s)
            frames = decoder.feed(os.read(board, 4096))
            self.most_under_way = max(self.most_under_way, len(frames))
            for frame in frames:
                self.requests.append(frame)
                os.write(board, self._reply(frame))


def refusing(code=ErrorCode.BAD_CRC):
    """Replace an answer by an error with the same number."""
    return lambda reply: encode(Frame(reply[2], Kind.ERROR, bytes([code])))


@contextmanager
def serving(board):
    """Give the port behind which ``board`` answers."""
    master, slave = os.openpty()
    tty.setraw(slave)
    stop = threading.Event()
    thread = threading.Thread(target=board.serve, args=(master, stop))
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        stop.set()
        thread.join()
        os.close(master)
        os.close(slave)
