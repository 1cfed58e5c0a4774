# amaranth: UnusedElaboratable=no
"""Chains against slow definitions; the same ports that the emitted Verilog is tested through."""

import numpy as np
import pytest
from amaranth.hdl import Const, Module, Shape, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator
from sim.harness import convert

from hwgen.numeric import SpecError
from hwgen.plan.stages.chain_timing import popcount_levels, popcount_registers
from hwgen.plan.stages.parity import parity_form
from hwgen.rtl.chain import Pair, at_least, chain_add, load_add, popcount, xnor_popcount

SIZES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 16, 17, 28, 31, 32, 63, 64, 65, 100, 257]
OPS = {"xor": lambda x, w: x ^ w, "xnor": lambda x, w: 1 - (x ^ w), "and": lambda x, w: x & w}


def settle(build, inputs, cases, cycles=0):
    """What ``build(m, *signals)`` gives for each case, so many clock edges after it is applied."""
    m = Module()
    signals = [Signal(shape, name=f"i{k}") for k, shape in enumerate(inputs)]
    result = build(m, *signals)
    m.d.sync += Signal(name="clocked").eq(1)
    given = []

    async def bench(ctx):
        for k in range(len(cases) + cycles):
            for signal, value in zip(signals, cases[min(k, len(cases) - 1)], strict=True):
                ctx.set(signal, int(value))
            if k >= cycles:
                await ctx.delay(1e-7)
                given.append(ctx.get(result))
            await ctx.tick()

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return given


def total(pc):
    return pc.sum + pc.carry.value


def number(bits):
    return sum(int(bit) << k for k, bit in enumerate(bits))


@pytest.mark.parametrize("lut_inputs", [4, 6])
@pytest.mark.parametrize("levels", [1, 2, 5, 99])
@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("simd", SIZES)
def test_popcount_of_products_after_the_stated_registers(rng, simd, op, levels, lut_inputs):
    pairs = rng.integers(0, 2, (6, 2, simd))
    pairs[0], pairs[1, 0], pairs[1, 1] = 1, 0, 1
    for spare in (True, False):
        def build(m, x, w, spare=spare):
            pc = xnor_popcount(m, x, w, op=op, levels_per_register=levels, spare=spare,
                               lut_inputs=lut_inputs, prefix="p")
            assert pc.registers == popcount_registers(simd, levels, spare=spare,
                                                      lut_inputs=lut_inputs)
            assert spare or isinstance(pc.carry.x, Const)
            assert len(pc.sum) <= simd.bit_length()
            return total(pc)

        cycles = popcount_registers(simd, levels, spare=spare, lut_inputs=lut_inputs)
        given = settle(build, [simd, simd], [(number(x), number(w)) for x, w in pairs], cycles)
        assert given == [sum(OPS[op](int(a), int(b)) for a, b in zip(x, w, strict=True))
                         for x, w in pairs]


