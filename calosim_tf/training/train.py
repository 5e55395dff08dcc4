"""Train an experiment in its run folder, from the start or from where it stopped."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable

import keras

from calosim_tf.config import AnyExperiment, Experiment
from calosim_tf.data.pipeline import training_batches, training_conditions
from calosim_tf.data.source import ShowerSource
from calosim_tf.errors import CalosimError, StoppedBySignal
from calosim_tf.generate import ShowerGenerator
from calosim_tf.messages import is_watched, note
from calosim_tf.physics.chi2 import chi2_from_totals
from calosim_tf.training.build import build_model, state_bytes, tracked_state
from calosim_tf.training.callbacks import CheckpointAndSelect, History, StopOnRequest
from calosim_tf.training.checkpoint import CheckpointStore
from calosim_tf.training.gan import AdversarialModel
from calosim_tf.training.parts import parts
from calosim_tf.training.run_folder import RunFolder
from calosim_tf.training.signals import StopRequest


def train(
    experiment: AnyExperiment,
    source: ShowerSource,
    run: RunFolder,
    still_ours: Callable[[], None] = lambda: None,
) -> None:
    """Run ``experiment`` up to its last iteration; :func:`calosim_tf.training.parts.prepare` has made its folders.

    The members of a split are trained one after another, each up to its last iteration.

    Parameters
    ----------
    experiment : AnyExperiment
    source : ShowerSource
    run : RunFolder
    still_ours : callable
        Called before each checkpoint; raises when another process has taken the run over.

    Raises
    ------
    NonFiniteError
        A loss term is no longer finite; the last checkpoint is intact.
    StorageError
        The disk is full or may not be written to; likewise.
    StoppedBySignal
        A stop signal came; the state is saved.
    """
    if not experiment.members:
        _train_network(experiment, source, run, still_ours)
        return
    found, done = parts(experiment, source, run), 0
    try:
        for part in found:
            run.write_status(done, "running")
            note(f"{part.experiment.name}")
            _train_network(part.experiment, part.source, part.run, still_ours)
            done += part.experiment.training.iterations
    except CalosimError as error:
        reached = done + part.run.status().get("iteration", 0)
        run.note_end(reached, error)
        raise
    run.write_status(done, "finished", 0)


def _train_network(
    experiment: Experiment, source: ShowerSource, run: RunFolder, still_ours: Callable[[], None]
) -> None:
    """Train one generator and critic in their own run folder."""
    model = build_model(experiment, training_conditions(source, run.normalisation()), run.normalisation())
    tracked = tracked_state(model)
    store = CheckpointStore(run.checkpoints, experiment.run.keep_checkpoints)
    store.require_room(state_bytes(model))
    first = store.restore(tracked) if store.iterations() else 0
    run.history.cut_after(first)
    run.selection.cut_after(first)
    pending = store.notes(first).get("history", {}) if first > 0 else {}
    history = History(run, experiment.training.log_every, first, pending)
    judge = _judge(experiment, source, run, model)
    select = CheckpointAndSelect(run, store, tracked, judge, experiment.training.checkpoint_every, history, still_ours)
    run.write_status(first, "running")
    try:
        if first % experiment.training.checkpoint_every == 0 and first > 0:
            # a run that ended between checkpoint and verdict still owes the verdict
            select.select(first)
        with StopRequest() as request:
            _fit(experiment, source, run, model, select, request)
            select.save(select.iteration)
            _stop_if_asked(request, run, select)
        select.select(select.iteration)
        store.prune()
    except CalosimError as error:
        run.note_end(select.iteration, error)
        raise
    run.write_status(select.iteration, "finished", 0)


def _fit(
    experiment: Experiment,
    source: ShowerSource,
    run: RunFolder,
    model: AdversarialModel,
    select: CheckpointAndSelect,
    request: StopRequest,
) -> None:
    training = experiment.training
    rows = training.showers_per_iteration
    callbacks = [
        select.history,
        select,
        StopOnRequest(request),
        keras.callbacks.TensorBoard(str(run.tensorboard), write_graph=False, profile_batch=0),
    ]
    for first, epochs, length in _segments(select.iteration, training.iterations, training.checkpoint_every):
        batches = training_batches(source, run.normalisation(), experiment.run.seed, rows, first)
        done = first // training.checkpoint_every
        # Keras prints its progress on stdout, which belongs to results
        with contextlib.redirect_stdout(sys.stderr):
            model.fit(
                batches,
                initial_epoch=done,
                epochs=done + epochs,
                steps_per_epoch=length,
                callbacks=callbacks,
                verbose=1 if is_watched() else 0,
            )
        _stop_if_asked(request, run, select)


def _stop_if_asked(request: StopRequest, run: RunFolder, select: CheckpointAndSelect) -> None:
    if request.received is None:
        return
    select.save(select.iteration)
    raise StoppedBySignal(
        f"{run.path}: stopped by {request.received.name} after iteration {select.iteration}; "
        "the state is saved, continue with --resume"
    )


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
