"""A value of a stage's class that is another one where a parameter has a value."""

from __future__ import annotations

from typing import Any


class Where:
    """`usual`, and `then` of a stage whose `parameter` has the value; None: any but None."""

    def __init__(self, usual: Any, parameter: str, value: object, then: Any) -> None:
        self._usual, self._parameter, self._value, self._then = usual, parameter, value, then

    def __get__(self, stage: object | None, owner: type) -> Any:
        given = None if stage is None else getattr(stage, self._parameter)
        wanted = given is not None if self._value is None else given == self._value
        return self._then if wanted else self._usual
