"""What a bundle says of the showers that its generator was trained on."""

import json
import shutil

import numpy as np
import pytest

from calosim_tf.bundle.card import network_lines
from calosim_tf.errors import RunFolderError
from calosim_tf.export.parts import load_parts
from calosim_tf.training.run_folder import RunFolder

from .conftest import made_source


def test_ranges_are_those_of_the_training_showers(run_of):
    """Breaks when a bundle gives the range of the public beam law, or of the held-out showers too, as trained on."""
    (part,) = load_parts(run_of("calogan"))
    record, source = part.record(), made_source("calogan")
    rows = source.train_rows
    expected = dict(zip(source.detector.attributes, source.attributes[rows].T, strict=True))
    assert record.trained_on.attributes == {name: (v.min(), v.max()) for name, v in expected.items()}
    label = part.label(source.incident_energy_mev[rows], source.attributes[rows])
    np.testing.assert_array_equal(record.condition.low, label.min(axis=0))
    np.testing.assert_array_equal(record.condition.high, label.max(axis=0))
    low, high = record.trained_on.attributes["theta_rad"]
    assert f"theta_rad {low:g} to {high:g}" in "\n".join(network_lines(record, source.detector.attributes))


def test_a_run_without_the_record_still_exports(run_of, tmp_path):
    """Breaks when runs of earlier versions are refused, or the public ranges are passed off as their own."""
    run = RunFolder(shutil.copytree(run_of("calogan").path, tmp_path / "run"))
    data = run.data()
    ranges = data.pop("trained_on")
    (run.path / "data.json").write_text(json.dumps(data))
    record = load_parts(run)[0].record()
    assert record.trained_on is None
    assert record.condition.low < record.condition.high
    assert "Attributes trained on: not recorded" in "\n".join(network_lines(record, ("theta_rad",)))
    ranges["condition"] = [1.0]
    (run.path / "data.json").write_text(json.dumps({**data, "trained_on": ranges}))
    with pytest.raises(RunFolderError, match="no usable entry 'trained_on'"):
        load_parts(run)
