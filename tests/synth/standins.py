"""Stand-ins for the tools that do their work at once, and what they write."""

import json

from synth.recorded import ECP5_TIMING, ICE40_LOG, ICE40_TIMING, NETLIST

from hwgen.synth import Device

__all__ = ["ECP5", "ICEPACK", "NEXTPNR_ECP5", "UP5K", "VERSION", "WORKING", "YOSYS"]

ECP5 = Device(family="ecp5", size="85k", package="CABGA381", speed=6)
UP5K = Device(family="ice40", size="up5k", package="sg48")

VERSION = "if sys.argv[1:] in (['-V'], ['--version'], ['-h']): print('1.0'); sys.exit()\n"
YOSYS = f"""\
Path("yosys.log").write_text("End of script.\\n")
Path("netlist.json").write_text({json.dumps(NETLIST)!r})
"""
PLACED = "option = dict(zip(sys.argv, sys.argv[1:]))\n"
NEXTPNR_ECP5 = f"""\
{PLACED}
Path(option["--textcfg"]).write_text("routed")
Path(option["--report"]).write_text({json.dumps(ECP5_TIMING)!r})
print("Info: Program finished normally.")
"""
NEXTPNR_ICE40 = f"""\
{PLACED}
Path(option["--asc"]).write_text("routed")
Path(option["--report"]).write_text({json.dumps(ICE40_TIMING)!r})
print({ICE40_LOG!r})
"""
ECPPACK = "Path(sys.argv[2]).write_bytes(b'\\xff\\x00Part: x\\x00\\xff\\xff\\xff\\xbd\\xb3')"
ICEPACK = "Path(sys.argv[2]).write_bytes(b'\\xff\\x00\\x00\\xff\\x7e\\xaa\\x99\\x7e\\x51')"
WORKING = {
    "yosys": YOSYS,
    "nextpnr-ecp5": NEXTPNR_ECP5,
    "nextpnr-ice40": NEXTPNR_ICE40,
    "ecppack": ECPPACK,
    "icepack": ICEPACK,
}
