"""A small generator of photons with random weights, as a run folder and as a bundle."""

import numpy as np
import pytest

from calosim_tf.data.source import ShowerSource
from calosim_tf.data_prep.simulate import simulate
from calosim_tf.experiments import get_experiment
from calosim_tf.geometry import get_detector
from calosim_tf.training.run_folder import RunFolder

SIZES = {"network.generator_units": (8, 16), "network.latent.size": 6}


def parametrised(detector: str, events: int) -> ShowerSource:
    """Showers in memory, a fifth of them held out."""
    blocks = list(simulate(detector, events, seed=1))
    energy, showers, attributes = (
        np.concatenate([getattr(block, key) for block in blocks])
        for key in ("incident_energy_mev", "showers_mev", "attributes")
    )
    held_out = np.arange(len(energy)) % 5 == 0
    return ShowerSource(get_detector(detector), energy, held_out, showers, [], "parametrised showers", attributes)


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory):
    """Run folder of a tiny untrained ``photon``."""
    from calosim_tf.training.untrained import write_untrained

    folder = RunFolder(tmp_path_factory.mktemp("api") / "run")
    write_untrained(get_experiment("photon").with_values(SIZES), parametrised("photon", 400), folder)
    return folder.path


@pytest.fixture(scope="session")
def bundle_folder(run_folder):
    """The same as ONNX, TensorFlow Lite and lwtnn."""
    pytest.importorskip("tf2onnx")
    from calosim_tf.export.options import ExportOptions
    from calosim_tf.export.write import export

    out = run_folder.parent / "bundle"
    export(RunFolder(run_folder), out, ExportOptions(("tflite", "onnx", "lwtnn"), (16,)))
    return out
