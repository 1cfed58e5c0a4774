import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwgen.board_targets.shared import Ecp5Pll, Ice40Pll
from hwgen.board_targets.shared.pll import DirectSettings, Ecp5Settings, Ice40Settings
from hwgen.numeric.errors import SpecError


@pytest.mark.parametrize(("clk_hz", "clki_div", "clkfb_div", "clkop_div"), [
    (50e6, 1, 2, 12),           # as ecppll -i 25 -o 50
    (100e6, 1, 4, 6),
    (25e6, 1, 1, 24),
    (37.5e6, 2, 3, 16),
])
def test_ecp5_dividers(clk_hz, clki_div, clkfb_div, clkop_div):
    settings = Ecp5Pll(in_hz=25e6).settings(clk_hz)
    assert settings == Ecp5Settings(25e6, clki_div, clkfb_div)
    assert settings.clkop_div == clkop_div
    assert settings.out_hz == clk_hz
    assert settings.vco_hz == clk_hz * clkop_div


@pytest.mark.parametrize(("clk_hz", "divr", "divf", "divq", "filter_range"), [
    (24e6, 0, 63, 5, 1),        # as icepll -i 12 -o 24
    (48e6, 0, 63, 4, 1),
    (16.5e6, 0, 87, 6, 1),
])
def test_ice40_dividers(clk_hz, divr, divf, divq, filter_range):
    settings = Ice40Pll(in_hz=12e6).settings(clk_hz)
    assert settings == Ice40Settings(12e6, divr, divf, divq)
    assert settings.filter_range == filter_range
    assert settings.out_hz == clk_hz


@pytest.mark.parametrize(("pfd_hz", "filter_range"), [
    (10e6, 1), (16.9e6, 1), (17e6, 2), (26e6, 3), (44e6, 4), (66e6, 5), (101e6, 6), (133e6, 6),
])
def test_ice40_loop_filter(pfd_hz, filter_range):
    assert Ice40Settings(pfd_hz, 0, 10, 1).filter_range == filter_range


def test_oscillator_itself_needs_no_pll():
    assert Ice40Pll(in_hz=12e6).settings(12e6) == DirectSettings(12e6)


@given(st.floats(1e6, 500e6), st.sampled_from([Ecp5Pll(in_hz=25e6), Ice40Pll(in_hz=12e6)]))
def test_settings_are_legal_and_near_or_refused(clk_hz, pll):
    try:
        settings = pll.settings(clk_hz)
    except SpecError as error:
        nearest = float(re.search(r"nearest: (\d+)", str(error)).group(1))
        assert abs(nearest / clk_hz - 1) > 0.999e-3
        assert pll.settings(nearest).out_hz == pytest.approx(nearest, abs=1)
    else:
        assert settings.legal
        assert settings.out_hz == pytest.approx(clk_hz, rel=1e-3)


@pytest.mark.parametrize(("pll", "clk_hz", "message"), [
    (Ecp5Pll(in_hz=25e6), 48e6, "ecp5 pll: clk_hz must be a clock that the PLL can make "
                                "(nearest: 46875000), not 48000000.0"),
    (Ecp5Pll(in_hz=25e6), 1e6, "ecp5 pll: clk_hz must be a clock that the PLL can make "
                               "(nearest: 3125000), not 1000000.0"),
    (Ice40Pll(in_hz=12e6), 400e6, "ice40 pll: clk_hz must be a clock that the PLL can make "
                                  "(nearest: 270000000), not 400000000.0"),
])
def test_impossible_clock_is_refused_with_the_nearest(pll, clk_hz, message):
    with pytest.raises(SpecError, match=f"^{re.escape(message)}$"):
        pll.settings(clk_hz)


def test_legal_knows_every_limit():
    assert Ecp5Settings(25e6, 1, 2).legal
    assert not Ecp5Settings(25e6, 10, 20).legal            # 2.5 MHz at the phase detector
    assert not Ecp5Settings(25e6, 1, 20).legal             # 500 MHz out
    assert Ice40Settings(12e6, 0, 63, 5).legal
    assert not Ice40Settings(12e6, 1, 100, 5).legal        # 6 MHz at the phase detector
    assert not Ice40Settings(12e6, 0, 95, 1).legal         # 1152 MHz oscillator
    assert not Ice40Settings(12e6, 0, 50, 6).legal         # 9.6 MHz out
