"""The frame of a particle against shifts, mirror images and transpositions done with numpy."""

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.geometry import get_detector
from calosim_tf.layers.framed.condition_terms import ConditionTerms, ResponseScore
from calosim_tf.layers.framed.particle_frame import InsideOnly, IntoFrame, OutOfFrame, ParticleFrame

# a x + s (b + c ln E) in mm
CENTRES = {"lhcb": [[1.02, 40.0, 10.0]], "calogan": [[1.0, 20.0, 1.0], [1.0, 60.0, 2.0], [1.0, 150.0, 3.0]]}
LHCB_SLOPES = [(0.2, 0.1), (-0.1, 0.3), (0.05, -0.02), (-0.3, -0.4), (0.0, 0.0), (0.1, 0.25)]


def framed(detector, particle):
    layer = ParticleFrame(detector)
    layer(particle)
    n = particle.shape[1] - 1
    layer.fill(np.zeros(n), np.ones(n), CENTRES[detector])
    return [values.numpy() for values in layer(particle)]


def lhcb_particles(slopes, points_cm, energy_mev=20e3):
    slopes, points = np.array(slopes), np.array(points_cm)
    pz = np.full((len(slopes), 1), 15.0)
    attributes = np.concatenate([slopes * pz, pz, points], axis=1)
    log_energy = np.full((len(slopes), 1), np.log(energy_mev))
    return tf.constant(np.concatenate([log_energy, attributes], axis=1), tf.float32)


def moved(image, shift, signs, exchanged):
    """Row i of the frame is row shift + i, counted from the other end where the sign is -1."""
    rows, columns = image.shape
    padded = np.pad(image, ((rows, rows), (columns, columns)))
    cut = padded[rows + shift[0] : 2 * rows + shift[0], columns + shift[1] : 2 * columns + shift[1]]
    cut = cut[:: int(signs[0]), :: int(signs[1])]
    return cut.T if exchanged else cut


@pytest.fixture
def lhcb():
    points = np.random.default_rng(2).uniform(-4, 4, (6, 2))
    numbers, placement = framed("lhcb", lhcb_particles(LHCB_SLOPES, points))
    return points, numbers, placement


def test_the_frame_is_a_shift_mirror_images_and_a_transposition(lhcb):
    """Breaks if an axis is exchanged, a mirror image has another middle, or cells beyond the edge wrap around."""
    points, numbers, placement = lhcb
    # rows count y
    slopes = np.array(LHCB_SLOPES)[:, ::-1]
    centre = 10 * 1.02 * points[:, ::-1] + slopes * (40.0 + 10.0 * np.log(20e3))
    shift = np.floor(centre / 20.0 + 0.5)
    rest = 2 * (centre / 20.0 - shift)
    np.testing.assert_array_equal(placement[:, :2], shift)
    assert np.abs(shift).max() >= 2
    showers = np.random.default_rng(1).exponential(size=(6, 900)).astype("f4")
    local = IntoFrame("lhcb")([showers, placement]).numpy().reshape(-1, 30, 30)
    for row, image in enumerate(showers.reshape(-1, 30, 30)):
        signs = np.where(slopes[row] < 0, -1, 1)
        exchanged = abs(slopes[row, 1]) > abs(slopes[row, 0])
        expected = moved(image, shift[row].astype(int), signs, exchanged)
        np.testing.assert_array_equal(local[row], expected)
        pair, own = np.abs(slopes[row]) / 0.25, rest[row] * signs
        order = [1, 0] if exchanged else [0, 1]
        np.testing.assert_allclose(numbers[row], [*pair[order], *own[order]], atol=2e-4)


