"""Showers from several generators as one model: who makes which, with which latent."""

import keras
import numpy as np
import pytest

from calosim_tf.config import LatentLaw
from calosim_tf.data.transforms import KineticNormalisation
from calosim_tf.errors import DataError
from calosim_tf.geometry import PHOTON, get_detector
from calosim_tf.inference.routing import RoutedShowerGenerator
from calosim_tf.latents import draw_latents
from calosim_tf.shower_generator import ShowerGenerator

ENERGY = np.array([300.0, 4096.0, 9000.0, 256.0, 4096.0, 65536.0, 1000.0])


def network_of(size: int, factor: float) -> keras.Model:
    """Voxels: ``factor`` times the first two latents, and the label."""
    latent, condition = keras.Input((size,), name="latent"), keras.Input((1,), name="condition")
    kernel = np.zeros((size + 1, 3), "f4")
    kernel[0, 0] = kernel[1, 1] = kernel[size, 2] = factor
    output = keras.layers.Dense(3, kernel_initializer=keras.initializers.Constant(kernel), name="showers")
    return keras.Model(
        {"latent": latent, "condition": condition}, output(keras.layers.Concatenate()([latent, condition]))
    )


def generators(jit_compile=False):
    low = ShowerGenerator(
        network_of(4, 1.0), LatentLaw(size=4), KineticNormalisation(0.0, 256.0, 4096.0), PHOTON, jit_compile=jit_compile
    )
    high = ShowerGenerator(
        network_of(7, 10.0), LatentLaw(size=7, law="uniform"), KineticNormalisation(0.0, 4096.0, 65536.0), PHOTON,
        jit_compile=jit_compile,
    )  # fmt: skip
    return low, high


@pytest.fixture(scope="module")
def routed():
    low, high = generators()
    return RoutedShowerGenerator([(float("-inf"), 4096.0, low), (4096.0, 65536.0, high)])


def test_the_upper_network_has_the_shared_edge(routed):
    """Authors' choice at 4.096 GeV; breaks when the lower network generates there."""
    np.testing.assert_array_equal(routed.route(ENERGY), [0, 1, 1, 0, 1, 1, 0])


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
def test_each_shower_has_its_network_and_the_latent_of_its_place(routed, batch):
    """Breaks when latents are counted per network: the same shower would change with its neighbours."""
    found = np.concatenate(list(routed.blocks(ENERGY, 5, batch)))
    low, high = draw_latents(LatentLaw(size=4), 5, 0, 7), draw_latents(LatentLaw(size=7, law="uniform"), 5, 0, 7)
    for row, (energy, shower) in enumerate(zip(ENERGY, found, strict=True)):
        if energy < 4096:
            expected = [*low[row, :2], np.log(energy / 256) / np.log(16)]
        else:
            expected = [*(10 * high[row, :2]), 10 * np.log(energy / 4096) / np.log(16)]
        np.testing.assert_allclose(shower, np.array(expected) * energy, rtol=1e-4, atol=1e-2)


def test_xla_pads_but_gives_the_same_showers(routed):
    """Breaks when padding rows reach the result, or every number of rows is compiled separately."""
    low, high = generators(jit_compile=True)
    compiled = RoutedShowerGenerator([(0.0, 4096.0, low), (4096.0, 65536.0, high)])
    energy = np.tile(ENERGY, 3)
    found = np.concatenate(list(compiled.blocks(energy, 5)))
    np.testing.assert_allclose(found, np.concatenate(list(routed.blocks(energy, 5))), rtol=1e-5, atol=1e-3)


def test_the_sum_is_that_of_the_blocks(routed):
    blocks = np.concatenate(list(routed.blocks(ENERGY, 5)))
    np.testing.assert_allclose(routed.total_energy_gev(ENERGY, 5, batch=2), blocks.sum(axis=1) / 1e3, rtol=1e-5)


def test_an_energy_outside_of_all_ranges_is_one_line(routed):
    """Breaks when such a shower is silently left at zero."""
    with pytest.raises(DataError, match=r"incident energy of 70000 MeV, expected -inf to 4096, 4096 to 65536 MeV"):
        next(routed.blocks(np.array([300.0, 70000.0]), 0))


def test_extrapolation_is_judged_by_the_network_that_makes_the_shower(routed):
    """Breaks when the range of one member is applied to the energies of another."""
    np.testing.assert_array_equal(routed.outside_trained_range(np.array([300.0, 5000.0, 65536.0])), [])
    np.testing.assert_array_equal(routed.outside_trained_range(np.array([100.0, 300.0, 5000.0])), [100.0])
    assert routed.trained_range_mev == (256.0, 65536.0)


@pytest.mark.parametrize(("layout", "batch"), [("photon", 4096), ("lhcb", 4096), ("clic", 268), ("clic_angle", 64)])
def test_large_showers_are_made_in_small_batches(layout, batch):
    """4096 * 1024 voxels; breaks when feature maps of 4096 showers of 65 025 cells have to fit into memory."""
    normalisation = KineticNormalisation(0.0, 256.0, 65536.0)
    generator = ShowerGenerator(network_of(4, 1.0), LatentLaw(size=4), normalisation, get_detector(layout))
    assert generator.default_batch == batch
    low = ShowerGenerator(network_of(4, 1.0), LatentLaw(size=4), normalisation, PHOTON)
    split = RoutedShowerGenerator([(float("-inf"), 4096.0, low), (4096.0, 65536.0, generator)])
    assert split.default_batch == batch
