"""The netlist of an artefact's Verilog alone, as Verilog of the device's cells."""

from pathlib import Path

from ..synth import Device, SynthJob, require_gates, synthesise, write_gates

__all__ = ["write_netlist"]


def write_netlist(folder: Path, manifest, device, *, clk_hz: int, progress=None) -> Path:
    """Synthesise what ``manifest`` describes, without a link or pins.

    Parameters
    ----------
    folder : Path
    manifest : mapping
    device : str or hwgen.synth.Device    a board, by name or file, stands for its device
    clk_hz : int
    progress : hwgen.flow.steps.Progress, optional

    Returns
    -------
    Path    ``sim/netlist-DEVICE.v``: the cells of ``sim/netlist-DEVICE/netlist.json``, which is
            what nextpnr gets, as what they do. Both are used again if nothing has changed.

    Raises
    ------
    SpecError    If there is no such board, or no models of the cells of its device.
    ToolError    See :func:`hwgen.synth.synthesise`.
    """
    if not isinstance(device, Device):
        from ..board_targets import load as load_board

        device = load_board(device).device
    require_gates(device)
    out = folder / "sim" / f"netlist-{device.family}-{device.size}"
    out.parent.mkdir(exist_ok=True)
    job = SynthJob(sources=[folder / name for name in manifest["verilog"]], top=manifest["top"],
                   device=device, clock_mhz=clk_hz / 1e6, place=False)
    synthesise(job, out, reuse=True, progress=progress and (
        lambda at: progress(at.step, at.fraction, at.message)))
    gates = out.with_name(f"{out.name}.v")
    write_gates(out / "netlist.json", job.top, device, gates)
    return gates
