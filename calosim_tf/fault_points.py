"""Points at which a test can end or pause this process, to prove that nothing is lost there.

Every write, move and removal that a run depends on passes through :mod:`calosim_tf.files`, which reports to
:func:`reach`.  Two environment variables switch it on; without them it costs one comparison.

``CALOSIM_FAULT=SIGKILL:17``
    At the 17th point this process sends itself the signal (``SIGSTOP`` lets a test fill the disk at that moment).
``CALOSIM_FAULT_LOG=FILE``
    Every point is appended to the file: number, stage, action, name.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

SIGNAL_VARIABLE = "CALOSIM_FAULT"
LOG_VARIABLE = "CALOSIM_FAULT_LOG"


class _Plan:
    """What the environment requests."""

    def __init__(self, fault: str, log: str):
        name, _, number = fault.partition(":")
        self.signal = signal.Signals[name] if name else None
        self.number = int(number or 0)
        self.log = log
        self.reached = 0

    def reach(self, stage: str, action: str, path: Path) -> None:
        self.reached += 1
        if self.log:
            with open(self.log, "a") as stream:
                stream.write(f"{self.reached}\t{stage}\t{action}\t{path.name}\n")
        if self.reached == self.number:
            os.kill(os.getpid(), self.signal)


_plan: _Plan | None = None


def arm() -> None:
    """Follow the environment as it is now; done once when the module is imported."""
    global _plan
    fault, log = os.environ.get(SIGNAL_VARIABLE, ""), os.environ.get(LOG_VARIABLE, "")
    _plan = _Plan(fault, log) if fault or log else None


def reach(stage: str, action: str, path: Path) -> None:
    """Say that a point is reached.

    Parameters
    ----------
    stage : {'before', 'inside', 'after'}
    action : {'write', 'move', 'remove', 'append', 'state'}
    path : Path
    """
    if _plan is not None:
        _plan.reach(stage, action, path)


arm()
