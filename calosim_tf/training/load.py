"""Load the judged generator of a run, or of a pretrained bundle, for generation and evaluation."""

from __future__ import annotations

import tensorflow as tf

from calosim_tf.generate import ShowerGenerator
from calosim_tf.training.build import build_networks
from calosim_tf.training.checkpoint import CheckpointStore
from calosim_tf.training.run_folder import RunFolder


def judged_part(run: RunFolder) -> str:
    """Name under which a checkpoint holds the judged generator: ``average`` or ``generator``."""
    return "average" if run.experiment().training.generator_average > 0.0 else "generator"


def load_generator(run: RunFolder, jit_compile: bool = False) -> tuple[ShowerGenerator, int]:
    """Generator of the best checkpoint (the newest sound one where none is marked), and its iteration."""
    experiment = run.experiment()
    network, _ = build_networks(experiment)
    store = CheckpointStore(run.checkpoints, experiment.run.keep_checkpoints)
    iteration = store.restore(tf.train.Checkpoint(**{judged_part(run): network}), "best")
    return ShowerGenerator(network, experiment.network.latent, run.normalisation(), jit_compile), iteration
