"""Untrained generators: to compare with trained ones, to export and to time."""

from __future__ import annotations

from collections.abc import Callable

import keras

from calosim_tf.config import AnyExperiment
from calosim_tf.data.source import ShowerSource
from calosim_tf.geometry import get_detector
from calosim_tf.keras_compat import checkpoint_of
from calosim_tf.shower_generator import ShowerGenerator
from calosim_tf.training.build import build_generator
from calosim_tf.training.checkpoint import CheckpointStore
from calosim_tf.training.load import judged_part
from calosim_tf.training.parts import parts, prepare
from calosim_tf.training.run_folder import RunFolder


def untrained_generator(run: RunFolder) -> ShowerGenerator:
    """The generator of a run as it was at iteration 0; the run must not be a split."""
    experiment = run.experiment()
    network = build_generator(experiment)
    detector = get_detector(experiment.data.layout)
    return ShowerGenerator(network, experiment.network.latent, run.normalisation(), detector)


def write_untrained(
    experiment: AnyExperiment,
    source: ShowerSource,
    run: RunFolder,
    change: Callable[[keras.Model], object] | None = None,
) -> None:
    """Make a run folder whose generators, as checkpoint 0, have their initial weights.

    Parameters
    ----------
    experiment : Experiment or SplitExperiment
    source : ShowerSource
        What the normalisation is fitted to.
    run : RunFolder
        New.
    change : callable, optional
        Called with each generator before it is written.

    Raises
    ------
    CalosimError
        As for a run that begins (:func:`calosim_tf.training.parts.prepare`).
    """
    prepare(experiment, source, run, resume=False, force=False)
    for part in parts(experiment, source, run):
        generator = build_generator(part.experiment)
        if change is not None:
            change(generator)
        store = CheckpointStore(part.run.checkpoints, part.experiment.run.keep_checkpoints)
        store.save(checkpoint_of(**{judged_part(part.run): generator}), 0)
