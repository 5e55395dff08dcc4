"""Files of networks that amplify rounding: judged by the same weights in double precision."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from calosim_tf.bundle.formats import FORMATS
from calosim_tf.bundle.sidecar import read_sidecar
from calosim_tf.errors import ExportError
from calosim_tf.experiments import get_experiment
from calosim_tf.export.options import ExportOptions
from calosim_tf.export.parity import check_parity
from calosim_tf.export.parts import load_parts
from calosim_tf.export.write import export
from calosim_tf.training.run_folder import RunFolder
from calosim_tf.training.untrained import write_untrained

from .conftest import made_source

NETWORK = {
    "network.energy_blocks": 1, "network.energy_hidden_layers": 1, "network.energy_units": 5,
    "network.voxel_blocks": 2, "network.voxel_units": 6,
}  # fmt: skip


def steepen(generator):
    """Splines whose bins are wide here and narrow there, as training makes them."""
    rng = np.random.default_rng(5)
    flow = generator.get_layer("voxel_flow")
    # what is masked stays 0
    flow.set_weights([weight + (weight != 0) * rng.normal(0.0, 0.5, weight.shape) for weight in flow.get_weights()])


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A student, and its bundle, of a format that must be more exact than float32 is."""
    folder = tmp_path_factory.mktemp("steep")
    source, run, teacher = made_source("photon"), RunFolder(folder / "run"), folder / "teacher"
    write_untrained(get_experiment("caloflow_photon").with_values(NETWORK), source, RunFolder(teacher))
    student = get_experiment("caloflow_photon_student").with_values(NETWORK | {"training.teacher": str(teacher)})
    write_untrained(student, source, run, steepen)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setitem(FORMATS, "onnx", replace(FORMATS["onnx"], tolerance=1e-10))
        export(run, folder / "bundle", ExportOptions(("onnx",)))
        yield run, folder / "bundle"


@pytest.mark.slow
def test_a_file_as_exact_as_the_network_is_written(exported):
    """Breaks when a trained flow cannot be exported because its splines amplify the last bit."""
    _, bundle = exported
    document = json.loads((bundle / "parity.json").read_text())
    (row,) = (row for row in document["files"] if row["format"] == "onnx")
    assert row["largest_deviation_over_largest_output"] > row["tolerance"]
    assert 0 < row["rounding"]["network"] < 1e-5
    assert row["rounding"]["file"] < 5 * row["rounding"]["network"]
    assert "was judged by double precision" in (bundle / "card.md").read_text()


@pytest.mark.slow
def test_a_wrong_file_is_refused_all_the_same(exported, monkeypatch):
    """Breaks when amplified rounding excuses an output in the wrong place."""
    run, bundle = exported
    right = FORMATS["onnx"].function("runner")

    def exchanged(folder, record, file):
        call = right(folder, record, file)
        order = np.r_[np.arange(300), 301, 300, np.arange(302, 368)]
        return lambda latent, condition: np.reshape(call(latent, condition), (len(latent), -1))[:, order]

    wrong = SimpleNamespace(**vars(FORMATS["onnx"]), function=lambda role: exchanged)
    monkeypatch.setitem(FORMATS, "onnx", wrong)
    message = r"expected at most 1e-10, or at most 5 times as far from double precision as the network \("
    with pytest.raises(ExportError, match=message):
        check_parity(bundle, load_parts(run), read_sidecar(bundle), 1)
