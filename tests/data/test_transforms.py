"""Normalisation by kinetic energy and by layers, energy labels, mask."""

import json

import numpy as np
import pytest

from calosim_tf.data.normalisation import masked
from calosim_tf.data.normalisations import normalisation_from_dict
from calosim_tf.data.schema import kinetic_energy_mev
from calosim_tf.data.transforms import (
    MAX_RESPONSE_KNOTS,
    KineticNormalisation,
    LayerNormalisation,
    mean_response,
)
from calosim_tf.errors import DataError

PUBLIC_ENERGIES_MEV = 2.0 ** np.arange(8, 23)


def test_photon_labels_are_equidistant():
    """(n - 8)/14 for E = 2^n MeV: the authors' labels for the 15 energies of the public file."""
    normalisation = KineticNormalisation.fit(PUBLIC_ENERGIES_MEV, 0.0)
    np.testing.assert_allclose(normalisation.label(PUBLIC_ENERGIES_MEV)[:, 0], np.arange(15) / 14, atol=1e-7)


def test_pion_labels_are_the_published_ones():
    """Breaks when the mass is forgotten: label of 512 MeV is 0.09243, not 1/14."""
    normalisation = KineticNormalisation.fit(PUBLIC_ENERGIES_MEV, 139.6)
    expected = [0, 0.09243, 0.17327, 0.24769, 0.31880, 0.38826, 0.45688, 0.52508]
    expected += [0.59307, 0.66096, 0.72880, 0.79662, 0.86442, 0.93221, 1]
    np.testing.assert_allclose(normalisation.label(PUBLIC_ENERGIES_MEV)[:, 0], expected, atol=6e-6)


def test_network_values_turn_back_into_mev():
    normalisation = KineticNormalisation.fit(PUBLIC_ENERGIES_MEV, 139.6)
    showers = np.random.default_rng(0).gamma(0.3, 100.0, (15, 8)).astype("f4")
    there = normalisation.to_network(showers, PUBLIC_ENERGIES_MEV)
    np.testing.assert_allclose(there[0], showers[0] / 151.989, rtol=1e-5)
    np.testing.assert_allclose(normalisation.to_mev(there, PUBLIC_ENERGIES_MEV), showers, rtol=1e-6)


def test_a_stored_normalisation_is_read_back():
    normalisation = KineticNormalisation.fit(PUBLIC_ENERGIES_MEV, 0.0)
    assert normalisation_from_dict(normalisation.to_dict()) == normalisation


def test_a_single_energy_has_no_label():
    with pytest.raises(DataError, match="single kinetic energy 256 MeV"):
        KineticNormalisation.fit(np.full(5, 256.0), 0.0)


def test_pion_kinetic_energies_are_those_of_the_authors():
    """Breaks when the file's momentum is taken as kinetic energy: 256 MeV is 151.989, 4194304 MeV is 4194164.402."""
    kinetic = kinetic_energy_mev(PUBLIC_ENERGIES_MEV, 139.6)
    assert kinetic[0] == pytest.approx(151.989, abs=5e-4)
    assert kinetic[-1] == pytest.approx(4194164.402, abs=5e-4)
    np.testing.assert_array_equal(kinetic_energy_mev(PUBLIC_ENERGIES_MEV, 0.0), PUBLIC_ENERGIES_MEV)


def test_each_range_of_a_split_has_labels_from_0_to_1():
    """Labels refer to the selected sample: 4.096 GeV is 1 in the low network and 0 in the high one."""
    low = KineticNormalisation.fit(PUBLIC_ENERGIES_MEV[:5], 0.0)
    high = KineticNormalisation.fit(PUBLIC_ENERGIES_MEV[4:], 0.0)
    np.testing.assert_allclose(low.label(PUBLIC_ENERGIES_MEV[:5])[:, 0], np.arange(5) / 4, atol=1e-7)
    np.testing.assert_allclose(high.label(PUBLIC_ENERGIES_MEV[4:])[:, 0], np.arange(11) / 10, atol=1e-7)


def test_fastcalogan_condition_is_the_ratio_to_the_highest_energy_and_a_zero():
    normalisation = KineticNormalisation.fit(PUBLIC_ENERGIES_MEV, 0.0, energy_label="max", condition_size=2)
    condition = normalisation.label(PUBLIC_ENERGIES_MEV)
    np.testing.assert_allclose(condition[:, 0], 2.0 ** np.arange(-14, 1))
    np.testing.assert_array_equal(condition[:, 1], 0.0)


SIZES = (2, 3)
ENERGY = np.array([1000.0, 2000.0])
SHOWERS = np.array([[30.0, 10.0, 0.0, 120.0, 40.0], [500.0, 300.0, 0.0, 0.0, 0.0]], "f4")


def test_layer_normalised_vector_by_hand():
    """Breaks when shares refer to the wrong sum: voxels to their layer, layers to all, the sum to kinetic energy."""
    normalisation = LayerNormalisation(0.0, 1000.0, 2000.0, layer_sizes=SIZES)
    vector = normalisation.to_network(SHOWERS, ENERGY)
    np.testing.assert_allclose(
        vector[0], [0.75, 0.25, 1e-4 / 160.0001, 120 / 160.0001, 40 / 160.0001, 0.2, 0.8, 0.2], rtol=1e-5
    )
    # an empty layer: three voxels of 1e-4 MeV
    np.testing.assert_allclose(vector[1], [0.625, 0.375, 1 / 3, 1 / 3, 1 / 3, 1, 3e-4 / 800, 0.4], rtol=1e-5)
    back = normalisation.to_mev(vector, ENERGY)
    np.testing.assert_allclose(back, np.where(SHOWERS > 0, SHOWERS, 1e-4), rtol=1e-5)


