"""Amaranth to Verilog, the same text for the same design."""

import re
from functools import cache
from itertools import count
from pathlib import Path

from ..numeric import SpecError
from ..rtl.text import to_rtlil
from ..toolchain import ToolError, run

__all__ = ["CHAIN_CELLS", "MULTIPLY_CELLS", "module_name", "plain_names", "short_blocks",
           "stream_signals", "to_verilog"]

_ATTRIBUTES = " ".join(f"-remove {name}" for name in (
    "generator", "top", "src", "amaranth.hierarchy", "amaranth.decoding"))

# As Amaranth's own back end does it; but told where to write, so that the text does not pass
# through the console, and with other names for array elements: beside an array ``x`` Amaranth
# has ``x[0]`` for its first element, over which yosys' ABC9 trips (YosysHQ/yosys#4349).
_SCRIPT = f"""\
read_rtlil design.il
proc -nomux -norom
memory_collect
rename -hide w:*\\[*
rename -enumerate -pattern array_part_% w:$auto$rename*
attrmap {_ATTRIBUTES}
attrmap -modattr {_ATTRIBUTES}
write_verilog -norename design.v
"""

_INITIAL = re.compile(r"^  initial begin\n((?:    .*\n)*)  end\n", re.MULTILINE)
_BLOCK_ROWS = 64

_NUMBERED = re.compile(r"\\([A-Za-z_][A-Za-z0-9_]*)\$(\d+)(?=\s)")

CHAIN_CELLS = Path(__file__).with_name("chain_cells.v")
"""Modules that the instances of :mod:`hwgen.rtl.chain_cells` are of, with what they compute."""

MULTIPLY_CELLS = Path(__file__).with_name("multiply_cells.v")
"""The same for those of :mod:`hwgen.rtl.multiply_cells`."""

_KEYWORDS = frozenset(
    "always and assign begin buf case cell config defparam design disable edge else end endcase"
    " endmodule event for force forever fork function if initial inout input instance integer"
    " join library localparam module nand negedge nmos nor not or output parameter pmos posedge"
    " primitive real realtime reg release repeat signed specify supply0 supply1 table task time"
    " tran tri unsigned use wait wand while wire wor xnor xor".split())


def module_name(name: str) -> str:
    """``name`` as a Verilog identifier that needs no escape: ``-`` becomes ``_``.

    One that is a keyword or a module of :data:`CHAIN_CELLS` or :data:`MULTIPLY_CELLS` gets a
    ``_`` behind it.
    """
    plain = name.replace("-", "_")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", plain):
        raise SpecError(f"name must start with a letter and hold letters, digits, '_', '-',"
                        f" not {name!r}")
    return f"{plain}_" if plain in _KEYWORDS or plain in _cell_texts() else plain


def to_verilog(component, name: str, *, folder, progress=None) -> str:
    """Verilog-2005 text of ``component`` as module ``name``.

    Parameters
    ----------
    component : amaranth.lib.wiring.Component
    name : str
    folder : path                     an existing folder for the files in between
    progress : callable(str), optional

    Raises
    ------
    ToolError    If Yosys is missing, fails, or writes nothing.
    """
    folder = Path(folder)
    (folder / "design.il").write_text(to_rtlil(component, name), encoding="utf-8")
    (folder / "design.ys").write_text(_SCRIPT, encoding="utf-8")
    written = folder / "design.v"
    written.unlink(missing_ok=True)
    done = run("yosys", ["-q", "-s", "design.ys"], cwd=folder, log="verilog.log",
               progress=progress and (lambda line: _tell(line, progress)))
    if not written.is_file():
        raise ToolError("yosys must write design.v, and did not", command=done.command,
                        returncode=done.returncode, tail=done.tail, log=done.log)
    text = short_blocks(plain_names(written.read_text(encoding="utf-8")))
    # The first line carries the version of Yosys and a path of the machine that built it.
    return re.sub(r"\A/\*.*?\*/\n", f"// {name}: generated, see manifest.json\n",
                  text + _cell_modules(text), count=1)


def _cell_modules(verilog: str) -> str:
    """The text of those modules of both files that ``verilog`` has instances of."""
    used = set(re.findall(r"^ *(hwgen_\w+) #\(", verilog, re.MULTILINE))
    return "".join(f"\n{part.rstrip()}\n" for name, part in _cell_texts().items()
                   if name in used)


@cache
def _cell_texts() -> dict[str, str]:
    """Name -> text of each module of :data:`CHAIN_CELLS` and :data:`MULTIPLY_CELLS`."""
    parts = [part for file in (CHAIN_CELLS, MULTIPLY_CELLS)
             for part in file.read_text(encoding="utf-8").split("\n\n")[1:]]
    return {re.search(r"^module (\w+)", part, re.MULTILINE)[1]: part for part in parts}


def plain_names(verilog: str) -> str:
    r"""Names that Amaranth numbered, ``\o__valid$3``, as ``o__valid_3``.

    A ``$`` is legal, but Verilator's VPI does not find such names.
    """
    taken = set(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", verilog))
    found = set(_NUMBERED.findall(verilog))
    joint = next(joint for joint in ("_" * n for n in count(1))
                 if taken.isdisjoint(f"{name}{joint}{number}" for name, number in found))
    return _NUMBERED.sub(rf"\g<1>{joint}\g<2>", verilog)


def short_blocks(verilog: str) -> str:
    """A memory's contents in blocks of 64 rows, where they stood in one.

    Yosys reads a block in a time that grows with the square of its rows (YosysHQ/yosys#4601): of
    15,680 rows it takes minutes in one block, and seconds in many.
    """
    return _INITIAL.sub(lambda found: "".join(
        f"  initial begin\n{rows}  end\n" for rows in _blocks(found[1])), verilog)


def _blocks(rows: str) -> list[str]:
    lines = rows.splitlines(keepends=True)
    return ["".join(lines[i:i + _BLOCK_ROWS]) for i in range(0, len(lines), _BLOCK_ROWS)]


def _tell(line, progress):
    # One for each module, as the processes are left in on purpose.
    if "because it contains processes" not in line:
        progress(line)


def stream_signals(verilog: str, module: str, port: str) -> dict[str, str]:
    """Names inside ``module`` of the three signals of its stream ``port``.

    Amaranth numbers names that occur twice in a module (``o__valid_3``), so they are read from
    the text: the ports of the module called ``port__payload`` and so on, whatever their number.
    """
    heads = re.findall(rf"^module \\?{re.escape(module)} ?\((.*)\);$", verilog, re.MULTILINE)
    if len(heads) != 1:
        raise SpecError(f"Verilog must hold one module '{module}', not {len(heads)}")
    names = [name.strip().removeprefix("\\") for name in heads[0].split(", ")]
    signals = {}
    for part in ("payload", "valid", "ready"):
        found = [name for name in names if re.fullmatch(rf"{port}__{part}(_+\d+)?", name)]
        if len(found) != 1:
            raise SpecError(f"module '{module}' must have one port {port}__{part}, not {found}")
        signals[part] = found[0]
    return signals
