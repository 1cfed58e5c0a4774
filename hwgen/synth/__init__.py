"""Synthesis, place and route, bitstream: yosys and nextpnr, and what their reports say.

========================= ========================================================================
:class:`Device`           an FPGA: family, size, package, speed grade
:class:`SynthJob`         what to build: sources, top, device, pins, clock, seed
:func:`synthesise`        build it into a folder; refuses netlists that are empty or do not fit
:class:`SynthReport`      cells, clocks, use of the device, seconds; to and from JSON
:class:`Progress`         how far it is
:func:`write_gates`       a netlist as Verilog for simulators
========================= ========================================================================
"""

from hwgen.synth.device import Device
from hwgen.synth.flow import synthesise
from hwgen.synth.gates import require_gates, write_gates
from hwgen.synth.job import SynthJob
from hwgen.synth.progress import Progress
from hwgen.synth.report import Clock, CriticalPath, SynthReport

__all__ = [
    "Clock",
    "CriticalPath",
    "Device",
    "Progress",
    "SynthJob",
    "SynthReport",
    "require_gates",
    "synthesise",
    "write_gates",
]
