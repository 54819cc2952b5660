"""What all tests share: random tests are not judged by a clock, for machines differ."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("seedbed", deadline=None)
settings.load_profile("seedbed")
