"""What each engine is given: samples, frames, what must come back; one module for each.

A module has

``component(spec)``          the hardware
``spec_from(entry)``         the spec that the entry ``engine`` of a manifest describes
``sides(spec)``              port and bytes a beat of ``weights``, ``input``, ``output``
``sample(spec, rng)``        products with every edge
``frames(spec, products)``   :class:`Frames`
``stored(arrays)``           the products of a file that was written of their frames
``readme(manifest)``         the README
"""

from . import eie, spmv, systolic

__all__ = ["WORKS"]

WORKS = {"systolic": systolic, "spmv": spmv, "eie": eie}
"""Name of an engine -> its module."""
