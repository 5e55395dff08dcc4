"""Detectors that their name describes."""

import pytest

from calosim_tf.api.own_voxels import binning_values
from calosim_tf.api.training import configured
from calosim_tf.errors import ConfigError
from calosim_tf.geometry import DETECTORS, get_detector
from calosim_tf.geometry.binning import layout_of, read_binning

XML = """<Bins><Bin pid="22" name="photon" etaMin="25" etaMax="30">
<Layer id="0" r_edges="0,5,10.5,30" n_bin_alpha="1"/><Layer id="1" r_edges="0" n_bin_alpha="1"/>
<Layer id="2" r_edges="0,2,4,6.25" n_bin_alpha="10"/></Bin></Bins>"""


@pytest.fixture
def binning(tmp_path):
    path = tmp_path / "photon 25.xml"
    path.write_text(XML)
    return path


def test_the_name_has_all_that_the_file_says(binning):
    """Breaks when an edge, a layer or the particle is lost between the file and a run that is loaded later."""
    layout, detector = layout_of(binning), read_binning(binning)
    assert layout == "photon_25@22;0:1:0,5,10.5,30;2:10:0,2,4,6.25"
    found = get_detector(layout)
    assert (found.layers, found.particle, found.threshold_mev) == (detector.layers, "gamma", 1.0)
    assert get_detector(found.name) == found


@pytest.mark.parametrize(
    "name", ["x@22", "x@99;0:1:0,5", "x@22;0:1:5,0", "x@22;0:0:0,5", "x@22;0:1:0,5;0:1:0,5", "x@22;0:1:0"]
)
def test_other_names_are_one_line(name):
    with pytest.raises(ConfigError, match="detector 'x@"):
        get_detector(name)


@pytest.mark.parametrize(
    ("experiment", "outputs"), [("photon", 33), ("photon_layernorm", 33 + 2 + 1), ("photon_2gan", 33)]
)
def test_networks_fit_the_voxels(binning, experiment, outputs):
    """Breaks when a network keeps the size of the detector it was published for."""
    found = configured(experiment, binning_values(experiment, binning, {}))
    for part in found.members or (found,):
        assert part.network.n_outputs == outputs


def test_a_network_of_one_detector_is_refused(binning):
    with pytest.raises(ConfigError, match="experiment lhcb_wgan, whose networks are built for their own detector"):
        binning_values("lhcb_wgan", binning, {})


def test_known_voxels_keep_their_name():
    """Breaks when a published binning becomes an unknown detector without its metrics."""
    assert "photon" in DETECTORS
    assert "@" not in DETECTORS["photon"].name
