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


@pytest.fixture(scope="session")
def bundle(calosim, finished_run, tmp_path_factory):
    """The tiny run as SavedModel, ONNX and float TensorFlow Lite for calls of 1 and 16 showers."""
    pytest.importorskip("tf2onnx")
    folder = tmp_path_factory.mktemp("bundles") / "tiny"
    process = calosim(
        "export", finished_run[0], "--format", "saved_model,onnx,tflite", "--batch", "1,16", "--out", folder
    )
    assert process.returncode == 0, process.stderr
    return folder
