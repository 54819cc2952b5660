"""Where values stand in a drawing, and round numbers for its axes."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """Values from low to high on places from begin to end."""

    low: float
    high: float
    begin: float
    end: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """The place of a value; what is no number of a logarithm stands at the low end."""
        low, high = self.low, self.high
        if self.logarithmic:
            value = math.log(value) if value > 0 else math.log(low)
            low, high = math.log(low), math.log(high)
        return self.begin + (value - low) / (high - low) * (self.end - self.begin)

    def ticks(self, count: int) -> list[float]:
        """About so many round values within."""
        if not self.logarithmic:
            return round_values(self.low, self.high, count)
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        inside: list[float] = []
        for factors in ((1, 2, 5), (1, 3), (1,)):
            # ten to the power of -324 is nothing
            values = [factor * 10.0**power for power in powers for factor in factors]
            inside = [value for value in values if value > 0 and self.low <= value <= self.high]
            if len(inside) <= count:
                break
        return inside[:: math.ceil(len(inside) / count) or 1]


def round_values(low: float, high: float, count: int) -> list[float]:
    """About so many round values between two others."""
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw)
    first = math.ceil(low / step)
    return [round(n * step, 10) for n in range(first, math.floor(high / step) + 1)]
