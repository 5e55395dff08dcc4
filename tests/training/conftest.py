"""A GAN small enough to be checked by hand."""

from dataclasses import replace

import pytest

from calosim_tf.experiments import get_experiment

TINY = {
    "network.latent.size": 4,
    "network.n_outputs": 368,
    "network.generator_units": (6, 5),
    "network.critic_units": (7, 6),
    "training.batch_size": 8,
    "training.critic_steps": 2,
    "training.iterations": 6,
    "training.checkpoint_every": 2,
    "training.log_every": 1,
    "run.seed": 5,
}


@pytest.fixture(scope="session")
def tiny():
    """The photon experiment with narrow layers and small batches."""
    return replace(get_experiment("photon").with_values(TINY), name="tiny")
