"""When the jobs of a sparse engine do what, to the cycle, without stalls."""

from typing import NamedTuple

from ...numeric import SpecError, as_int

__all__ = ["ASK_CYCLES", "MAX_BEATS", "SUM_CYCLES", "SpmvJob", "Times", "UPDATE_CYCLES", "schedule"]

MAX_BEATS = 1 << 24
"""Most beats of entries that a command can ask for."""

UPDATE_CYCLES = 5
"""From the read of a sum to the next one that sees it: two registers of the memory, those of the
choice among the banks and of the adder, the write."""

SUM_CYCLES = 11
"""From an entry's cycle to the one in which the sum of its row is written."""

READ_CYCLES = 3
"""From the cycle in which a sum is asked for to that in which a lane, of the first ones, reads it:
two registers of what all are told, that of the address."""

ASK_CYCLES = SUM_CYCLES + 1 - READ_CYCLES
"""From a job's last entry to the cycle in which its first sum is asked for, as early as may be."""


class SpmvJob(NamedTuple):
    """A tile of the matrix: so many columns, slots of rows in each lane, and beats of entries.

    A job that ``sends`` is followed by its sums, and the next one begins with zeros; behind
    another one, the next adds to its sums.
    """

    columns: int
    slots: int
    beats: int
    sends: bool


class Times(NamedTuple):
    """Cycles of a job: its x is there; its first and last entries; its last sums are asked for."""

    x: int
    first: int
    last: int
    sent: int


def schedule(spec, jobs) -> list[Times]:
    """When each of ``jobs`` does what without stalls; the first beat is taken in cycle 0.

    A job begins once its command and its x are there and its bank of sums is free. Banks change
    behind each job that sends; x has room for two tiles. ``docs/spmv.md`` has the formulas.
    """
    times, bank, free, loaded, ended, swept, kept = [], 0, [0, 0], 0, 0, 0, False
    for number, job in enumerate(jobs):
        _require(spec, job)
        released = times[number - 2].last if number > 1 else 0
        loaded = max(loaded, released) + -(-job.columns // spec.x_lanes)
        command = ended + spec.command_beats
        begin = max(command, loaded, free[bank] - 1) + 2
        if kept:
            begin = max(begin, ended + UPDATE_CYCLES)
        ended = begin + job.beats - 1
        kept = not job.sends
        if job.sends:
            swept = max(ended + ASK_CYCLES - 1, swept) + job.slots
            free[bank] = swept + 1
            bank = 1 - bank
        times.append(Times(loaded, begin, ended, swept))
    return times


def _require(spec, job):
    for what, most in (("columns", spec.columns), ("slots", spec.slots), ("beats", MAX_BEATS)):
        value = as_int(getattr(job, what), f"engine 'spmv': {what}")
        if not 1 <= value <= most:
            raise SpecError(f"engine 'spmv': {what} of a job must be in 1..{most}, not {value}")
