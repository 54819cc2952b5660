"""The CPU time of a call, without what the rest of the process costs."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable


def seconds(call: Callable[[], object]) -> float:
    """CPU seconds of a call. Garbage waits: what a collection costs depends on all that other
    tests hold."""
    gc.disable()
    try:
        begin = time.process_time()
        call()
        return time.process_time() - begin
    finally:
        gc.enable()
