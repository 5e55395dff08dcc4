"""Train an experiment in its run folder, from the start or from where it stopped."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from calosim_tf.config import AnyExperiment, Experiment, Stage, TrainingConfig
from calosim_tf.data.batches.pipeline import training_batches, training_conditions
from calosim_tf.data.source import ShowerSource
from calosim_tf.errors import CalosimError, StoppedBySignal
from calosim_tf.messages import is_watched, note
from calosim_tf.shower_generator import ShowerGenerator
from calosim_tf.training.build import build_model, state_bytes, state_variables, tracked_state
from calosim_tf.training.callbacks import CheckpointAndSelect, History, StopOnRequest
from calosim_tf.training.checkpoint import CheckpointStore, tensorflow_disk_errors
from calosim_tf.training.judging.likelihood import likelihood_judge
from calosim_tf.training.judging.selection import Judge, chi2_judge, physics_judge, why_nothing_is_selected
from calosim_tf.training.model import GenerativeModel
from calosim_tf.training.parts import parts
from calosim_tf.training.run_folder import RunFolder
from calosim_tf.training.signals import StopRequest
from calosim_tf.training.strategies.strategy import Strategy
from calosim_tf.training.teacher import load_teacher


def train(
    experiment: AnyExperiment,
    source: ShowerSource,
    run: RunFolder,
    still_ours: Callable[[], None] = lambda: None,
    strategy: Strategy | None = None,
) -> None:
    """Run ``experiment`` up to its last iteration; :func:`calosim_tf.training.parts.prepare` has made its folders.

    The members of a split are trained one after another, each up to its last iteration.  Of several processes the
    chief alone writes.

    Parameters
    ----------
    experiment : AnyExperiment
    source : ShowerSource
    run : RunFolder
    still_ours : callable
        Called before each checkpoint; raises when another process has taken the run over.
    strategy : Strategy, optional
        How processes and devices share the run; one process with one device unless given.

    Raises
    ------
    NonFiniteError
        A loss term is no longer finite; the last checkpoint is intact.
    StorageError
        The disk is full or may not be written to; likewise.
    StoppedBySignal
        A stop signal came; the state is saved.
    WorkerLostError
        Another process of the strategy is gone; the last checkpoint is intact.
    """
    strategy = strategy or Strategy()
    if not experiment.members:
        _train_network(experiment, source, run, still_ours, strategy)
        return
    found, done = parts(experiment, source, run), 0
    try:
        for part in found:
            if strategy.is_chief:
                run.write_status(done, "running")
                note(f"{part.experiment.name}")
            _train_network(part.experiment, part.source, part.run, still_ours, strategy)
            done += part.experiment.training.iterations
    except CalosimError as error:
        if strategy.is_chief:
            reached = done + part.run.status().get("iteration", 0)
            run.note_end(reached, error)
        raise
    if strategy.is_chief:
        run.write_status(done, "finished", 0)


def _train_network(
    experiment: Experiment, source: ShowerSource, run: RunFolder, still_ours: Callable[[], None], strategy: Strategy
) -> None:
    """Train one generator and its auxiliary models in their own run folder."""
    with strategy.scope():
        model = build_model(
            experiment, training_conditions(source, run.normalisation()), run.normalisation(), strategy.replicas
        )
        model.prepare(source, run.normalisation())
        model.learn_from(load_teacher(experiment, run.normalisation(), str(run.path)))
    tracked = tracked_state(model)
    store = CheckpointStore(run.checkpoints, experiment.run.keep_checkpoints)
    strategy.on_chief(lambda: store.require_room(state_bytes(model)))
    first = strategy.align(state_variables(model), lambda: store.restore(tracked) if store.iterations() else 0)
    fit = _Fit(experiment, source, run, model, first, strategy)
    if not strategy.is_chief:
        _follow(fit)
        return
    run.note_start(first, strategy.name, strategy.replicas.number, experiment.training.batch_size)
    run.history.cut_after(first)
    run.selection.cut_after(first)
    pending = store.notes(first).get("history", {}) if first > 0 else {}
    history = History(run, experiment.training, first, pending)
    held_out = source.incident_energy_mev[source.holdout_rows], source.total_energy_mev(source.holdout_rows) / 1e3
    judge = _judge(experiment, source, run, model, *held_out)
    why_nothing = why_nothing_is_selected(*held_out)
    select = CheckpointAndSelect(run, store, tracked, judge, experiment.training, history, still_ours, why_nothing)
    board = keras.callbacks.TensorBoard(str(run.tensorboard), write_graph=False, profile_batch=0)
    run.write_status(first, "running")
    try:
        if first % experiment.training.checkpoint_every == 0 and first > 0:
            # a run that ended between checkpoint and verdict still needs the verdict
            select.select(first)
        with strategy.watching(str(run.path)):
            with StopRequest() as request:
                stop = fit([history, select], [board], request)
                select.save(select.iteration)
                strategy.wait()
                stop = stop or fit.stop_of(request)
            if stop is not None:
                raise stop
        select.select(select.iteration)
        store.prune()
    except CalosimError as error:
        run.note_end(select.iteration, error)
        raise
    run.write_status(select.iteration, "finished", 0)


def _follow(fit: _Fit) -> None:
    """The part of a process that is not the chief: the same iterations, and nothing written."""
    history = History(fit.run, fit.experiment.training, fit.first, {}, writes=False)
    with StopRequest() as request, fit.strategy.watching(str(fit.run.path)):
        stop = fit([history], [], request)
        # a launcher ends all as soon as one ends with an exit code: not before the chief has saved
        fit.strategy.wait()
    if stop is not None:
        raise stop


@dataclass(frozen=True)
class _Fit:
    """The iterations of one network, from ``first`` on."""

    experiment: Experiment
    source: ShowerSource
    run: RunFolder
    model: GenerativeModel
    first: int
    strategy: Strategy

    def __call__(
        self, before: list[keras.callbacks.Callback], after: list[keras.callbacks.Callback], request: StopRequest
    ) -> StoppedBySignal | None:
        """Run up to the last iteration, or to a stop signal, which is returned."""
        training, strategy = self.experiment.training, self.strategy
        stop = StopOnRequest(request)
        for stage, first, epochs, length in _segments(self.first, training):
            self.model.begin(stage)
            done = first // training.checkpoint_every
            # Keras prints its progress on stdout, which belongs to results
            with contextlib.redirect_stdout(sys.stderr), tensorflow_disk_errors(self.run.path):
                self.model.fit(
                    self._batches(stage, first - stage.first),
                    initial_epoch=done,
                    epochs=done + epochs,
                    steps_per_epoch=length,
                    # the pipeline has its own order
                    shuffle=False,
                    callbacks=[*before, stop, *after],
                    verbose=1 if is_watched() and strategy.is_chief else 0,
                )
            if stop.stopped or self.stop_of(request):
                return self._stop(request)
        return None

    def stop_of(self, request: StopRequest) -> StoppedBySignal | None:
        """A request that came after the last callback; of several processes, one alone cannot act on it."""
        return self._stop(request) if request.received is not None and self.strategy.processes == 1 else None

    def _stop(self, request: StopRequest) -> StoppedBySignal:
        signal = request.received.name if request.received else "a signal to another rank"
        return StoppedBySignal(
            f"{self.run.path}: stopped by {signal} "
            f"after iteration {int(self.model.iteration.numpy())}; the state is saved, continue with --resume"
        )

    def _batches(self, stage: Stage, first: int):
        strategy = self.strategy
        batches = training_batches(
            self.source,
            self.run.normalisation(),
            self.experiment.run.seed,
            stage.showers_per_iteration,
            first,
            stage.batch_size,
            strategy.local_replicas,
            strategy.replicas.number,
            self.experiment.data,
        )
        return strategy.distribute(batches)


def _segments(first: int, training: TrainingConfig) -> list[tuple[Stage, int, int, int]]:
    """Calls of ``fit`` from iteration ``first`` on, as (stage, first iteration, epochs, iterations per epoch).

    One epoch is one checkpoint interval, so that the progress bar ends where a verdict is written.  A resumed run may
    begin, and a stage or a run may end, inside an interval.
    """
    every, segments = training.checkpoint_every, []
    for stage in training.stages:
        begin, last = max(first, stage.first), stage.last
        aligned = min(-(-begin // every) * every, last)
        whole = max(last - aligned, 0) // every
        segments += [
            (stage, begin, 1, aligned - begin),
            (stage, aligned, whole, every),
            (stage, aligned + whole * every, 1, (last - aligned) % every),
        ]
    return [segment for segment in segments if segment[2] > 0 and segment[3] > 0]


def _judge(
    experiment: Experiment,
    source: ShowerSource,
    run: RunFolder,
    model: GenerativeModel,
    energy: np.ndarray,
    reference_gev: np.ndarray,
) -> Judge:
    """What judges the generator on the held-out part, by the rule of the experiment."""
    likelihood = experiment.training.selection == "likelihood"
    network = model.energy_generator() if likelihood else model.judged_generator()
    generator = ShowerGenerator(network, experiment.network.latent, run.normalisation(), source.detector)
    chi2 = chi2_judge(experiment, source, generator, energy, reference_gev)
    if likelihood:
        return likelihood_judge(source, run.normalisation(), model, chi2)
    return physics_judge(experiment, source, generator, chi2) if experiment.training.selection == "physics" else chi2
