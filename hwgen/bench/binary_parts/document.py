"""The rows of the benchmark of binarised cores as docs/binary.md."""

__all__ = ["TEXT"]

TEXT = """\
# Binarised cores, measured

Written by `hwgen bench binary --data FOLDER`, where `FOLDER` holds the standard IDX files of MNIST;
`--part NAME` measures one part alone. `must` is what we ask of ourselves, `stretch` what would be
better still, `published` what others report. Where no trained network is named, weights are random
(seed 1): cores whose weights lie in memory do not depend on them, and for constants in logic random
ones are the hardest.

LUTs include those of carry cells and LUT RAM: LUT4 of an ECP5 after yosys, or after packing where a
row is placed; logic cells of an iCE40 after packing; LUT6 of a Xilinx 7 after yosys, route-throughs
of carry chains included. Xilinx figures are of the netlist: there is no open place and route among
our tools, so their clocks are not claimed, and FINN's are of placed designs. LUTs per XNOR count
the whole stage: input buffer, weights, accumulator, thresholds, control. An iCE40 needs most: its
carry cell takes operands from outside its LUT, so each XNOR is a LUT of its own, and its block RAMs
feed few outputs, which share what controls them. Figures of da4ml are published ones, unless it is
installed (`pip install 'hwgen[peers]'`): then it runs on the same network, with the same options.

"""
