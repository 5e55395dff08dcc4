"""What happens between iterations: history, checkpoints with physics selection, stop requests, non-finite values."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

import keras
import tensorflow as tf

from calosim_tf.config import TrainingConfig
from calosim_tf.errors import NonFiniteError
from calosim_tf.messages import is_watched, note, warn
from calosim_tf.training.checkpoint import CheckpointStore
from calosim_tf.training.judging.selection import Judge, badness_words, best_row, verdict_words, warn_of_modes
from calosim_tf.training.run_folder import RunFolder
from calosim_tf.training.signals import StopRequest


class History(keras.callbacks.Callback):
    """Mean of every logged term over ``every`` iterations, a row of ``history.csv``; raises at a non-finite one.

    ``pending``, the sums and the count of a row not yet complete, is noted beside each checkpoint, so that a resumed
    run writes the rows of an uninterrupted one.  A row ends with its stage, since the next one has other terms.  Of
    several processes only the chief ``writes``.
    """

    def __init__(
        self, run: RunFolder, training: TrainingConfig, first_iteration: int, pending: dict, writes: bool = True
    ):
        super().__init__()
        self.writes = writes
        self.run = run
        self.every = training.log_every
        self.borders = {stage.last for stage in training.stages[:-1]}
        self.iteration = first_iteration
        self.sums: dict[str, float] = dict(pending.get("sums", {}))
        self.count: int = pending.get("count", 0)

    @property
    def pending(self) -> dict:
        """JSON-able state between two rows."""
        return {"sums": self.sums, "count": self.count}

    def on_train_batch_end(self, batch, logs=None):
        self.iteration += 1
        self._require_finite(logs)
        for name in self.model.terms:
            self.sums[name] = self.sums.get(name, 0.0) + float(logs[name])
        self.count += 1
        if self.iteration % self.every == 0 or self.iteration in self.borders:
            means = {name: f"{value / self.count:.7g}" for name, value in self.sums.items()}
            if self.writes:
                self.run.history.append({"iteration": self.iteration, **means})
            self.sums, self.count = {}, 0

    def _require_finite(self, logs: dict[str, float]) -> None:
        # the guard tells causes from consequences; the means include diagnostics that no network is trained on
        found = self.model.guard.first_fault()
        found = found or next((name for name in self.model.terms if not math.isfinite(logs[name])), None)
        if found:
            raise NonFiniteError(
                f"{self.run.path}: {found} is not finite at iteration {self.iteration}, expected finite numbers: "
                "the last checkpoint is intact; lower the learning rates, or look at `calosim data check`"
            )


class CheckpointAndSelect(keras.callbacks.Callback):
    """Save, judge and prune every ``training.checkpoint_every`` iterations.

    A stage that does not train the generator is not judged; of the stages that do, the last one's best checkpoint is
    the best of the run.

    Parameters
    ----------
    run : RunFolder
    store : CheckpointStore
    tracked : tf.train.Checkpoint
    judge : callable
        Returns the columns of ``selection.csv`` of the current judged generator.
    training : TrainingConfig
    history : History
        Called before this one.
    still_ours : callable
        Raises when another process has taken the run over.
    why_nothing : str
        Warning for held-out showers that give no chi2.
    """

    def __init__(
        self,
        run: RunFolder,
        store: CheckpointStore,
        tracked: tf.train.Checkpoint,
        judge: Judge,
        training: TrainingConfig,
        history: History,
        still_ours: Callable[[], None] = lambda: None,
        why_nothing: str = "nothing can be selected",
    ):
        super().__init__()
        self.why_nothing = why_nothing
        self._warned = False
        self.still_ours = still_ours
        self.run = run
        self.store = store
        self.tracked = tracked
        self.judge = judge
        self.training = training
        self.history = history

    @property
    def iteration(self) -> int:
        return int(self.tracked.iteration.numpy())

    def on_train_batch_end(self, batch, logs=None):
        iteration = self.iteration
        if iteration % self.training.checkpoint_every == 0:
            self.save(iteration)
            self.select(iteration)
            self.store.prune()

    def save(self, iteration: int) -> None:
        """Write the checkpoint unless this iteration has one."""
        self.still_ours()
        if iteration not in self.store.iterations() or self.store.fault(iteration):
            # rows up to here must not get lost behind a checkpoint that is not: a resumed run does not write them again
            self.run.history.flush()
            self.store.save(self.tracked, iteration, {"history": self.history.pending})
        else:
            # the pointer may have been lost with the process that wrote the checkpoint
            self.store.mark_latest(iteration)
        self.run.write_status(iteration, "running")

    def select(self, iteration: int) -> None:
        """Judge this iteration once and name the best of its stage so far."""
        stage = self.training.stage_of(iteration)
        if not stage.trains_generator:
            return
        rows = self.run.selection.rows()
        of_stage = [row for row in rows if int(row["iteration"]) > stage.first or stage.first == 0]
        if any(int(row["iteration"]) == iteration for row in of_stage):
            # a run that was killed between verdict and pointer
            self.store.mark_best(int(best_row(of_stage)["iteration"]))
            return
        row = {"iteration": str(iteration), **self.judge(), "chosen": "0"}
        if not int(row["ndf"]) and not self._warned:
            warn(f"{self.run.path}: {self.why_nothing}")
            self._warned = True
        rows.append(row)
        best = best_row([*of_stage, row])
        for judged in rows:
            judged["chosen"] = "1" if judged is best else "0"
        self.run.selection.replace(rows)
        self.store.mark_best(int(best["iteration"]))
        if is_watched():
            # the progress bar leaves the cursor at the end of its line
            print(file=sys.stderr)
        note(
            f"iteration {iteration}: {verdict_words(row)} on the held-out part, "
            f"best {badness_words(best)} at iteration {best['iteration']}"
        )
        warn_of_modes(row)


class StopOnRequest(keras.callbacks.Callback):
    """End ``fit`` after the current iteration once a stop signal has come.

    Several processes stop after the same iteration, the one that their requests have gone through.

    Attributes
    ----------
    stopped : bool
    """

    def __init__(self, request: StopRequest):
        super().__init__()
        self.request = request
        self.stopped = False

    def on_train_batch_begin(self, batch, logs=None):
        if self.request.received is not None:
            self.model.stop_asked.assign(1.0)

    def on_train_batch_end(self, batch, logs=None):
        alone = self.model.replicas.number == 1
        if self.request.received is not None if alone else self.model.stop_agreed.numpy() > 0.0:
            self.stopped = self.model.stop_training = True
