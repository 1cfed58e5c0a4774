"""When pixels pass through the queue in front of a unit that takes a frame's first ones ahead."""

__all__ = ["PixelQueue", "Pixels"]


class Pixels:
    """Cycles of pixels that are taken as they come, at most one in a cycle: no queue.

    Parameters
    ----------
    arrivals : list of int

    Members
    -------
    written, taken : list of int    of each pixel so far, when it was taken
    """

    def __init__(self, arrivals: list[int]):
        self._arrivals, self.taken = arrivals, []
        self.written = self.taken

    def take(self, cycle: int) -> int:
        """The next pixel is taken in ``cycle``, or as soon after it as it comes; when that is."""
        self.taken.append(max(cycle, self._arrivals[len(self.taken)]))
        return self.taken[-1]


class PixelQueue:
    """Cycles of the pixels in a queue of ``depth``, whose output is a register.

    A pixel goes into the memory as it comes, if there is a place, into the register a cycle later,
    if that is free, and can be taken in the cycle after.

    Parameters
    ----------
    arrivals : list of int      at most one in a cycle; those that find no place wait outside
    depth : int                 pixels, with the one in the register

    Members
    -------
    written : list of int       of each pixel so far, when it went in
    taken : list of int         when it left
    """

    def __init__(self, arrivals: list[int], depth: int):
        self._arrivals, self._depth = arrivals, depth
        self.written, self._shown, self.taken = [], [], []

    def take(self, cycle: int) -> int:
        """The next pixel leaves in ``cycle``, or as soon after it as it can; when that is."""
        cycle = max(cycle, self._next_shown() + 1)
        self._shown.append(self._next_shown())
        self.taken.append(cycle)
        return cycle

    def holds(self, count: int, cycle: int) -> bool:
        """Whether so many, fewer than ``depth``, wait in ``cycle``, and one can leave."""
        last = len(self.taken) + count - 1
        return (last < len(self._arrivals) and self._write(last) < cycle
                and self._next_shown() < cycle)

    def _write(self, number):
        while len(self.written) <= number:
            k = len(self.written)
            cycle = max(self._arrivals[k], self.written[-1] + 1 if k else 0)
            if k >= self._depth - 1:
                cycle = max(cycle, self._shown[k - self._depth + 1] + 1)
            self.written.append(cycle)
        return self.written[number]

    def _next_shown(self):
        """When the pixel that leaves next comes into the register."""
        number = len(self.taken)
        return max(self._write(number) + 1, self.taken[-1] if number else 0)
