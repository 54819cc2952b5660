"""Drawings as SVG, and panels made of them: what `stages` and the report show figures with."""
