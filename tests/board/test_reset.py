import pytest
from amaranth.sim import Simulator

from hwgen.board_targets.shared import PowerOnReset


def trace(cycles, good):
    """Return ``running`` in each cycle, for ``good`` in each."""
    dut, running = PowerOnReset(cycles=cycles), []

    async def drive(ctx):
        for value in good:
            ctx.set(dut.good, value)
            running.append(ctx.get(dut.running))
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.run()
    return running


@pytest.mark.parametrize("cycles", [1, 5, 16])
def test_reset_ends_after_the_cycles_and_two_of_the_synchroniser(cycles):
    running = trace(cycles, [1] * (cycles + 20))
    assert running.index(1) == cycles + 3
    assert all(running[cycles + 3:])


def test_short_break_starts_the_wait_anew():
    running = trace(5, [0] * 3 + [1] * 4 + [0] + [1] * 20)
    assert running.index(1) == 8 + 5 + 3


def test_loss_of_lock_while_running_resets():
    running = trace(4, [1] * 12 + [0] * 4 + [1] * 12)
    assert running[11] == 1
    assert running[15:20] == [0] * 5
    assert running[16 + 4 + 3:] == [1] * 5
