"""Simulates a board's shell pin to pin: clock, reset, and a UART model on ``rx`` and ``tx``.

``python board_bench.py --help``. Either plays a script of bytes and silences and records every
byte that comes back, or bridges the line to a pseudo-terminal, so that a program on this machine
talks to the simulated board as to a real one. Needs cocotb, cocotbext-uart and Verilator, and the
files of this folder.
"""

import argparse
import json
import logging
import os
import select
import sys
import tty
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, Timer
from cocotb_tools.runner import get_results, get_runner
from cocotbext.uart import UartSink, UartSource

HERE = Path(__file__).resolve().parent
PINS = ("clk", "rst", "rx", "tx")
BITS_PER_BYTE = 10
CHUNK_BYTES = 4         # simulated between two looks at the pseudo-terminal
NAP_S = 1e-3            # of real time, when nothing is on the line


class Line:
    """The board's clock and reset, and a UART model on its pins."""

    def __init__(self, dut, clk_hz: float, baud: int):
        self.dut = dut
        self.bit_ns = int(1e9 / baud)         # as the UART model rounds it
        self.half_period_ps = round(5e11 / clk_hz)
        for pin in (dut.rx, dut.tx):          # the model reports every byte
            logging.getLogger(f"cocotb.{pin._path}").setLevel(logging.WARNING)
        self.source = UartSource(dut.rx, baud=baud)
        self.sink = UartSink(dut.tx, baud=baud)

    async def start(self):
        """Clock on, reset for some cycles."""
        Clock(self.dut.clk, 2 * self.half_period_ps, unit="ps").start()
        self.dut.rst.value = 1
        await ClockCycles(self.dut.clk, 4)
        self.dut.rst.value = 0
        await ClockCycles(self.dut.clk, 4)

    async def bits(self, count: int):
        """Wait for ``count`` bits of the line."""
        await Timer(max(1, count) * self.bit_ns, "ns")


async def play(line: Line, script: list) -> bytes:
    """Send the strings of ``script`` (hexadecimal), wait for its numbers (bits); what came back.

    A byte whose stop bit is not over at the end is not in it.
    """
    for part in script:
        if isinstance(part, str):
            await line.source.write(bytes.fromhex(part))
            await line.source.wait()
        else:
            await line.bits(part)
    return bytes(line.sink.read_nowait())


async def bridge(line: Line, link: Path):
    """Join the line to a pseudo-terminal at ``link`` until that is removed."""
    board, host = os.openpty()                # `host` stays open: programs may come and go
    tty.setraw(host)
    link.symlink_to(os.ttyname(host))
    while link.is_symlink():
        quiet = line.source.idle() and line.sink.idle() and line.sink.empty()
        readable, _, _ = select.select([board], [], [], NAP_S if quiet else 0)
        if readable:
            line.source.write_nowait(os.read(board, 4096))
        await line.bits(CHUNK_BYTES * BITS_PER_BYTE)
        if not line.sink.empty():
            os.write(board, line.sink.read_nowait())


@cocotb.test()
async def board(dut):
    """Play or bridge, as the options say."""
    options = json.loads(os.environ["HWGEN_BOARD"])
    line = Line(dut, options["clk_hz"], options["baud"])
    await line.start()
    if options["bridge"]:
        await bridge(line, Path(options["bridge"]))
    else:
        received = await play(line, json.loads(Path(options["script"]).read_text()))
        Path(options["received"]).write_bytes(received)


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("verilog", type=Path, nargs="+", help="Verilog of shell and core")
    parser.add_argument("--top", required=True, help="its top module")
    parser.add_argument("--clk-hz", type=float, required=True)
    parser.add_argument("--baud", type=int, required=True)
    parser.add_argument("--build", type=Path, required=True, help="folder to build in")
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--script", type=Path, help="JSON list of hex strings and bits of silence")
    mode.add_argument("--bridge", type=Path, help="link to make; the run ends when it is removed")
    parser.add_argument("--received", type=Path, help="file for what comes back from a script")
    args = parser.parse_args()
    if args.script and not args.received:
        parser.error("--script needs --received")
    return args


def public(folder: Path, top: str) -> Path:
    """Write Verilator's list of the signals that the bench sees; the file."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f'public_flat_rw -module "{top}" -var "{pin}"' for pin in PINS]
    path = folder / "public.vlt"
    path.write_text("\n".join(["`verilator_config", *lines]) + "\n")
    return path


def main() -> int:
    """Build and run; the exit status."""
    from run import BUILD_ARGS, environment

    args = arguments()
    environment()
    paths = {name: str(getattr(args, name).absolute()) if getattr(args, name) else None
             for name in ("bridge", "script", "received")}
    os.environ["HWGEN_BOARD"] = json.dumps({"clk_hz": args.clk_hz, "baud": args.baud, **paths})
    runner = get_runner("verilator")
    folder = args.build.absolute()
    try:
        sources = [public(folder, args.top), *(path.absolute() for path in args.verilog)]
        runner.build(sources=sources, hdl_toplevel=args.top, build_dir=folder,
                     build_args=BUILD_ARGS["verilator"], timescale=("1ns", "1ps"))
        results = runner.test(test_module="board_bench", hdl_toplevel=args.top, build_dir=folder,
                              test_dir=folder, hdl_toplevel_lang="verilog",
                              results_xml=str(folder / "results.xml"))
    except RuntimeError as error:
        print(f"board_bench: {error}", flush=True)
        return 2
    tests, failed = get_results(results)
    return 0 if tests and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
