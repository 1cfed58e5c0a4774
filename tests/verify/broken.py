"""Artefacts broken on purpose, with the manifest's hashes made to agree again."""

import hashlib
import json
import re
import shutil
from dataclasses import replace

from hwgen.emit import read_manifest
from hwgen.ir import Dense, Network


def break_artefact(folder, to, change):
    """Copy the artefact ``folder`` without its builds; its Verilog becomes ``change(text)``."""
    shutil.copytree(folder, to, ignore=shutil.ignore_patterns("sim"))
    manifest = read_manifest(to)
    path = to / manifest["verilog"][0]
    before = path.read_text()
    after = change(before)
    assert after != before
    path.write_text(after)
    manifest["sha256"][path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    (to / "manifest.json").write_text(json.dumps(manifest))
    return to


def flip_top_bit(verilog, module):
    """The Verilog with the highest bit of the last row of the memory in ``module`` flipped."""
    begin = verilog.index(f"module \\{module} ")
    end = verilog.index("endmodule", begin)
    rows = list(re.finditer(r"rows\[\d+\] = (\d+)'h([0-9a-f]+);", verilog[begin:end]))
    bits, digits = int(rows[-1][1]), rows[-1][2]
    word = int(digits, 16) ^ 1 << (bits - 1)
    place = begin + rows[-1].start(2)
    return verilog[:place] + f"{word:0{len(digits)}x}" + verilog[place + len(digits):]


def stuck(port, value):
    """A change of the Verilog: nothing drives the output ``port`` but a constant."""
    def change(verilog):
        cut = re.sub(rf"\.(\w+)\({port}\)", r".\1()", verilog)
        return cut.replace(f"  wire {port};", f"  wire {port} = 1'b{value};")

    return change


def with_weight(network, name, value):
    """The network with the last weight of the last output of ``name`` set to ``value``."""
    def changed(node):
        if node.name != name:
            return node
        weights = node.weights.to_dense().copy()
        weights[-1, -1] = value
        return replace(node, weights=Dense(weights, node.weights.format))

    return Network(network.name, [changed(node) for node in network.nodes], network.outputs)
