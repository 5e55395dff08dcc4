"""What a strategy is: how processes and devices share one training run."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from calosim_tf.errors import CalosimError, WorkerLostError
from calosim_tf.layers.replicas import ALONE, Replicas

# What the engines raise when another process is gone: gRPC and Gloo by different names
LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.UnknownError,
    tf.errors.InternalError,
    tf.errors.DeadlineExceededError,
)
# ... and words in such messages; the same classes also report faults of this process
TALK = re.compile(r"collective|horovod|gloo|peer|socket|connect|heartbeat|coordination|/task:\d", re.IGNORECASE)


class Strategy:
    """One process with one device; others override what is marked.

    Attributes
    ----------
    name : str
    replicas : Replicas
        Those of the training step.
    process, processes : int
        Which of how many processes this is.  Process 0 is the chief: it alone writes and judges.
    local_processes : int
        Processes on this machine.
    local_replicas : sequence of int
        Indices of the replicas that this process feeds.
    """

    name = "none"
    replicas: Replicas = ALONE
    process = 0
    processes = 1
    local_processes = 1
    local_replicas: Sequence[int] = (0,)

    @property
    def is_chief(self) -> bool:
        return self.process == 0

    def scope(self) -> contextlib.AbstractContextManager:
        """Context in which a model is built and compiled (overridden)."""
        return contextlib.nullcontext()

    def distribute(self, batches: tf.data.Dataset) -> Any:
        """What ``fit`` takes, from the batches of the local replicas one after another (overridden)."""
        return batches

    def sum_over_processes(self, value: int) -> int:
        """Sum of a small number, once every process has reached this point (overridden)."""
        return value

    def align(self, variables: Sequence[tf.Variable], restore: Callable[[], int]) -> int:
        """After the build: bring all processes to the chief's state (overridden).

        Parameters
        ----------
        variables : sequence of tf.Variable
            All that the next iteration depends on.
        restore : callable
            Restores the newest checkpoint in this process and returns its iteration, 0 where there is none.

        Returns
        -------
        int
            Iteration of all processes.
        """
        return restore()

    def wait(self) -> None:
        """Return once every process has reached this point."""
        self.sum_over_processes(0)

    def together(self, action: Callable[[], Any]) -> Any:
        """Do something in every process; where one cannot, all stop.

        Raises
        ------
        CalosimError
            That of ``action``; in a process that could, one with the same exit code that refers to it.
        """
        if self.processes == 1:
            return action()
        result, failure = None, None
        try:
            result = action()
        except CalosimError as error:
            failure = error
        failures = self.sum_over_processes(int(failure is not None))
        codes = self.sum_over_processes(failure.exit_code if failure else 0)
        if failure:
            raise failure
        if failures:
            stop = CalosimError(f"rank {self.process}: stopped because another rank cannot go on; its message says why")
            stop.exit_code = codes // failures
            raise stop
        return result

    def on_chief(self, action: Callable[[], Any]) -> Any:
        """Let the chief do something while the others wait; if it cannot, all stop as with :meth:`together`.

        Returns
        -------
        What ``action`` returns; None in other processes.
        """
        return self.together(lambda: action() if self.is_chief else None)

    def require_compilable(self, experiment) -> None:
        """Refuse ``training.jit_compile`` where the engine cannot take part in a compiled step (overridden)."""

    @contextlib.contextmanager
    def watching(self, where: str):
        """Turn what the engine raises when another process is gone into one line.

        Raises
        ------
        WorkerLostError
        """
        if self.processes == 1:
            yield
            return
        try:
            yield
        except LOST as error:
            if not TALK.search(str(error)):
                raise
            lost = _lost_rank(str(error))
            raise WorkerLostError(
                f"{where}: rank {self.process} lost {lost} ({_first_line(error)}): the last checkpoint is intact, "
                "start all ranks again with --resume"
            ) from error


def _lost_rank(message: str) -> str:
    named = re.search(r"/task:(\d+)|[Rr]ank[ :]+(\d+)", message)
    return f"rank {named[1] or named[2]}" if named else "another rank (the launcher knows which)"


def _first_line(error: Exception) -> str:
    """The line about the other processes; the first one is often only a heading."""
    lines = [line.strip() for line in str(error).splitlines() if TALK.search(line)]
    return lines[0][:160] if lines else type(error).__name__
