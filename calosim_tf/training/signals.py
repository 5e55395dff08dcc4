"""Stop on a request of the batch system or the user, without losing work."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from calosim_tf.errors import StoppedBySignal

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)


class StopRequest:
    """Context that turns the first stop signal into a request; a second one ends the process at once.

    Signals reach the main thread alone: in another one nothing is ever requested.

    Attributes
    ----------
    received : signal.Signals or None
    """

    def __init__(self):
        self.received: signal.Signals | None = None
        self._previous: dict[signal.Signals, object] = {}

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is not threading.main_thread():
            return self
        for number in STOP_SIGNALS:
            self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *exception) -> None:
        # after a request the next signal stays final
        if self.received is None:
            for number, handler in self._previous.items():
                signal.signal(number, handler)

    def _note(self, number: int, frame) -> None:
        self.received = signal.Signals(number)
        _next_one_is_final()
        # not print: the signal may have come in the middle of one
        os.write(
            2, f"calosim: {self.received.name}: stopping after this iteration; a second signal ends at once\n".encode()
        )


@contextmanager
def signals_given_back() -> Iterator[None]:
    """Block after which a signal does what it did before, for programs that go on after a run was stopped."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def stop_at_once(run: Path) -> Iterator[None]:
    """Where no iteration is running (reading data, building networks, the report), a signal stops the process at once.

    Raises
    ------
    StoppedBySignal
    """

    def stop(number: int, frame) -> None:
        _next_one_is_final()
        raise StoppedBySignal(
            f"{run}: stopped by {signal.Signals(number).name}; nothing is lost, continue with --resume"
        )

    previous = {number: signal.signal(number, stop) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _next_one_is_final() -> None:
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
