"""A netlist as Verilog for simulators: its cells replaced by what each of them does."""

import hashlib
import json
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from hwgen.numeric.errors import SpecError
from hwgen.toolchain import ToolError, find, run

__all__ = ["MODELLED", "require_gates", "write_gates"]

_MODELS = Path(__file__).with_name("models")
_RAMS = ("SB_RAM40_4K", "SB_RAM40_4KNR", "SB_RAM40_4KNW", "SB_RAM40_4KNRNW")
_DFFS = [f"SB_DFF{edge}{kind}" for edge in ("", "N")
         for kind in ("", "E", "SR", "R", "SS", "S", "ESR", "ER", "ESS", "ES")]

MODELLED = {
    "ecp5": ("LUT4", "CCU2C", "PFUMX", "L6MUX21", "TRELLIS_FF", "TRELLIS_DPR16X4", "DP16KD",
             "MULT18X18D"),
    "ice40": ("SB_LUT4", "SB_CARRY", *_DFFS, *_RAMS, "SB_MAC16"),
}
"""Family -> the cells whose models are used: yosys's, and for ECP5 blocks those of ``models/``."""

_NOTES = {"$scopeinfo"}


def require_gates(device):
    """Raise SpecError if netlists for ``device`` have cells that nothing here can simulate."""
    if device.family not in MODELLED:
        raise SpecError(
            f"netlist must be of {' or '.join(MODELLED)} to be simulated, not of {device.family},"
            f" whose block RAMs yosys has no models of")


def write_gates(netlist, top: str, device, out):
    """Write what the netlist of a design does as one flat Verilog module.

    Yosys puts the model of each cell in its place. Nothing is optimised: only what drives nothing
    is left out, so a fault in the netlist is one in the Verilog. Registers start as those of the
    device do.

    Parameters
    ----------
    netlist : path
        In yosys's JSON, as nextpnr takes it.
    top : str
        Its top module; ports keep their names.
    device : Device
    out : path
        The Verilog; kept if it is of the same netlist, models and yosys already.

    Raises
    ------
    SpecError
        If the family, a cell, or a mode that a cell is used in, has no model.
    ToolError
        If yosys is missing, or finds a net without a driver, with two, or in a loop.
    """
    require_gates(device)
    netlist, out = Path(netlist), Path(out)
    modules = json.loads(netlist.read_text(encoding="utf-8"))["modules"]
    _require_models(modules[top], device.family)
    for kind in ("SB_MAC16", "DP16KD"):
        _ground(modules, top, kind)
    yosys = find("yosys")
    models = sorted(_MODELS.glob("*.v")) if device.family == "ecp5" else []
    script = _script(top, device.family, models)
    stamp = _stamp(script, yosys.version, [netlist, *models])
    if out.is_file() and out.read_text(encoding="utf-8").startswith(stamp):
        return
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".gates-") as name:
        work = Path(name)
        for file in models:
            shutil.copyfile(file, work / file.name)
        # Without the library that yosys writes beside it, empty modules of the names of cells.
        text = json.dumps({"modules": {top: modules[top]}})
        (work / "netlist.json").write_text(text, encoding="utf-8")
        (work / "gates.ys").write_text(script, encoding="utf-8")
        run(yosys, ["-q", "-L", "yosys.log", "-s", "gates.ys"], cwd=work, log="console.log",
            own_log="yosys.log")
        written = work / "gates.v"
        if not written.is_file() or not written.stat().st_size:
            raise ToolError("yosys must write gates.v, and did not, though it exited with 0")
        written.write_text(stamp + written.read_text(encoding="utf-8"), encoding="utf-8")
        written.replace(out)


def _require_models(module, family: str):
    cells = [cell for cell in module["cells"].values() if cell["type"] not in _NOTES]
    kinds = Counter(cell["type"] for cell in cells)
    strange = [f"{count} {kind}" for kind, count in sorted(kinds.items())
               if kind not in MODELLED[family]]
    if strange:
        raise SpecError(f"netlist must be of cells with a model ({', '.join(MODELLED[family])}),"
                        f" not {', '.join(strange)}")
    for name, cell in module["cells"].items():
        if cell["type"] == "DP16KD" and cell["connections"].get("WEB", ["0"]) != ["0"]:
            raise SpecError(f"netlist: DP16KD '{name}' must be written at port A alone, as its"
                            " model is")


def _ground(modules, top: str, kind: str):
    """Tie to 0 what is open, or of no matter, of the inputs of cells ``kind``, as the device does.

    Of multipliers that yosys has found by itself that is also the clock; their registers are out.
    Of block RAMs it is the address of a port that is not read.
    """
    for cell in modules[top]["cells"].values():
        if cell["type"] == kind:
            for name, port in modules[kind]["ports"].items():
                if port["direction"] == "input" and name not in cell["connections"]:
                    cell["connections"][name] = ["0"] * len(port["bits"])
            cell["connections"] = {name: ["0" if bit == "x" else bit for bit in bits]
                                   for name, bits in cell["connections"].items()}


def _script(top: str, family: str, models) -> str:
    """The nets are split first, or bits of one bus of carries would look like a loop."""
    return "\n".join([
        # Deferred: only what is used is worked out, and with the parameters it is used with.
        *(f"read_verilog -defer {file.name}" for file in models),
        f"read_verilog -defer -nooverwrite +/{family}/cells_sim.v",
        "read_json netlist.json", f"hierarchy -check -top {top}", f"splitnets {top}", "proc",
        "flatten", "check -assert", "opt_clean -purge", "write_verilog -noattr gates.v", ""])


def _stamp(script: str, version: str, files) -> str:
    digest = hashlib.sha256(f"{script}{version}".encode())
    for file in files:
        digest.update(file.read_bytes())
    return f"// {digest.hexdigest()}\n"
