"""The manifest: what an artefact holds, how its ports speak, and a hash of every file."""

import hashlib
import json
import platform
from importlib import metadata
from pathlib import Path

from ..ir import Edge
from ..numeric import Bipolar, Fixed, Logarithmic, Planes, SpecError, Ternary
from ..plan import Design
from ..rtl.pipeline import stage_instance
from ..toolchain import find
from .verilog import module_name, stream_signals
from .weights import describe_loaded

__all__ = ["MAGIC", "MANIFEST", "MANIFEST_VERSION", "describe", "describe_element",
           "file_hashes", "kind_of", "read_manifest", "tools_used"]

MANIFEST = "manifest.json"
MAGIC = "hwgen-"
"""Of all of them, before the kind."""

MANIFEST_VERSION = 1


def read_manifest(folder, kind: str = "artefact") -> dict:
    """The manifest of the artefact in ``folder``, once every file is found to match its hash.

    Parameters
    ----------
    folder : path
    kind : str      ``artefact``, of a network; or ``engine``, which holds none

    Raises
    ------
    SpecError    If there is no manifest, it is damaged, of another kind or written by a newer
                 hwgen, or a file is missing or changed.
    """
    folder = Path(folder)
    manifest = _load(folder, kind)
    for name, digest in manifest["sha256"].items():
        path = folder / name
        if not path.is_file():
            raise SpecError(f"{folder}: file '{name}' of the manifest must be there, and is not;"
                            f" generate the artefact again")
        if _sha256(path) != digest:
            raise SpecError(f"{folder}: file '{name}' must be as the manifest says (sha256), and"
                            f" was changed; generate the artefact again")
    return manifest


def kind_of(folder) -> str:
    """``engine`` if the manifest in ``folder`` says so, else ``artefact``; nothing is checked."""
    try:
        manifest = json.loads((Path(folder) / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "artefact"
    is_engine = isinstance(manifest, dict) and manifest.get("format") == f"{MAGIC}engine"
    return "engine" if is_engine else "artefact"


def _load(folder, kind: str) -> dict:
    path = folder / MANIFEST
    if not path.is_file():
        raise SpecError(f"{folder}: must be an artefact folder (with {MANIFEST})")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SpecError(f"{path}: damaged: no JSON ({error})") from error
    if kind == "artefact" and kind_of(folder) == "engine":
        raise SpecError(f"{path}: must be of a network's artefact, not of an engine, of which there"
                        f" is no report, synthesis or run on a board: hwgen simulate {folder} runs"
                        f" it")
    if not isinstance(manifest, dict) or manifest.get("format") != MAGIC + kind:
        raise SpecError(f"{path}: must be the manifest of a hwgen {kind}, not of another kind")
    version = manifest.get("version")
    if not isinstance(version, int) or version > MANIFEST_VERSION:
        raise SpecError(f"{path}: version must be at most {MANIFEST_VERSION}, not {version!r}:"
                        f" written by a newer hwgen, upgrade to read")
    missing = sorted(_KEYS[kind] - set(manifest))
    if missing:
        raise SpecError(f"{path}: damaged: {', '.join(missing)} must be there")
    return manifest


_COMMON_KEYS = {"name", "top", "verilog", "clock", "reset", "input", "output", "probes", "sha256"}
_KEYS = {
    "artefact": _COMMON_KEYS | {"network", "digest", "clk_hz", "interval_cycles",
                                "latency_cycles"},
    "engine": _COMMON_KEYS | {"engine", "weights"},
}


def describe(design: Design, verilog: str) -> dict:
    """All of the manifest but the hashes."""
    network, top = design.network, module_name(design.name)
    entry = network.edges[network.input.name]
    result = design.stages[-1].out_edge
    return {
        "format": f"{MAGIC}artefact", "version": MANIFEST_VERSION, "name": design.name, "top": top,
        "verilog": [f"{design.name}.v"], "network": "network.hwgen", "digest": network.digest,
        "clock": "clk", "reset": "rst", "clk_hz": design.clk_hz, "target": design.target.name,
        "input": {"port": "s_axis", "lanes": design.in_lanes, "elements": entry.size,
                  **describe_element(entry, f"network '{network.name}': input")},
        "output": {"port": "m_axis", "lanes": design.out_lanes, "fields": _fields(design),
                   **describe_element(result, f"network '{network.name}': output")},
        "probes": [_probe(stage, top, verilog)
                   for stage in design.stages if stage.core != "argmax"],
        "interval_cycles": design.interval_cycles, "latency_cycles": design.latency_cycles,
        "weight_bits": dict(design.weight_bits),
        "stages": [stage.to_dict() for stage in design.stages],
        **({"weights": describe_loaded(design)} if design.loaded else {}),
        "tools": tools_used(),
    }


def describe_element(edge: Edge, where: str) -> dict:
    """How one element of ``edge`` travels: a bipolar value as its code, others as they are."""
    fmt = edge.format
    if not isinstance(fmt, Fixed | Bipolar | Ternary):
        raise SpecError(f"{where} must be fixed point, bipolar or ternary, not {fmt}")
    bipolar = isinstance(fmt, Bipolar)
    return {"element_bytes": -(-fmt.bits // 8), "bits": fmt.bits, "bipolar": bipolar,
            "signed": fmt.is_signed and not bipolar, "min": fmt.min, "max": fmt.max}


def _fields(design) -> list[dict]:
    network = design.network
    fields = [{"name": "scores", "node": network.scores,
               "count": network.edges[network.scores].size}]
    if design.has_class:
        name = network.nodes[-1].name
        fields.append({"name": "class", "node": name, "count": network.edges[name].size})
    return fields


def _probe(stage, top, verilog) -> dict:
    edge, instance = stage.out_edge, stage_instance(stage)
    coded = isinstance(edge.format, Bipolar | Logarithmic | Planes)
    return {"node": stage.nodes[-1].name, "stage": stage.name, "path": instance, "port": "o",
            "signals": stream_signals(verilog, f"{top}.{instance}", "o"),
            "lanes": stage.out_lanes, "element_bits": edge.format.bits, "elements": edge.size,
            "signed": edge.format.is_signed and not coded,
            "values": _values_by_code(edge.format) if coded else None}


def _values_by_code(fmt) -> list[int]:
    """The value of each code, for formats that travel as codes."""
    if fmt.planes is None:      # codes that are never sent stand for 0
        return fmt.levels.tolist() + [0] * ((1 << fmt.bits) - len(fmt.levels))
    gains, offset = fmt.planes.gains, fmt.planes.offset
    return [offset + sum(gain for bit, gain in enumerate(gains) if code >> bit & 1)
            for code in range(1 << fmt.bits)]


def tools_used() -> dict[str, str]:
    """What an artefact is made with, and the versions."""
    tools = {name: metadata.version(name) for name in ("hwgen", "amaranth", "numpy")}
    return tools | {"python": platform.python_version(), "yosys": str(find("yosys"))}


def file_hashes(folder) -> dict[str, str]:
    """sha256 of every file below ``folder`` but the manifest, by relative path."""
    folder = Path(folder)
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): _sha256(path)
            for path in paths if path.name != MANIFEST}


def _sha256(path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
