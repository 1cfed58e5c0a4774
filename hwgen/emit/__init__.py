"""The artefact: a folder with everything somebody needs who has no hwgen.

========================= ========================================================================
:func:`write_artefact`    a design as Verilog, vectors, bench, network file and manifest
:func:`write_engine`      the same of an engine, which holds no network
:func:`read_manifest`     the manifest of an artefact, with every file checked against its hash
:func:`bench_folder`      where the benches lie that run inside the simulator
:func:`write_vectors`     inputs and what must come out, in the form the bench reads
:func:`to_verilog`        a component as Verilog text
========================= ========================================================================
"""

from .artefact import write_artefact
from .engine import write_engine
from .folder import bench_folder
from .manifest import MANIFEST_VERSION, read_manifest
from .vectors import require_frames, sample_inputs, write_vectors
from .verilog import to_verilog

__all__ = [
    "MANIFEST_VERSION",
    "bench_folder",
    "read_manifest",
    "require_frames",
    "sample_inputs",
    "to_verilog",
    "write_artefact",
    "write_engine",
    "write_vectors",
]