@pytest.mark.parametrize("levels", [1, 2, 99])
@pytest.mark.parametrize("simd", SIZES)
def test_popcount_of_operands_in_parity_form(rng, simd, levels):
    pairs = rng.integers(0, 2, (8, 2, simd))
    pairs[0], pairs[1, 0], pairs[1, 1] = 1, 0, 1
    formed = parity_form(pairs)
    assert (parity_form(formed) == pairs).all()
    how = {"levels_per_register": levels, "lut_inputs": 6, "parity": simd // 3 * 3}
    given = settle(lambda m, x, w: total(xnor_popcount(m, x, w, prefix="p", **how)), [simd, simd],
                   [(number(x), number(w)) for x, w in formed], popcount_registers(simd, **how))
    assert given == (pairs[:, 0] ^ pairs[:, 1]).sum(1).tolist()


@pytest.mark.parametrize("levels", [1, 99])
def test_popcount_of_two_rows_whose_triples_are_in_parity_form(rng, levels):
    rows = rng.integers(0, 2, (8, 2, 2, 17))          # operand, row
    formed = parity_form(rows)
    joined = np.concatenate([formed[:, :, 0, :15], formed[:, :, 1, :15],
                             formed[:, :, 0, 15:], formed[:, :, 1, 15:]], axis=-1)
    how = {"levels_per_register": levels, "lut_inputs": 6, "parity": 30}
    given = settle(lambda m, x, w: total(xnor_popcount(m, x, w, prefix="p", **how)), [34, 34],
                   [(number(x), number(w)) for x, w in joined], popcount_registers(34, **how))
    assert given == (rows[:, 0] ^ rows[:, 1]).sum((1, 2)).tolist()


@pytest.mark.parametrize("spare", [True, False])
@pytest.mark.parametrize("levels", [1, 2, 99])
@pytest.mark.parametrize("lut_inputs", [4, 6])
@pytest.mark.parametrize("bits", [1, 2, 3, 4, 5, 64, 101])
def test_popcount_of_bits(rng, bits, lut_inputs, levels, spare):
    cases = rng.integers(0, 2, (5, bits))
    how = {"levels_per_register": levels, "lut_inputs": lut_inputs, "spare": spare}
    cycles = popcount_registers(bits, plain=True, **how)
    given = settle(lambda m, x: total(popcount(m, x, prefix="p", **how)), [bits],
                   [(number(row),) for row in cases], cycles)
    assert given == cases.sum(1).tolist()


def test_registers_are_those_of_the_levels():
    # 16 full adders, then 16 -> 8 -> 4 -> 2 -> 1.
    assert [popcount_levels(n) for n in (1, 4, 5, 8, 63, 64, 65)] == [1, 1, 2, 2, 5, 5, 6]
    assert [popcount_levels(n, spare=False) for n in (3, 4, 63, 64)] == [1, 2, 5, 6]
    assert [popcount_registers(64, levels) for levels in (1, 2, 3, 5, 6)] == [5, 2, 1, 1, 0]


def of(shape, rng):
    low = -(1 << (shape.width - 1)) if shape.signed else 0
    return int(rng.integers(low, low + (1 << shape.width)))


@pytest.mark.parametrize("shapes", [
    (Shape(1), Shape(1)), (Shape(5), Shape(3)), (Shape(4, True), Shape(4, True)),
    (Shape(1, True), Shape(6, True)), (Shape(5), Shape(4, True))], ids=str)
def test_chain_add_never_overflows(rng, shapes):
    cases = [(*(of(shape, rng) for shape in shapes), *rng.integers(0, 2, 2)) for _ in range(40)]

    def build(m, a, b, x, w):
        y = chain_add(m, a, b, Pair(x, w, "and"), prefix="y")
        plain = chain_add(m, a, b, prefix="plain")
        pair = Signal(Shape(40, True))
        m.d.comb += pair.eq((y << 16) + plain)
        return pair

    given = settle(build, [*shapes, Shape(1), Shape(1)], cases)
    assert given == [((a + b + int(x & w)) << 16) + a + b for a, b, x, w in cases]


@pytest.mark.parametrize(("width", "addend"), [(1, Shape(1)), (4, Shape(4)), (11, Shape(7)),
                                               (6, Shape(3, True))], ids=str)
def test_load_add_is_the_next_value_of_an_accumulator(rng, width, addend):
    acc = Shape(width, True)
    cases = [(rng.integers(0, 2), of(acc, rng), of(acc, rng), of(addend, rng), rng.integers(0, 2))
             for _ in range(60)]
    given = settle(lambda m, *s: load_add(m, *s, prefix="acc"),
                   [Shape(1), acc, acc, addend, Shape(1)], cases)
    whole = 1 << width
    sums = [((start if first else now) + more + int(carry)) % whole
            for first, start, now, more, carry in cases]
    assert given == [value - whole if value >= whole // 2 else value for value in sums]


@pytest.mark.parametrize("width", [1, 2, 7])
def test_at_least(rng, width):
    top = 1 << width
    cases = [(*rng.integers(0, top, 3), rng.integers(0, 2)) for _ in range(40)]
    cases += [(value, value, 0, 0) for value in (0, top - 1)]
    given = settle(lambda m, a, t0, t1, high: at_least(m, a, t0, high=high, t1=t1, prefix="y"),
                   [width, width, width, 1], cases)
    assert given == [int(a >= (t1 if high else t0)) for a, t0, t1, high in cases]


class Everything(wiring.Component):
    x: In(21)
    w: In(21)
    first: In(1)
    y: Out(8)

    def elaborate(self, platform):
        m = Module()
        pc = xnor_popcount(m, self.x, self.w, levels_per_register=2, prefix="p")
        more = chain_add(m, pc.sum, self.x[:3], prefix="more")
        acc = Signal(8)
        m.d.sync += acc.eq(load_add(m, self.first, 5, acc, more, pc.carry, prefix="acc"))
        m.d.comb += self.y.eq(acc + at_least(m, pc.sum, 3, prefix="enough"))
        return m


def test_chains_convert_to_rtlil():
    assert "attribute" in convert(Everything())


def test_operation_that_there_is_none_of():
    with pytest.raises(SpecError) as caught:
        xnor_popcount(Module(), Signal(2), Signal(2), op="or", levels_per_register=1, prefix="fc")
    assert str(caught.value) == "popcount 'fc': op must be one of xor, and, xnor, not 'or'"


@pytest.mark.parametrize(("op", "lut_inputs"), [("and", 6), ("xnor", 6), ("xor", 4)])
def test_parity_form_where_there_is_none(op, lut_inputs):
    with pytest.raises(SpecError) as caught:
        xnor_popcount(Module(), Signal(2), Signal(2), op=op, lut_inputs=lut_inputs, parity=True,
                      levels_per_register=1, prefix="fc")
    assert str(caught.value) == ("popcount 'fc': parity form must go with op xor and LUTs of six"
                                 f" inputs, not with '{op}' and {lut_inputs}")


def test_operands_of_two_lengths():
    with pytest.raises(SpecError) as caught:
        xnor_popcount(Module(), Signal(2), Signal(3), levels_per_register=1, prefix="fc")
    assert str(caught.value) == ("popcount 'fc': operands must be of one length,"
                                 " not 2 and 3 bits")


def test_comparison_of_signed_values():
    with pytest.raises(SpecError) as caught:
        at_least(Module(), Signal(Shape(4, True)), Signal(4), prefix="t")
    assert str(caught.value) == "comparison 't': a must be unsigned, not signed(4)"
