"""What the tools wrote for a small design, shortened."""

__all__ = ["ECP5_TIMING", "ICE40_LOG", "ICE40_TIMING", "NETLIST", "ROUTING_LOG"]


def _pin(cell, port):
    return {"cell": cell, "loc": [4, 37], "port": port}


def _part(kind, delay, start, end):
    return {"type": kind, "delay": delay, "from": _pin(*start), "to": _pin(*end)}


_CLOCK = "$glbnet$clk$TRELLIS_IO_IN"

ECP5_TIMING = {
    "critical_paths": [
        {
            "from": f"posedge {_CLOCK}",
            "to": f"posedge {_CLOCK}",
            "path": [
                _part("clk-to-q", 0.525, ("count_24", "Q"), ("count_24", "Q")),
                _part("routing", 1.127, ("count_24", "Q"), ("lut_1", "D")),
                _part("logic", 0.236, ("lut_1", "D"), ("lut_1", "F")),
                _part("routing", 0.5, ("lut_1", "F"), ("led_1", "DI")),
                _part("setup", 0, ("led_1", "DI"), ("led_1", "DI")),
            ],
        },
        {
            "from": "<async>",
            "to": f"posedge {_CLOCK}",
            "path": [_part("source", 0, ("rst$tr_io", "O"), ("rst$tr_io", "O"))],
        },
    ],
    "fmax": {_CLOCK: {"achieved": 271.29678344726562, "constraint": 25}},
    "utilization": {
        "DP16KD": {"available": 208, "used": 2},
        "MULT18X18D": {"available": 156, "used": 4},
        "TRELLIS_COMB": {"available": 83640, "used": 62},
        "TRELLIS_FF": {"available": 83640, "used": 34},
        "TRELLIS_IO": {"available": 365, "used": 0},
    },
}

ICE40_TIMING = {
    "critical_paths": [],
    "fmax": {"clk$SB_IO_IN_$glb_clk": {"achieved": 73.60517883300781, "constraint": 12}},
    "utilization": {
        "ICESTORM_DSP": {"available": 8, "used": 1},
        "ICESTORM_LC": {"available": 5280, "used": 56},
        "ICESTORM_RAM": {"available": 30, "used": 3},
        "ICESTORM_SPRAM": {"available": 4, "used": 2},
    },
}

ICE40_LOG = """\
Info: Packing LUT-FFs..
Info:       20 LCs used as LUT4 only
Info:       32 LCs used as LUT4 and DFF
Info: Packing non-LUT FFs..
Info:        2 LCs used as DFF only
Info: Packing carries..
Info:        0 LCs used as CARRY only
"""

ROUTING_LOG = """\
Info: Packing constants..
Info: Creating initial analytic placement for 184 cells, random placement wirelen = 24316.
Info:     at initial placer iter 0, wirelen = 46
Info:     at iteration #1, type SB_GB: wirelen solved = 217, spread = 217, legal = 218; time = 0.0s
Info:     at iteration #1, type ALL: wirelen solved = 45, spread = 2230, legal = 2795; time = 0.02s
Info:     at iteration #8, type ALL: wirelen solved = 45, spread = 2230, legal = 2795; time = 0.02s
Info: Running simulated annealing placer for refinement.
Info:   at iteration #1: temp = 0.000000, timing cost = 48, wirelen = 238
Info:   at iteration #8: temp = 0.000000, timing cost = 58, wirelen = 220
Info: Routing globals...
Info: Routing 714 arcs.
Info:            |   (re-)routed arcs  |   delta    | remaining|       time spent     |
Info:    IterCnt |  w/ripup   wo/ripup |  w/r  wo/r |      arcs| batch(sec) total(sec)|
Info:       1000 |      448        539 |  448   539 |       357|       1.97       1.97|
Info:       1292 |      471        785 |   23   246 |         0|       0.23       2.20|
Info: Routing complete.
Info: Program finished normally.
"""

_CELLS = {"LUT4": 30, "CCU2C": 13, "TRELLIS_FF": 34, "$scopeinfo": 1}

NETLIST = {
    "creator": "Yosys 0.69",
    "modules": {
        "LUT4": {"ports": {}, "cells": {}},
        "top": {
            "ports": {
                "clk": {"direction": "input", "bits": [2]},
                "rst": {"direction": "input", "bits": [3]},
                "x": {"direction": "input", "bits": [4, 5]},
                "y": {"direction": "output", "bits": [6, 7]},
            },
            "cells": {
                f"{kind}_{k}": {"type": kind, "connections": {}}
                for kind, n in _CELLS.items() for k in range(n)
            },
            "netnames": {"x": {"bits": [4, 5]}},
        },
    },
}
