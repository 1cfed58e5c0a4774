"""Reading what nextpnr reports: clocks, critical paths, use of the device."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from hwgen.synth.report import Clock, CriticalPath

__all__ = ["Placement", "flip_flops_only", "read_placement", "unplaced"]

# $glbnet$clk$TRELLIS_IO_IN and clk$SB_IO_IN_$glb_clk are both the net 'clk'.
_ADDED = re.compile(r"^\$glbnet\$|\$(?:TRELLIS|SB)_IO_IN|_\$glb_clk$")
_FF_ONLY = re.compile(r"(\d+) LCs used as DFF only")


@dataclass(frozen=True, kw_only=True)
class Placement:
    """What the report file of nextpnr says.

    Parameters
    ----------
    clocks : tuple of Clock
    critical : tuple of CriticalPath
    utilisation : dict of str to (used, available)
    """

    clocks: tuple[Clock, ...]
    critical: tuple[CriticalPath, ...]
    utilisation: dict

    def used(self, name):
        """Give the count of a kind; 0 if the device has none."""
        return self.utilisation.get(name, (0, 0))[0]


def read_placement(path):
    """Read the file that nextpnr's ``--report`` writes.

    Returns
    -------
    Placement

    Raises
    ------
    ValueError, KeyError
        If the file is not complete.
    """
    about = json.loads(Path(path).read_text(encoding="utf-8"))
    clocks = [
        Clock(
            name=_net(net),
            fmax_mhz=round(reached["achieved"], 3),
            constraint_mhz=round(reached["constraint"], 3),
        )
        for net, reached in about["fmax"].items()
    ]
    paths = [path for path in about["critical_paths"] if path["from"] == path["to"]]
    utilisation = {
        name: (count["used"], count["available"])
        for name, count in sorted(about["utilization"].items())
    }
    return Placement(
        clocks=tuple(clocks),
        critical=tuple(map(_critical, paths)),
        utilisation=utilisation,
    )


def unplaced(netlist, device):
    """What a netlist takes of a device, with no clocks, as nothing is placed."""
    needs, totals = netlist.needs(device), device.totals
    used = {name: (count, totals[name]) for name, count in sorted(needs.items())}
    return Placement(clocks=(), critical=(), utilisation=used)


def flip_flops_only(log):
    """Give how many logic cells of an iCE40 hold only a flip-flop, from nextpnr's log; 0 if none.

    The report does not say it.
    """
    found = _FF_ONLY.search(Path(log).read_text(encoding="utf-8"))
    return int(found[1]) if found else 0


def _critical(path):
    parts = path["path"]
    wires = [part["delay"] for part in parts if part["type"] == "routing"]
    cells = [part["delay"] for part in parts if part["type"] != "routing"]
    return CriticalPath(
        clock=_net(path["from"].split(" ", 1)[1]),
        start=_pin(parts[0]["from"]),
        end=_pin(parts[-1]["to"]),
        logic_ns=round(sum(cells), 3),
        routing_ns=round(sum(wires), 3),
        levels=sum(part["type"] == "logic" for part in parts),
    )


def _pin(pin):
    return f"{pin['cell']}.{pin['port']}"


def _net(name):
    return _ADDED.sub("", name)