def test_a_voxel_below_one_mev_keeps_its_share():
    """Breaks when small energies are taken for empty voxels: 0.25 and 0.75 MeV in one layer."""
    normalisation = LayerNormalisation(0.0, 1000.0, 2000.0, layer_sizes=SIZES)
    showers = np.array([[0.25, 0.75, 1.0, 1.0, 2.0]], dtype="f4")
    vector = normalisation.to_network(showers, ENERGY[:1])
    np.testing.assert_allclose(vector[0, :7], [0.25, 0.75, 0.25, 0.25, 0.5, 0.2, 0.8], rtol=1e-6)


def test_a_layer_normalised_vector_has_the_size_that_networks_are_built_for():
    """Breaks when a network is built for another number of outputs: cells, layers and the total."""
    normalisation = LayerNormalisation(0.0, 1000.0, 2000.0, layer_sizes=SIZES)
    made = normalisation.to_network(np.ones((3, 5), dtype=np.float32), np.full(3, 1000.0))
    assert made.shape[1:] == normalisation.value_shape(5) == (8,)


def test_kept_zeros_come_back_as_exact_zeros():
    """Breaks when an empty layer or shower becomes NaN or a remainder: the zero gate is trained on such vectors."""
    normalisation = LayerNormalisation(0.0, 1000.0, 2000.0, layer_sizes=SIZES, keep_zeros=True)
    showers = np.concatenate([SHOWERS, np.zeros((1, 5), "f4")])
    energy = np.append(ENERGY, 1500.0)
    vector = normalisation.to_network(showers, energy)
    np.testing.assert_allclose(vector[1], [0.625, 0.375, 0, 0, 0, 1, 0, 0.4], rtol=1e-6)
    np.testing.assert_array_equal(vector[2], 0.0)
    back = normalisation.to_mev(vector, energy)
    np.testing.assert_array_equal(back == 0, showers == 0)
    np.testing.assert_allclose(back, showers, rtol=1e-6)


@pytest.mark.parametrize("options", [{}, {"layer_sizes": SIZES, "keep_zeros": True}])
def test_the_mask_removes_voxels_below_it_and_no_others(options):
    """Breaks when the threshold is taken after the division by energy, or in another unit."""
    cls = LayerNormalisation if options else KineticNormalisation
    normalisation = cls(0.0, 1000.0, 2000.0, mask_mev=0.01, **options)
    showers = np.array([[0.0099, 0.01, 5.0, 0.001, 0.0]], "f4")
    back = normalisation.to_mev(normalisation.to_network(showers, ENERGY[:1]), ENERGY[:1])
    np.testing.assert_allclose(back, [[0.0, 0.01, 5.0, 0.0, 0.0]], rtol=1e-5)


def test_normalising_per_energy_makes_the_mean_sum_1_at_every_energy():
    """Breaks when the response of one energy is applied to another, or the inverse forgets it."""
    rng = np.random.default_rng(0)
    incident = np.repeat([300.0, 3000.0, 30000.0], 50)
    response = np.repeat([0.6, 0.75, 0.95], 50)
    kinetic = kinetic_energy_mev(incident, 139.6)
    showers = (rng.gamma(50.0, 0.02, (150, 4)) * (kinetic * response / 4)[:, None]).astype("f4")
    knots = mean_response(incident, showers.sum(axis=1, dtype="f8"), 139.6)
    normalisation = KineticNormalisation.fit(incident, 139.6, response=knots)
    values = normalisation.to_network(showers, incident)
    sums = values.sum(axis=1).reshape(3, 50).mean(axis=1)
    np.testing.assert_allclose(sums, 1.0, rtol=1e-5)
    np.testing.assert_allclose(normalisation.to_mev(values, incident), showers, rtol=1e-5)
    # between two energies the response lies between theirs
    middle = normalisation.to_mev(np.ones((1, 1), "f4"), np.array([1000.0])) / kinetic_energy_mev([1000.0], 139.6)
    assert knots[0][1] < middle[0, 0] < knots[1][1]


def test_continuous_energies_give_few_knots_and_empty_showers_are_named():
    incident = np.geomspace(100.0, 1e5, 1000)
    knots = mean_response(incident, 0.5 * incident, 0.0)
    assert len(knots) == MAX_RESPONSE_KNOTS
    np.testing.assert_allclose([share for _, share in knots], 0.5)
    with pytest.raises(DataError, match=r"all showers of 100 MeV are empty.*normalise_per_energy"):
        mean_response(np.array([100.0, 200.0]), np.array([0.0, 100.0]), 0.0)


def test_no_mask_leaves_negative_voxels_and_a_mask_takes_them():
    """Breaks when noise below 0 vanishes although no mask was requested."""
    showers = np.array([[-2.0, 0.0, 0.5, 1.0]], dtype=np.float32)
    assert masked(showers, 0.0).tolist() == [[-2.0, 0.0, 0.5, 1.0]]
    assert masked(showers, 1.0).tolist() == [[0.0, 0.0, 0.0, 1.0]]


def test_every_kind_is_stored_and_read_back():
    """Breaks when a run's data.json loses what turns outputs into MeV; records without a kind are kinetic."""
    layer = LayerNormalisation(
        139.6, 1.0, 2.0, energy_label="max", response=((1.0, 0.5), (2.0, 0.6)), layer_sizes=SIZES, keep_zeros=True
    )
    assert normalisation_from_dict(json.loads(json.dumps(layer.to_dict()))) == layer
    old = {"mass_mev": 0.0, "kin_min_mev": 256.0, "kin_max_mev": 65536.0}
    assert normalisation_from_dict(old) == KineticNormalisation(0.0, 256.0, 65536.0)
