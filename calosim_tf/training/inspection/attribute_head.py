"""The critic's estimates of the incident particle."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from calosim_tf.keras_compat import checkpoint_of
from calosim_tf.training.build import build_networks
from calosim_tf.training.checkpoint import STATE, CheckpointStore
from calosim_tf.training.run_folder import RunFolder

ATTRIBUTES_HEAD = "attributes"
BATCH = 1024


class AttributeHead:
    """The critic's estimate of the incident particle's attributes, at the checkpoint of the judged generator.

    Parameters
    ----------
    run : RunFolder
        Not a split.
    """

    def __init__(self, run: RunFolder):
        self.run = run

    @property
    def missing(self) -> str | None:
        """Why there is no estimate, in words, or None."""
        critic = build_networks(self.run.experiment()).get("critic")
        if critic is None or ATTRIBUTES_HEAD not in critic.output_names:
            return "the critic of this run has no attribute head"
        store = self._store()
        state = store.folder / str(store.newest_sound("best")) / STATE
        if not any(name.startswith("critic/") for name, _ in tf.train.list_variables(str(state))):
            return "this published form of a run holds no critic"
        return None

    def estimate(self, showers_mev: np.ndarray, incident_energy_mev: np.ndarray, attributes: np.ndarray) -> np.ndarray:
        """Estimated attributes, shape (n, attributes), in the units of the detector's attributes.

        Parameters
        ----------
        showers_mev : ndarray, shape (n, n_voxels)
        incident_energy_mev : ndarray, shape (n,)
        attributes : ndarray, shape (n, attributes)
            Part of the critic's input; the head of CaloGAN does not use them.
        """
        critic = build_networks(self.run.experiment())["critic"]
        self._store().restore(checkpoint_of(critic=critic), "best")
        # the head alone: the rest of the critic compares the showers of a batch with each other
        head = keras.Model(critic.input, critic.output[ATTRIBUTES_HEAD])
        normalisation, estimates = self.run.normalisation(), []
        for first in range(0, len(showers_mev), BATCH):
            rows = slice(first, first + BATCH)
            energy = incident_energy_mev[rows]
            inputs = {
                "showers": normalisation.to_network(showers_mev[rows], energy),
                "condition": normalisation.label(energy, attributes[rows]),
            }
            estimates.append(head(inputs, training=False).numpy())
        return np.concatenate(estimates).astype(np.float64)

    def _store(self) -> CheckpointStore:
        return CheckpointStore(self.run.checkpoints, self.run.experiment().run.keep_checkpoints)
