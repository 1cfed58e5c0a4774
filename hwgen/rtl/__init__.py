"""Amaranth: streams, the core families, pipeline assembly and the edges."""
