"""The products of a requantise, of each lane; see :mod:`hwgen.plan.stages.scaling`."""

from amaranth.hdl import Mux, Shape, Signal

from ..plan.stages.scaling import BlockProduct, ConstantProduct, Product
from .multiply_cells import Multiply
from .stream import format_shape
from .weighed_sum import weighed_sum

__all__ = ["scaled"]


def scaled(m, product: Product, values, factors) -> list:
    """``values[k] * factors[k]`` of ``product.registers`` cycles before.

    Parameters
    ----------
    values : list of Value     of ``product.a``
    factors : list of Value    of ``product.b``; not looked at where they are constants
    """
    terms = _constants if isinstance(product, ConstantProduct) else (
        _parts if isinstance(product, BlockProduct) else _rows)
    found = []
    for k, (value, factor) in enumerate(zip(values, factors, strict=True)):
        addends = product.addends(k)
        shown = terms(m, product, addends, value, factor, f"lane{k}")
        found.append(weighed_sum(
            m, list(zip(addends, shown, strict=True)), shape=Shape(product.bits, product.is_signed),
            register_after=product.register_after, prefix=f"product{k}"))
    return found


def _constants(m, product, addends, value, factor, name):
    """The value itself, which each digit shifts."""
    return [value] * len(addends)


def _rows(m, product, addends, value, factor, name):
    """The one operand for each bit of the other that is set."""
    a = Signal(format_shape(product.a), name=f"{name}_a", reset_less=True)
    b = Signal(format_shape(product.b), name=f"{name}_b", reset_less=True)
    m.d.sync += [a.eq(value), b.eq(factor)]
    bits, wide = (b, a) if product.rows_of_b else (a, b)
    rows = [Signal(wide.shape(), name=f"{name}_row{k}") for k in range(len(bits))]
    m.d.comb += [row.eq(Mux(bit, wide, 0)) for row, bit in zip(rows, bits, strict=True)]
    return rows


def _parts(m, product, addends, value, factor, name):
    """Of each pair of slices a multiplier with its two registers."""
    a, b = (Signal(format_shape(fmt), name=f"{name}_{which}", reset_less=True)
            for which, fmt in (("a", product.a), ("b", product.b)))
    domain = m.d.sync if product.waits else m.d.comb
    domain += [a.eq(value), b.eq(factor)]
    terms = []
    for k, part in enumerate(product.parts):
        operands = [(part.a, a), (part.b, b)]
        operands.sort(key=lambda pair: -pair[0].format.bits)     # the wider port comes first
        shapes = [format_shape(piece.format) for piece, _ in operands]
        m.submodules[f"{name}_part{k}"] = cell = Multiply(*shapes, in_block=part.in_block)
        (left, x), (right, y) = operands
        m.d.comb += [cell.a.eq(x[left.start:left.start + left.format.bits]),
                     cell.b.eq(y[right.start:right.start + right.format.bits])]
        terms.append(Signal(Shape(len(cell.y), any(shape.signed for shape in shapes)),
                            name=f"{name}_term{k}"))
        m.d.comb += terms[-1].eq(cell.y)
    return terms
