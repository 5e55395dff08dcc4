"""The real command in a real process."""

import pytest

# Small networks and batches: what is tested here is the command, not the physics
TINY = ["--set", "network.latent.size=4", "network.generator_units=6,5", "network.critic_units=7,6"]
TINY += ["training.batch_size=16", "training.critic_steps=2", "training.checkpoint_every=4", "training.log_every=2"]


@pytest.fixture(scope="session")
def tiny_settings():
    """Options of ``train`` that make the networks tiny."""
    return TINY


@pytest.fixture(scope="session")
def finished_run(calosim, tmp_path_factory):
    """Folder of a tiny run of 10 iterations with its report, and the process that made it."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    process = calosim("train", "photon", "--iterations", 10, "--out", folder, *TINY)
    assert process.returncode == 0, process.stderr
    return folder, process
