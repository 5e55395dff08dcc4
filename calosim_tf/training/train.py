"""Train an experiment in its run folder, from the start or from where it stopped."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from dataclasses import dataclass

import keras

from calosim_tf.config import AnyExperiment, Experiment
from calosim_tf.data.pipeline import training_batches, training_conditions
from calosim_tf.data.source import ShowerSource
from calosim_tf.errors import CalosimError, StoppedBySignal
from calosim_tf.generate import ShowerGenerator
from calosim_tf.physics.chi2 import chi2_from_totals
from calosim_tf.training.build import build_model, state_variables, tracked_state
from calosim_tf.training.callbacks import CheckpointAndSelect, History, StopOnRequest
from calosim_tf.training.checkpoint import CheckpointStore
from calosim_tf.training.gan import AdversarialModel
from calosim_tf.training.parts import parts
from calosim_tf.training.run_folder import RunFolder
from calosim_tf.training.signals import StopRequest
from calosim_tf.training.strategy import Strategy


def train(experiment: AnyExperiment, source: ShowerSource, run: RunFolder, strategy: Strategy | None = None) -> None:
    """Run ``experiment`` up to its last iteration; :func:`calosim_tf.training.parts.prepare` has made its folders.

    The members of a split are trained one after another, each up to its last iteration.  Of several processes the
    chief alone writes.

    Raises
    ------
    NonFiniteError
        A loss term is no longer finite; the last checkpoint is intact.
    StoppedBySignal
        A stop signal came; the state is saved.
    WorkerLostError
        Another process of the strategy is gone; the last checkpoint is intact.
    """
    strategy = strategy or Strategy()
    if not experiment.members:
        _train_network(experiment, source, run, strategy)
        return
    found, done = parts(experiment, source, run), 0
    try:
        for part in found:
            if strategy.is_chief:
                run.write_status(done, "running")
                print(f"calosim: {part.experiment.name}", file=sys.stderr)
            _train_network(part.experiment, part.source, part.run, strategy)
            done += part.experiment.training.iterations
    except CalosimError as error:
        if strategy.is_chief:
            reached = done + part.run.status().get("iteration", 0)
            run.write_status(reached, "stopped" if isinstance(error, StoppedBySignal) else "failed", error.exit_code)
        raise
    if strategy.is_chief:
        run.write_status(done, "finished", 0)


def _train_network(experiment: Experiment, source: ShowerSource, run: RunFolder, strategy: Strategy) -> None:
    """Train one generator and critic in their own run folder."""
    with strategy.scope():
        model = build_model(
            experiment, training_conditions(source, run.normalisation()), run.normalisation(), strategy.replicas
        )
    tracked = tracked_state(model)
    store = CheckpointStore(run.checkpoints, experiment.run.keep_checkpoints)
    first = strategy.align(state_variables(model), lambda: store.restore(tracked) if store.iterations() else 0)
    fit = _Fit(experiment, source, run, model, first, strategy)
    if not strategy.is_chief:
        _follow(fit)
        return
    run.note_start(first, strategy.name, strategy.replicas.number, experiment.training.batch_size)
    run.history.cut_after(first)
    run.selection.cut_after(first)
    pending = store.notes(first).get("history", {}) if first > 0 else {}
    history = History(run, experiment.training.log_every, first, pending)
    judge = _judge(experiment, source, run, model)
    select = CheckpointAndSelect(run, store, tracked, judge, experiment.training.checkpoint_every, history)
    board = keras.callbacks.TensorBoard(str(run.tensorboard), write_graph=False, profile_batch=0)
    run.write_status(first, "running")
    try:
        if first % experiment.training.checkpoint_every == 0 and first > 0:
            # a run that ended between checkpoint and verdict still owes the verdict
            select.select(first)
        with StopRequest() as request, strategy.watching(str(run.path)):
            stop = fit([history, select], [board], request)
            select.save(select.iteration)
            if stop is None:
                select.select(select.iteration)
                store.prune()
            strategy.wait()
        if stop is not None:
            raise stop
    except StoppedBySignal as stop:
        run.write_status(select.iteration, "stopped", stop.exit_code)
        raise
    except CalosimError as error:
        run.write_status(select.iteration, "failed", error.exit_code)
        raise
    run.write_status(select.iteration, "finished", 0)


def _follow(fit: _Fit) -> None:
    """The part of a process that is not the chief: the same iterations, and nothing written."""
    history = History(fit.run, fit.experiment.training.log_every, fit.first, {}, writes=False)
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
    model: AdversarialModel
    first: int
    strategy: Strategy

    def __call__(
        self, before: list[keras.callbacks.Callback], after: list[keras.callbacks.Callback], request: StopRequest
    ) -> StoppedBySignal | None:
        """Run up to the last iteration, or to a stop signal, which is returned."""
        training, strategy = self.experiment.training, self.strategy
        stop = StopOnRequest(request)
        for first, epochs, length in _segments(self.first, training.iterations, training.checkpoint_every):
            done = first // training.checkpoint_every
            # Keras prints its progress on stdout, which belongs to results
            with contextlib.redirect_stdout(sys.stderr):
                self.model.fit(
                    self._batches(first),
                    initial_epoch=done,
                    epochs=done + epochs,
                    steps_per_epoch=length,
                    callbacks=[*before, stop, *after],
                    verbose=1 if sys.stderr.isatty() and strategy.is_chief else 0,
                )
            if stop.stopped or (request.received is not None and strategy.processes == 1):
                return StoppedBySignal(
                    f"{self.run.path}: stopped by {request.received.name if request.received else 'another rank'} "
                    f"after iteration {int(self.model.iteration)}; the state is saved, continue with --resume"
                )
        return None

    def _batches(self, first: int):
        training, strategy = self.experiment.training, self.strategy
        batches = training_batches(
            self.source,
            self.run.normalisation(),
            self.experiment.run.seed,
            training.showers_per_iteration,
            first,
            training.batch_size,
            strategy.local_replicas,
            strategy.replicas.number,
        )
        return strategy.distribute(batches)


def _segments(first: int, last: int, every: int) -> list[tuple[int, int, int]]:
    """Calls of ``fit`` from iteration ``first`` to ``last``, as (first iteration, epochs, iterations per epoch).

    One epoch is one checkpoint interval, so that the progress bar ends where a verdict is written; a resumed run may
    begin, and any run may end, inside an interval.
    """
    aligned = min(-(-first // every) * every, last)
    whole = max(last - aligned, 0) // every
    segments = [
        (first, 1, aligned - first),
        (aligned, whole, every),
        (aligned + whole * every, 1, (last - aligned) % every),
    ]
    return [segment for segment in segments if segment[1] > 0 and segment[2] > 0]


def _judge(
    experiment: Experiment, source: ShowerSource, run: RunFolder, model: AdversarialModel
) -> Callable[[], tuple[float, int]]:
    """Function of no arguments that gives (chi2, ndf) of the judged generator on the held-out part."""
    energy = source.incident_energy_mev[source.holdout_rows]
    reference_gev = source.total_energy_mev(source.holdout_rows) / 1e3
    attributes = source.attributes[source.holdout_rows]
    generator = ShowerGenerator(
        model.judged_generator(), experiment.network.latent, run.normalisation(), source.detector
    )

    def judge() -> tuple[float, int]:
        generated_gev = generator.total_energy_gev(energy, experiment.run.seed, attributes=attributes)
        table = chi2_from_totals(energy, reference_gev, energy, generated_gev)
        return table.chi2, table.ndf

    return judge
