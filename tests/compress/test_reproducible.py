"""The settings that make a training give the same integers on other processors."""

import os
import subprocess
import sys

from hwgen.compress import reproducible

PROBE = """
import os, hwgen.compress
print(os.environ["MKL_CBWR"], os.environ["ATEN_CPU_CAPABILITY"])
"""


def probe(**extra):
    plain = {k: v for k, v in os.environ.items() if k not in reproducible.SETTINGS}
    return subprocess.run([sys.executable, "-c", PROBE], env=plain | extra, text=True,
                          capture_output=True, check=True).stdout.split()


def test_settings_are_made_before_torch_runs():
    assert probe() == ["COMPATIBLE", "avx2"]


def test_settings_of_the_user_stay():
    assert probe(MKL_CBWR="AUTO", ATEN_CPU_CAPABILITY="default") == ["AUTO", "default"]
