"""The factorised generator in its real loop: two stages, tables from the data, resume over the border."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.config import LatentLaw
from calosim_tf.data.bundled import bundled_sample
from calosim_tf.data.layer_energies import DRAW
from calosim_tf.data.source import load_source
from calosim_tf.errors import ConfigError
from calosim_tf.experiments import get_experiment
from calosim_tf.geometry import get_detector
from calosim_tf.training.algorithms import particles
from calosim_tf.training.algorithms.factorised import FactorisedModel
from calosim_tf.training.build import build_networks
from calosim_tf.training.load import load_generator
from calosim_tf.training.normalisation import fit_normalisation
from calosim_tf.training.parts import prepare
from calosim_tf.training.run_folder import RunFolder
from calosim_tf.training.train import train

SMALL = {
    "network.head_units": (5, 4),
    "network.head_latent": 3,
    "network.shape_units": (6, 5),
    "network.shape_latent": 4,
    "network.noise_units": 3,
    "network.critic_units": (7, 6),
    "network.knots": 4,
    "training.batch_size": 12,
    "training.head_batch_size": 18,
    "training.head_iterations": 3,
    "training.iterations": 8,
    "training.checkpoint_every": 2,
    "training.log_every": 2,
    "training.penalty_every": 2,
    "training.selection": "chi2",
    "data.energy_max_mev": 1024.0,
    "run.seed": 5,
}


# continuous energies in 8 ranges, and a frame that follows the particle
FRAMED = SMALL | {"training.batch_size": 16, "training.head_batch_size": 24, "data.energy_max_mev": None}


@pytest.fixture(scope="module")
def experiment():
    return get_experiment("photon_factorised").with_values(SMALL)


@pytest.fixture(scope="module")
def source(experiment):
    return load_source(bundled_sample("photon"), get_detector("photon"), energy_max_mev=1024.0)


@pytest.fixture(scope="module")
def framed():
    return get_experiment("lhcb_factorised").with_values(FRAMED)


@pytest.fixture(scope="module")
def electrons(cells, store, tmp_path_factory):
    path = tmp_path_factory.mktemp("electrons") / "lhcb.hdf5"
    store(path, cells("lhcb", 150))
    return load_source([path], get_detector("lhcb"))


@pytest.fixture(scope="module")
def whole(runs, experiment, source, tmp_path_factory):
    """An uninterrupted run that keeps every checkpoint."""
    folder = tmp_path_factory.mktemp("factorised") / "whole"
    return runs.trained(experiment.with_values({"run.keep_checkpoints": 9}), source, RunFolder(folder))


@pytest.fixture(scope="module")
def whole_framed(runs, framed, electrons, tmp_path_factory):
    folder = tmp_path_factory.mktemp("factorised") / "framed"
    return runs.trained(framed.with_values({"run.keep_checkpoints": 9}), electrons, RunFolder(folder))


# before the border (3) and behind it
@pytest.mark.slow
@pytest.mark.parametrize("cut", [2, 4])
def test_a_resumed_run_is_the_uninterrupted_one_on_either_side_of_the_border(
    runs, experiment, source, whole, tmp_path, cut
):
    """Breaks if the average of the head, a table or the count of penalties is left out of the checkpoint."""
    runs.require_equal_when_resumed(source, whole, tmp_path, cut)


@pytest.mark.slow
def test_a_resumed_framed_run_is_the_uninterrupted_one(runs, electrons, whole_framed, tmp_path):
    """Breaks if the frame or the regressions are neither in the checkpoint nor the same when fitted again."""
    runs.require_equal_when_resumed(electrons, whole_framed, tmp_path, 2)


@pytest.mark.slow
def test_the_particle_enters_head_shape_and_critic(whole_framed, framed, electrons):
    """Breaks if a network sees only the energy: slopes and points would change nothing."""
    generator, _ = load_generator(whole_framed)
    network = generator.members[0].network if hasattr(generator, "members") else generator.network
    rows = electrons.train_rows[:4]
    # particles of one energy
    condition = generator.condition(np.full(4, 20e3), electrons.attributes[rows])
    particle = condition[:, :-1]
    rng = np.random.default_rng(1)

    def same(size):
        return np.tile(rng.normal(size=(1, size)), (4, 1)).astype("f4")

    head, shape = (network.get_layer(name) for name in ("energy_head", "shape"))
    drawn = head({"latent": same(3), "noise": same(2), "particle": particle}).numpy()
    assert len(np.unique(drawn)) == 4
    energies = np.full((4, 1), 1000.0, dtype="f4")
    made = shape({"latent": same(4), "noise": same(900), "particle": particle, "energies": energies}).numpy()
    centres = made @ np.stack(list(electrons.detector.layers[0].coordinates_mm.values()), axis=1)
    assert len(np.unique(np.round(centres, 2), axis=0)) == 4
    critic = build_networks(framed)["critic"]
    critic.get_layer("frame").set_weights(shape.get_layer("frame").get_weights())
    showers = np.tile(made[:1], (4, 1))
    score = critic({"showers": showers, "condition": np.concatenate([particle, energies], axis=1)})
    assert len(np.unique(score.numpy())) == 4


@pytest.mark.slow
def test_each_stage_changes_its_networks_alone(runs, whole):
    """Breaks if the first stage moves the shape, or the second one the head or a table."""
    first, border, last = (runs.state(whole, iteration) for iteration in (2, 4, 8))

    def changed(before, after, part):
        names = [name for name in after if part in name and not name.startswith("optimizer") and "kernel" in name]
        assert names
        return [not np.array_equal(before[name], after[name]) for name in names]

    assert all(changed(border, last, "critic/"))
    heads = [name for name in last if name.startswith("energy_head/")]
    assert heads
    for name in heads:
        np.testing.assert_array_equal(border[name], last[name], err_msg=name)
    tables = [name for name in last if name.endswith(("/table", "/knots")) and not name.startswith("optimizer")]
    assert len(tables) > 6
    for name in tables:
        np.testing.assert_array_equal(first[name], last[name], err_msg=name)


@pytest.mark.slow
def test_showers_keep_the_layer_energies_that_are_given(whole, source):
    """Breaks if given energies are replaced by drawn ones, or shares of a layer do not sum to 1."""
    generator, _ = load_generator(whole)
    energy = np.repeat([256.0, 1024.0], 50)
    layers = np.random.default_rng(1).exponential(50.0, (100, 5)) * (np.arange(100)[:, None] % 3 > 0)
    showers = np.concatenate(list(generator.blocks(energy, 3, 40, layers)))
    sums = np.add.reduceat(showers, source.detector.offsets[:-1], axis=1)
    # a voxel below 1 keV is read as 0
    np.testing.assert_allclose(sums, layers, rtol=1e-4, atol=0.1)
    assert np.mean(showers == 0.0) > 0.3
    drawn = np.concatenate(list(generator.blocks(energy, 3, 40)))
    assert (drawn.sum(axis=1) > 0).all()
    assert not np.allclose(drawn.sum(axis=1), layers.sum(axis=1))


def test_the_label_says_which_layers_are_drawn(experiment, source):

    law = fit_normalisation(experiment, source)
    label = law.label(np.array([256.0, 512.0]))
    np.testing.assert_allclose(label[:, 0], np.log([256.0, 512.0]), rtol=1e-6)
    assert (label[:, 1:] == DRAW).all()
    rows = np.array(law.table)
    chosen = source.train_rows[source.incident_energy_mev[source.train_rows] == 512.0]
    layers = np.add.reduceat(source.read(chosen).astype("f8"), source.detector.offsets[:-1], axis=1)
    np.testing.assert_allclose(
        rows[1, :4], [512.0, 0.0, (layers.sum(1) / 512).mean(), (layers.sum(1) / 512).std()], rtol=1e-5
    )
    logs = [np.log1p(column[column > 0]) for column in layers.T]
    np.testing.assert_allclose(rows[1, 4:], [*(x.mean() for x in logs), *(x.std() for x in logs)], rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"training.batch_size": 13}, r"training\.batch_size: found 13, expected a multiple of 3.*: 12"),
        (
            {"training.head_batch_size": 3},
            r"training\.head_batch_size: found 3, expected a multiple of 3, two",
        ),
    ],
)
def test_minibatches_that_cannot_hold_the_groups_alike_are_refused(experiment, source, tmp_path, settings, message):
    wrong = experiment.with_values(settings)
    run = RunFolder(tmp_path / "run")
    prepare(wrong, source, run, resume=False, force=False)
    with pytest.raises(ConfigError, match=message):
        train(wrong, source, run)


@pytest.mark.slow
def test_weights_of_conditions_need_a_frame(experiment, source, tmp_path):
    """Breaks if the setting is silently ignored."""
    wrong = experiment.with_values({"training.moments_by_condition": True})
    run = RunFolder(tmp_path / "run")
    prepare(wrong, source, run, resume=False, force=False)
    with pytest.raises(ConfigError, match=r"training\.moments_by_condition: found true .* network\.frame = true"):
        train(wrong, source, run)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"network.frame": True}, r"network\.frame: found true for photon, whose files"),
        ({"network.ramp_mev": (0.5, 0.1)}, r"network\.ramp_mev: found \(0\.5, 0\.1\), expected two energies"),
        ({"network.observed_from_mev": -1.0}, r"network\.observed_from_mev: found -1\.0"),
    ],
)
def test_settings_that_no_network_can_have_are_refused(experiment, settings, message):
    with pytest.raises(ConfigError, match=message):
        experiment.with_values(settings)


def test_a_network_for_another_detector_is_refused(experiment, source):

    with pytest.raises(ConfigError, match=r"data\.layout: found photon, expected pion for a network of family"):
        fit_normalisation(experiment.with_values({"network.detector": "pion"}), source)


def test_ranks_of_training_energies_are_even_whatever_their_law(experiment, source):
    """Breaks if a group takes the quantiles of another, or a closed layer counts as an open one of little energy."""
    from calosim_tf.data.batches.energy_groups import energy_groups
    from calosim_tf.training.algorithms.marginals import LEAST_LOG_WIDTH, Marginals

    law = fit_normalisation(experiment, source)
    rows = source.train_rows
    groups = [rows[group] for group in energy_groups(source.incident_energy_mev[rows])]
    marginals = Marginals.of(source, groups, law)
    n = min(map(len, groups))
    turns = np.stack([group[:n] for group in groups], axis=1).ravel()
    layers = np.add.reduceat(source.read(turns).astype("f8"), source.detector.offsets[:-1], axis=1)
    table = np.tile(np.array(law.table), (n, 1))
    total = (layers.sum(axis=1) / source.incident_energy_mev[turns] - table[:, 2]) / table[:, 3]
    logs = (np.log1p(layers) - table[:, 4:9]) / np.maximum(table[:, 9:], LEAST_LOG_WIDTH)
    ranks = marginals.ranks(tf.constant(np.column_stack([total, logs]), tf.float32)).numpy()
    for group in range(len(groups)):
        own, is_open = ranks[group :: len(groups)], layers[group :: len(groups)] > 0
        np.testing.assert_allclose(np.quantile(own[:, 0], [0.1, 0.5, 0.9]), [0.1, 0.5, 0.9], atol=0.02)
        for layer in range(5):
            shut = 1.0 - is_open[:, layer].mean()
            np.testing.assert_allclose(own[~is_open[:, layer], layer + 1], shut / 2, atol=1e-6)
            if is_open[:, layer].mean() > 0.2:
                middle = np.median(own[is_open[:, layer], layer + 1])
                assert middle == pytest.approx(shut + (1 - shut) / 2, abs=0.03)


def small_model(**parts):
    """The frame of a model: ``energy_head`` of one weight, ``shape`` with voxels in layers of two and three."""
    inputs = {"latent": keras.Input((1,), name="latent"), "condition": keras.Input((1,), name="condition")}
    networks = []
    for start in (1.0, 5.0):
        unit = keras.Input((1,))
        head = keras.layers.Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(start))(unit)
        head = keras.Model(unit, head, name="energy_head")
        other = keras.layers.Dense(1, kernel_initializer=keras.initializers.Constant(start), name="other")
        networks.append(keras.Model(inputs, other(head(inputs["latent"]))))
    generator, average = networks
    training = get_experiment("photon_factorised").with_values(SMALL).training
    return FactorisedModel({"generator": generator, **parts}, average, LatentLaw(size=1), training, 1)


def test_the_shape_is_learnt_beside_the_averaged_head():
    """Breaks if the head stays where the last update left it, or anything else is overwritten."""
    model = small_model()
    head, other = (model.generator.get_layer(name).get_weights()[0] for name in ("energy_head", "other"))
    first, second = model.training_config.stages
    model.begin(first)
    np.testing.assert_array_equal(model.generator.get_layer("energy_head").get_weights()[0], head)
    model.begin(second)
    assert model.generator.get_layer("energy_head").get_weights()[0].item() == 5.0
    np.testing.assert_array_equal(model.generator.get_layer("other").get_weights()[0], other)
    assert model.stage == second


def recorded(path, filled):
    """A network, or a part of one, whose tables are kept by their places."""
    return SimpleNamespace(
        get_layer=lambda name: recorded(f"{path}/{name}", filled),
        fill=lambda *values: filled.update({path: values}),
        fit=lambda groups, reach: filled.update({path: list(groups)}),
        n_values=3,
        framed=False,
    )


def test_every_table_is_filled_from_the_training_showers(monkeypatch, experiment, source):
    """Breaks if a network keeps a table of ones, that of the average is left out, or held-out showers enter."""
    monkeypatch.setattr(FactorisedModel, "_see_with", lambda model, critic: None)
    filled = {}
    networks = {name: recorded(name, filled) for name in ("generator", "critic")}
    average = recorded("average", filled)
    model = FactorisedModel(networks, average, LatentLaw(size=1), experiment.training, 1)
    model.prepare(source, fit_normalisation(experiment, source))
    rows = source.train_rows
    energy, response = source.incident_energy_mev[rows], source.total_energy_mev(rows)
    groups = [response[energy == one] / one for one in (256.0, 512.0, 1024.0)]
    for name in ("generator", "average"):
        log_energy, shares = filled[f"{name}/emptiness"]
        np.testing.assert_allclose(np.exp(log_energy), [256.0, 512.0, 1024.0])
        # no empty shower: out of reach of any draw
        assert min(group.min() for group in groups) > 0.0
        np.testing.assert_array_equal(shares, np.full((3, 1), -10.0))
        log_energy, table = filled[f"{name}/energy_head/table"]
        np.testing.assert_allclose(np.exp(log_energy), [256.0, 512.0, 1024.0])
        np.testing.assert_allclose(table[:, 0], [group.mean() for group in groups], rtol=1e-3)
        np.testing.assert_allclose(table[:, 1], [group.std() for group in groups], rtol=1e-2)
    for name in ("generator/shape", "average/shape", "critic"):
        np.testing.assert_array_equal(filled[f"{name}/table"][1], table[:, :3])
    seen = [showers for _, showers, _ in filled["critic/views"]]
    trained = {row.tobytes() for row in source.read(rows)}
    assert [len(showers) for showers in seen] == [len(group) for group in groups]
    assert all(row.tobytes() in trained for showers in seen for row in showers)


@pytest.mark.parametrize("place", [0, 1])
def test_layer_energies_are_those_of_the_real_showers(monkeypatch, place):
    """Breaks if a layer has voxels of the next, or the shape network gets the energies of the label."""
    monkeypatch.setattr(FactorisedModel, "_layer_sizes", (2, 3))
    model, kept = small_model(), []
    model.stage = model.training_config.stages[place]
    monkeypatch.setattr(model, ("_head_update", "_shape_updates")[place], lambda *found: kept.extend(found) or {})
    model.updates(tf.constant([[1.0, 2.0, 4.0, 8.0, 16.0]]), tf.constant([[0.5, 0.25, 99.0, 99.0]]))
    showers, particle, energies = [[1.0, 2.0, 4.0, 8.0, 16.0]], [0.5, 0.25], [3.0, 28.0]
    expected = ([[energies], [particle]], [showers, [[*particle, *energies]]])[place]
    for found, numbers in zip(kept, expected, strict=True):
        np.testing.assert_array_equal(found.numpy(), np.reshape(numbers, (1, -1)))


def test_showers_are_viewed_block_by_block_in_their_order(monkeypatch):
    """Breaks if a block is lost, or a shower is moved into the frame of another."""
    monkeypatch.setattr(particles, "BLOCK", 3)
    layers = {
        "views": SimpleNamespace(framed=True),
        "frame": lambda particle: (tf.constant(particle[:, :1]), tf.constant(100.0 * particle[:, 1:])),
        "into_frame": lambda pair: pair[0] + pair[1],
    }
    critic = SimpleNamespace(get_layer=layers.get)
    source = SimpleNamespace(
        read=lambda rows: rows[:, np.newaxis].astype("f8"),
        incident_energy_mev=np.arange(9.0),
        attributes=np.arange(9.0),
    )
    normalisation = SimpleNamespace(
        to_network=lambda showers, energy: showers,
        # the energies of three layers stand behind the particle
        label=lambda energy, attributes: np.stack([energy, attributes, energy, energy, energy], axis=1),
        layer_sizes=(1, 1, 1),
    )
    rows = np.array([8, 1, 5, 2, 7, 0, 3])
    showers, numbers = particles.viewed(critic, source, normalisation, rows)
    np.testing.assert_array_equal(showers, 101.0 * rows[:, np.newaxis])
    np.testing.assert_array_equal(numbers[:, 0], rows)
    layers["views"].framed = False
    showers, numbers = particles.viewed(critic, source, normalisation, rows)
    np.testing.assert_array_equal(showers[:, 0], rows)
    assert numbers is None
