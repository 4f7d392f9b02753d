"""Ctrl-C and SIGTERM, turned into a stop between two steps."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

# A terminal that is closed says SIGHUP; Windows has none.
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class StopRequested(Exception):
    """Raised between two steps once a signal has come to this process, or to another one of the run."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class StopSignals:
    """While entered, the first signal asks for a stop; a second one acts as it always does.

    received: the signal that came, 0 where none has.
    """

    def __init__(self) -> None:
        self.received = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():
            # Under `nohup` a terminal may close; a handler of another language than Python could not be put back.
            ignored = {number for number in SIGNALS[2:] if signal.getsignal(number) == signal.SIG_IGN}
            heard = [number for number in SIGNALS if number not in ignored and signal.getsignal(number) is not None]
            self._before = {number: signal.signal(number, self._note) for number in heard}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
