"""Small designs that use every kind of cell: carries, block RAM, a multiplier."""

from amaranth import Module, Signal, signed
from amaranth.back import rtlil
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["LPF", "PCF", "Blinker", "Macs", "write"]

# Pins of the boards' oscillator, of one button and of eight LEDs or header pins.
LPF = """\
FREQUENCY PORT "clk" 25 MHZ;
LOCATE COMP "clk" SITE "G2";
LOCATE COMP "rst" SITE "R1";
LOCATE COMP "step" SITE "T1";
""" + "".join(
    f'LOCATE COMP "leds[{k}]" SITE "{site}";\n'
    for k, site in enumerate("B2 C2 C1 D2 D1 E2 E1 H3".split())
)
PCF = "set_io clk 35\nset_io rst 10\nset_io step 20\n" + "".join(
    f"set_io leds[{k}] {pin}\n" for k, pin in enumerate((11, 37, 39, 40, 41, 46, 47, 48))
)


class Blinker(wiring.Component):
    """A counter walks through a table of 1024 bytes."""

    step: In(1)
    leds: Out(8)

    def elaborate(self, platform):
        m = Module()
        table = [(k * k * 7 + k) % 253 for k in range(1024)]
        m.submodules.rom = rom = memory.Memory(
            shape=8, depth=1024, init=table, attrs={"rom_style": "block"})
        port = rom.read_port()
        count = Signal(26)
        m.d.sync += count.eq(count + 1 + self.step)
        m.d.comb += [port.addr.eq(count[-10:]), self.leds.eq(port.data)]
        return m


class Macs(wiring.Component):
    """Four products added up each cycle: 88 port bits, more than an iCE40 UP5K has pins."""

    x: In(signed(8)).array(4)
    w: In(signed(8)).array(4)
    total: Out(signed(24))

    def elaborate(self, platform):
        m = Module()
        products = [Signal(signed(16), name=f"product{k}") for k in range(4)]
        for x, w, product in zip(self.x, self.w, products, strict=True):
            m.d.sync += product.eq(x * w)
        low, high = Signal(signed(17)), Signal(signed(17))
        m.d.sync += [
            low.eq(products[0] + products[1]),
            high.eq(products[2] + products[3]),
            self.total.eq(self.total + low + high),
        ]
        return m


def write(component, name, folder):
    """Write the component as RTLIL; give the path."""
    path = folder / f"{name}.il"
    path.write_text(rtlil.convert(component, name=name, emit_src=False))
    return path
