import pytest
from cases.errors import refused

from hwgen.numeric.errors import SpecError
from hwgen.synth import Device

ECP5_85 = {"family": "ecp5", "size": "85k", "package": "CABGA381", "speed": 6}
UP5K = {"family": "ice40", "size": "up5k", "package": "sg48"}


def test_ecp5():
    device = Device(**ECP5_85)
    assert str(device) == "ecp5-85k-CABGA381-6"
    assert device.synth_command == ("synth_ecp5", "-nowidelut")
    assert device.nextpnr_args == ("--85k", "--package", "CABGA381", "--speed", "6")
    assert device.totals["MULT18X18D"] == 156


@pytest.mark.parametrize(
    ("size", "options"),
    [
        ("up5k", ("-device", "u")),
        ("u4k", ("-device", "u")),
        ("hx8k", ("-device", "hx")),
        ("lp1k", ("-device", "lp")),
    ],
)
def test_ice40(size, options):
    device = Device(family="ice40", size=size, package="sg48")
    assert device.synth_command == ("synth_ice40", *options)
    assert device.nextpnr_args == (f"--{size}", "--package", "sg48")
    assert str(device) == f"ice40-{size}-sg48"


def test_families_that_end_after_yosys():
    zynq = Device(family="xc7", size="7z020", package="clg400")
    assert zynq.synth_command == ("synth_xilinx", "-family", "xc7", "-noiopad", "-flatten")
    gowin = Device(family="gowin", size="gw2a-18", package="QN88")
    assert gowin.synth_command == ("synth_gowin", "-noiopads", "-family", "gw2a")
    assert (zynq.tools.placed, gowin.tools.placed) == (False, False)
    assert Device(**ECP5_85).tools.placed


def test_totals_cannot_be_changed():
    Device(**UP5K).totals["ICESTORM_LC"] = 0
    assert Device(**UP5K).totals["ICESTORM_LC"] == 5280


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"family": "xc6"},
            "device family must be one of ecp5, ice40, xc7, gowin, not 'xc6'",
        ),
        (
            {"size": "up5k"},
            "ecp5: device size must be one of 12k, 25k, 45k, 85k, um-25k, um-45k, um-85k,"
            " um5g-25k, um5g-45k, um5g-85k, not 'up5k'",
        ),
        (
            {"package": "--help"},
            "ecp5-85k: package must be a name of letters and digits, not '--help'",
        ),
        ({"speed": 9}, "ecp5-85k: speed must be one of 6, 7, 8, not 9"),
        ({"speed": None}, "ecp5-85k: speed must be one of 6, 7, 8, not None"),
        ({"size": "um5g-85k"}, "ecp5-um5g-85k: speed must be one of 8, not 6"),
        (UP5K, "ice40-up5k: speed must be one of None, not 6"),
    ],
)
def test_refuses_what_does_not_exist(changes, message):
    with refused(SpecError, message):
        Device(**{**ECP5_85, **changes})