@pytest.mark.parametrize("mirror", ["x", "y", "both axes exchanged"])
def test_mirror_images_are_one_shower_in_the_frame(mirror):
    """Breaks if the particle is mirrored and its shower is not, or the other way round."""
    rng = np.random.default_rng(4)
    slopes, points = rng.normal(0, 0.2, (8, 2)), rng.uniform(-3, 3, (8, 2))
    images = rng.exponential(size=(8, 30, 30)).astype("f4")
    if mirror == "both axes exchanged":
        others = slopes[:, ::-1], points[:, ::-1], images.transpose(0, 2, 1)
    else:
        sign = np.array([-1.0, 1.0]) if mirror == "x" else np.array([1.0, -1.0])
        others = slopes * sign, points * sign, images[:, :, ::-1] if mirror == "x" else images[:, ::-1]
    found = []
    for slope, point, image in ((slopes, points, images), others):
        numbers, placement = framed("lhcb", lhcb_particles(slope, point))
        found.append((numbers, IntoFrame("lhcb")([image.reshape(8, -1), placement]).numpy()))
    np.testing.assert_allclose(found[0][0], found[1][0], atol=1e-4)
    np.testing.assert_array_equal(found[0][1], found[1][1])


@pytest.mark.parametrize("detector", ["lhcb", "calogan"])
def test_the_way_back_restores_what_the_frame_holds(detector):
    """Breaks if a layer takes the shift of another, or the mask of logits lies elsewhere than the showers."""
    rng = np.random.default_rng(5)
    record = get_detector(detector)
    if detector == "lhcb":
        particle = lhcb_particles(rng.normal(0, 0.2, (9, 2)), rng.uniform(-5, 5, (9, 2)))
    else:
        attributes = record.beam.attributes(np.full(9, 5e4), rng)
        particle = tf.constant(np.concatenate([np.full((9, 1), np.log(5e4)), attributes], axis=1), tf.float32)
    _, placement = framed(detector, particle)
    showers = rng.exponential(size=(9, record.n_voxels)).astype("f4")
    into, out = IntoFrame(detector), OutOfFrame(detector)
    kept = out([into([np.ones_like(showers), placement]), placement]).numpy()
    assert set(np.unique(kept)) == {0.0, 1.0}
    np.testing.assert_array_equal(out([into([showers, placement]), placement]), showers * kept)
    logits = InsideOnly(detector)([np.zeros_like(showers), placement]).numpy()
    np.testing.assert_array_equal(logits == 0.0, into([np.ones_like(showers), placement]).numpy() == 1.0)


def test_slopes_of_calogan_angles_are_those_of_the_direction():
    """Breaks if an angle is taken for the other, or a slope is that against another axis."""
    rng = np.random.default_rng(6)
    direction = np.concatenate([rng.normal(0, 0.2, (5, 2)), np.ones((5, 1))], axis=1)
    unit = direction / np.linalg.norm(direction, axis=1, keepdims=True)
    theta, phi = np.arccos(unit[:, 1]), np.arctan2(-unit[:, 0], unit[:, 2])
    particle = np.stack([np.full(5, 9.0), theta, phi, np.arange(5), -np.arange(5)], axis=1)
    layer = ParticleFrame("calogan")
    layer(tf.constant(particle, tf.float32))
    slopes, point = layer.trajectory(tf.constant(particle, tf.float32))
    np.testing.assert_allclose(slopes, direction[:, :2], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(point, particle[:, 3:])


def test_terms_are_the_numbers_and_their_products():
    found = ConditionTerms()([tf.constant([[0.5]]), tf.constant([[2.0, 3.0, -1.0, 4.0]]), tf.constant([[7.0]])])
    expected = [0.5, 0.25, 2, 3, -1, 4, 4, 9, 1, 16, 6, -4, 1.0, 1.5, -0.5, 2.0, 7]
    np.testing.assert_allclose(found, [expected])


def test_response_score_counts_half_widths_and_is_cut():
    energies, log_energy = tf.constant([[100.0, 80.0], [0.0, 0.0]]), tf.math.log([[1000.0], [1000.0]])
    found = ResponseScore()([energies, log_energy, tf.constant([[0.17, 0.005]] * 2)])
    np.testing.assert_allclose(found, [[1.0], [-2.5]], rtol=1e-3)
