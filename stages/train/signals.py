"""SIGTERM, SIGHUP and a first SIGINT as a wish that the loop asks about; a second SIGINT ends at
once."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class StopWish:
    """`with StopWish() as stop:` then `if stop.asked:`, which is the first signal that came; does
    nothing outside the main thread, and for a signal that is ignored. heeded: no for a process
    that another one ends; it lets the signals pass."""

    SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def __init__(self, heeded: bool = True) -> None:
        self.asked: int | None = None
        self._heeded = heeded
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopWish:
        if threading.current_thread() is threading.main_thread():
            for number in self.SIGNALS:
                if signal.getsignal(number) != signal.SIG_IGN:
                    self._before[number] = signal.signal(
                        number, self._ask if self._heeded else signal.SIG_IGN
                    )
        return self

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = self.asked or number
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
