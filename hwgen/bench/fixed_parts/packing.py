"""Products of a multiplier block in each cycle, counted in netlists."""

from ..frame.bench import tools_of
from ..frame.devices import ECP5, UP5K, Z020
from ..frame.row import Row
from .works import matrix_stage

__all__ = ["KEY", "lacking", "measure"]

CLK_HZ, SEED = 100_000_000, 0
CASES = (   # device, packing, bits of weights and inputs, size, what must be reached
    (ECP5, "18x18", (4, 8), (32, 32, 4, 8), ">= 1.9"),
    (ECP5, "18x18", (6, 6), (32, 32, 4, 8), ">= 1.9"),
    (ECP5, "18x18", (8, 8), (32, 32, 4, 8), ">= 1"),
    (Z020, "25x18", (8, 8), (32, 32, 4, 8), ">= 1.9"),
    (UP5K, "8x8", (8, 8), (32, 32, 4, 4), ">= 1.9"),
)
KEY = (CLK_HZ, SEED, *((str(device), *case) for device, *case in CASES))


def lacking(bench) -> None:
    """Nothing is needed."""


def measure(bench):
    """One row a case: products of the array over blocks of the netlist."""
    for device, packing, bits, size, must in CASES:
        stage = matrix_stage(size, seed=SEED, clk_hz=CLK_HZ, weight_bits=bits[0], x_bits=bits[1],
                             packing=packing)
        name = f"w{bits[0]}a{bits[1]}"
        report = bench.synthesise(stage, name, device)
        yield Row(work=f"W{bits[0]}A{bits[1]}, pe {stage.pe}, simd {stage.simd}",
                  metric="products per block and cycle", must=must, seed=SEED, device=str(device),
                  value=round(stage.pe * stage.simd / report.dsp, 4), tools=tools_of(report))
