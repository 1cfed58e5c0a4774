"""The same integers on every x86 processor: set before torch is first used.

Which kernels torch and MKL run depends on the processor, and with them the last bits of every sum;
after some thousand steps of training that is another network. These settings ask for kernels that
give the same bits everywhere (MKL's conditional numerical reproducibility). They cost nothing that
could be measured on networks of this size. Variables that are set already are left alone.
"""

import os

__all__ = ["SETTINGS"]

SETTINGS = {"ATEN_CPU_CAPABILITY": "avx2", "MKL_CBWR": "COMPATIBLE"}

for _name, _value in SETTINGS.items():
    os.environ.setdefault(_name, _value)
