"""What stands beside the judged generator of a run when it is checked: its untrained twin, its critic's estimates and
the showers it was trained on.
"""

from __future__ import annotations

import pathlib

import keras
import numpy as np
import tensorflow as tf

from calosim_tf.data.bundled import bundled_sample
from calosim_tf.data.source import ShowerSource, load_source
from calosim_tf.errors import ConfigError
from calosim_tf.generate import ShowerGenerator
from calosim_tf.geometry import get_detector
from calosim_tf.latents import draw_latents
from calosim_tf.physics.papers.traversal import Path
from calosim_tf.training.build import build_generator, build_networks
from calosim_tf.training.checkpoint import STATE, CheckpointStore
from calosim_tf.training.run_folder import RunFolder

ATTRIBUTES_HEAD = "attributes"
BATCH = 1024


def untrained_generator(run: RunFolder) -> ShowerGenerator:
    """The generator of a run as it was at iteration 0; the run must not be a split."""
    experiment = run.experiment()
    network = build_generator(experiment)
    detector = get_detector(experiment.data.layout)
    return ShowerGenerator(network, experiment.network.latent, run.normalisation(), detector)


def showers_along(generator: ShowerGenerator, path: Path, seed: int) -> np.ndarray:
    """Showers of a walk, the same latents at every point: shape (points * latents, n_voxels), MeV."""
    latent = draw_latents(generator.latent, seed, 0, path.n_latents)
    return generator.showers(path.incident_energy_mev, path.latents(latent), path.attributes)


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
        self._store().restore(tf.train.Checkpoint(critic=critic), "best")
        # the head alone: the rest of the critic compares all showers of a batch with one another
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


def training_source(run: RunFolder) -> ShowerSource | None:
    """The showers a run was trained on, from the files it recorded or the bundled sample of that name.

    None if a file is gone or is not the one of the record.
    """
    recorded, settings = run.data()["files"], run.experiment().data
    paths = [_present(pathlib.Path(item["path"])) for item in recorded]
    if not paths or None in paths:
        return None
    source = load_source(
        paths,
        get_detector(settings.layout),
        energy_min_mev=settings.energy_min_mev,
        energy_max_mev=settings.energy_max_mev,
        holdout_fraction=settings.holdout_fraction,
    )
    same = [item["sha256"] for item in source.files] == [item["sha256"] for item in recorded]
    return source if same else None


def _present(path: pathlib.Path) -> pathlib.Path | None:
    if path.is_file():
        return path
    try:
        return bundled_sample(path.stem)
    except ConfigError:
        return None
