"""The data of an experiment when none are named."""

import pytest

from calosim_tf.data.bundled import bundled_sample
from calosim_tf.data_prep import simulate
from calosim_tf.data_prep.default_data import default_data
from calosim_tf.data_prep.layouts import LAYOUTS
from calosim_tf.errors import ConfigError
from calosim_tf.experiments import EXPERIMENTS


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """Calls of the simulator, which writes empty files here; data are kept in a temporary folder."""
    calls = []

    def write(layout, out, events, seed, overwrite=False):
        calls.append((layout, events))
        out.write_bytes(b"")

    monkeypatch.setattr(simulate, "simulate_to_file", write)
    monkeypatch.setenv("CALOSIM_DATA", str(tmp_path / "data"))
    return calls


def test_a_bundled_sample_is_taken_as_it_is(asked):
    assert default_data("photon") == bundled_sample("photon")
    assert asked == []


def test_pions_are_made_once_and_kept(asked, tmp_path, capsys):
    """Breaks when showers are made again for every run, or land outside of the data folder."""
    path = default_data("calogan_piplus")
    assert path.parent == tmp_path / "data"
    assert path.is_file()
    assert "parametrised calogan_piplus showers" in capsys.readouterr().err
    assert default_data("calogan_piplus") == path
    assert [layout for layout, _ in asked] == ["calogan_piplus"]
    assert capsys.readouterr().err == ""


def test_fewer_showers_of_wide_windows(asked):
    """Breaks when 30 000 showers of 65 025 cells, 8 GB, are made without a request."""
    default_data("clic_angle")
    default_data("calogan_gamma")
    assert asked == [("clic_angle", 2_000), ("calogan_gamma", 30_000)]


def test_a_data_folder_that_cannot_be_made_is_one_line(asked, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CALOSIM_DATA", str(tmp_path / "file"))
    with pytest.raises(ConfigError, match="CALOSIM_DATA"):
        default_data("calogan_piplus")


@pytest.mark.parametrize("layout", sorted({experiment.data.layout for experiment in EXPERIMENTS.values()}))
def test_every_experiment_finds_data(layout, asked):
    """Breaks if an experiment of the list needs --data, as those of central photons and pions once did."""
    default_data(layout)
    assert [name for name, _ in asked if name not in LAYOUTS] == []
