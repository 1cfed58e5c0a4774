"""Runs a shell's emitted Verilog under the board bench, as a script or as a live board."""

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import hwgen.tb
from hwgen.emit.verilog import to_verilog

TOP = "shell"
START_S = 300       # the simulator compiles first


def command(shell, folder, core_verilog=()):
    """Command line of the bench for ``shell``, without its mode; ``folder`` gets its Verilog."""
    bench = Path(next(iter(hwgen.tb.__path__))) / "board_bench.py"
    verilog = folder / f"{TOP}.v"
    verilog.write_text(to_verilog(shell, TOP, folder=folder))
    return [sys.executable, str(bench), str(verilog), *map(str, core_verilog), "--top", TOP,
            "--clk-hz", str(shell.spec.clk_hz), "--baud", str(shell.spec.baud),
            "--build", str(folder / "build")]


def play(shell, folder, script):
    """Send the bytes and wait the ints (bits) of ``script``; return what the board sent."""
    words = [part.hex() if isinstance(part, bytes) else part for part in script]
    (folder / "script.json").write_text(json.dumps(words))
    received = folder / "received"
    done = subprocess.run([*command(shell, folder), "--script", str(folder / "script.json"),
                           "--received", str(received)],
                          cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return received.read_bytes()


@contextmanager
def live(shell, folder, core_verilog=()):
    """Give the path of a pseudo-terminal behind which the board is simulated.

    ``core_verilog`` are the files of the core, where ``shell`` only has an instance of it.
    """
    port = folder / "port"
    with (folder / "live.log").open("w") as log:
        process = subprocess.Popen(
            [*command(shell, folder, core_verilog), "--bridge", str(port)],
            cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + START_S
            while not port.is_symlink():
                assert process.poll() is None, (folder / "live.log").read_text()[-4000:]
                assert time.monotonic() < deadline, "the simulated board must start in time"
                time.sleep(0.1)
            yield str(port)
            port.unlink()
            assert process.wait(timeout=60) == 0, (folder / "live.log").read_text()[-4000:]
        finally:
            process.kill()
            process.wait()
