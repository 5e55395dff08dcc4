"""Which normalisation a run takes, and networks that the detector does not fit."""

import json

import numpy as np
import pytest

from calosim_tf.config import dump_json, experiment_from_dict
from calosim_tf.data.source import ShowerSource
from calosim_tf.errors import ConfigError
from calosim_tf.experiments import get_experiment
from calosim_tf.geometry import get_detector
from calosim_tf.training.normalisation import fit_normalisation

# Experiment -> kind that its runs had before data.normalisation was a key
KINDS = {
    "photon": "kinetic",
    "fastcalogan_v1_photon": "kinetic",
    "photon_layernorm": "layer",
    "pion_layernorm": "layer",
    "lhcb_wgan": "log_cells",
    "calogan_eplus": "gev",
    "conditional_calogan_eplus": "gev",
    "conv2d_g1": "cube",
    "conv3d": "cube",
    "conv3d_angle": "cube",
    "ilc_wgan_photon": "mev_cube",
}


def source_of(layout: str) -> ShowerSource:
    """Four made-up showers."""
    detector = get_detector(layout)
    energy = np.array([2e3, 5e3, 2e4, 5e4])
    showers = np.random.default_rng(0).uniform(0.0, 1.0, (4, detector.n_voxels)).astype("f4")
    held_out = np.array([False, False, False, True])
    attributes = detector.central_attributes(energy) + np.arange(4.0)[:, None] / 10
    return ShowerSource(detector, energy, held_out, showers, [], "made up", attributes)


@pytest.mark.parametrize("name", KINDS)
def test_an_old_configuration_keeps_its_normalisation(name):
    """Breaks when a run made before the key is resumed or judged with other training tensors."""
    stored = json.loads(dump_json(get_experiment(name)))
    del stored["data"]["normalisation"]
    experiment = experiment_from_dict(stored, "config.json")
    found = fit_normalisation(experiment, source_of(experiment.data.layout))
    assert found.kind == KINDS[name]
    told = experiment.with_values({"data.normalisation": KINDS[name]})
    assert fit_normalisation(told, source_of(experiment.data.layout)) == found


@pytest.mark.parametrize(
    ("name", "layout", "expected"),
    [
        ("lhcb_wgan", "calogan", "lhcb or lhcb_xy or lhcb_yx for a network of family lhcb_gan"),
        ("conv3d", "clic_angle", "clic for a network of family conv3d_3dgan"),
        ("conv3d_angle", "clic", "clic_angle for a network of family angle_3dgan"),
        ("ilc_gan_photon", "clic", "ilc for a network of family ilc_gan"),
        ("calogan_eplus", "photon", "calogan or calogan_gamma or calogan_piplus or calogan_central or "),
        ("conditional_calogan_eplus", "calogan_central", "a detector with attributes for network.condition_size = 5"),
    ],
)
def test_a_network_of_another_detector_is_refused(name, layout, expected):
    """Breaks when a network is trained on cells or particles that it was not built for."""
    experiment = get_experiment(name).with_values({"data.layout": layout})
    with pytest.raises(ConfigError, match=rf"data\.layout: found {layout}.*, expected {expected}"):
        fit_normalisation(experiment, source_of(layout))


def test_tensors_of_another_shape_are_refused():
    """Breaks when a normalisation is chosen whose tensors the network cannot make."""
    experiment = get_experiment("lhcb_wgan").with_values({"data.normalisation": "gev"})
    words = r"data\.normalisation: found gev, which makes tensors of shape \(900,\) of lhcb, expected .*\(30, 30, 1\)"
    with pytest.raises(ConfigError, match=words):
        fit_normalisation(experiment, source_of("lhcb"))
