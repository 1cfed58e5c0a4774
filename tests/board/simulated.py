"""Runs a shell's emitted Verilog under the board bench, as a script or as a live board."""

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import hwgen.tb
from amaranth.back import verilog

from hwgen.toolchain import find

TOP = "shell"
START_S = 300       # the simulator compiles first


def emit(shell, folder):
    """Write the Verilog of ``shell`` into ``folder`` and return its path."""
    os.environ["AMARANTH_USE_YOSYS"] = "system"
    os.environ["YOSYS"] = find("yosys").path
    path = folder / f"{TOP}.v"
    path.write_text(verilog.convert(shell, name=TOP, emit_src=False))
    return path


def command(shell, folder):
    """Command line of the bench for ``shell``, without its mode."""
    bench = Path(next(iter(hwgen.tb.__path__))) / "board_bench.py"
    return [sys.executable, str(bench), str(emit(shell, folder)), "--top", TOP,
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
def live(shell, folder):
    """Give the path of a pseudo-terminal behind which the board is simulated."""
    port = folder / "port"
    with (folder / "live.log").open("w") as log:
        process = subprocess.Popen([*command(shell, folder), "--bridge", str(port)], cwd=folder,
                                   stdout=log, stderr=subprocess.STDOUT)
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
