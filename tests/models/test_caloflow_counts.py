"""Parameters of CaloFlow: the published totals, exactly."""

import pytest

from calosim_tf.experiments import get_experiment
from calosim_tf.models.caloflow import build_generator

# Flow of the layer energies, of the voxels.  Data set 1: sums are those of the CaloChallenge results; calorimeter of
# CaloGAN: arithmetic on the authors' code
COUNTS = {
    "caloflow_photon": (97_842, 27_945_968),
    "caloflow_photon_student": (97_842, 56_457_088),
    "caloflow_pion": (116_550, 56_962_776),
    "caloflow_pion_student": (116_550, 53_310_072),
    "caloflow_eplus": (79_134, 37_835_280),
    "caloflow_eplus_student": (79_134, 50_924_160),
}
# CaloChallenge: of a teacher; of a student, and of all that its training needs
PUBLISHED = {
    "caloflow_photon": (28_043_810, 56_554_930, 84_500_898),
    "caloflow_pion": (57_079_326, 53_426_622, 110_389_398),
}


@pytest.fixture(scope="module")
def counted():
    found = {}
    for name in COUNTS:
        network = build_generator(get_experiment(name).network)
        parts = tuple(network.get_layer(part).count_params() for part in ("energy_flow", "voxel_flow"))
        assert network.count_params() == sum(parts)
        found[name] = parts
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", COUNTS)
def test_each_flow_has_the_parameters_of_the_authors(counted, name):
    """Breaks if a width, a bias, a context or a block differs."""
    assert counted[name] == COUNTS[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_the_sums_are_published(counted, name):
    """Breaks if a flow is counted twice or left out."""
    teacher, student = counted[name], counted[f"{name}_student"]
    assert (sum(teacher), sum(student), sum(teacher) + student[1]) == PUBLISHED[name]


def test_one_block_has_the_parameters_of_the_authors():
    """Breaks if masked weights are not counted in full, or the context enters the hidden layers."""
    from calosim_tf.layers.flows.masked_spline import MaskedSpline

    for (features, context, units, hidden_layers), expected in {
        (3, 1, 64, 2): 13_189,
        (504, 4, 378, 1): 4_729_410,
        (504, 4, 504, 1): 6_365_520,
    }.items():
        layer = MaskedSpline(units, hidden_layers)
        layer.build([(None, features), (None, context)])
        assert layer.count_params() == expected
