"""The factorised generator in its real loop: two stages, tables from the data, resume over the border."""

import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.data.bundled import bundled_sample
from calosim_tf.data.layer_energies import DRAW
from calosim_tf.data.source import load_source
from calosim_tf.errors import ConfigError
from calosim_tf.experiments import get_experiment
from calosim_tf.geometry import get_detector
from calosim_tf.training.load import load_generator
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


@pytest.fixture(scope="module")
def experiment():
    return get_experiment("photon_factorised").with_values(SMALL)


@pytest.fixture(scope="module")
def source(experiment):
    return load_source(bundled_sample("photon"), get_detector("photon"), energy_max_mev=1024.0)


def trained(experiment, source, run: RunFolder, resume: bool = False) -> RunFolder:
    # names count from 1 as in a separate process: rounding follows TensorFlow's rewriting of graphs, and that names
    keras.backend.clear_session()
    prepare(experiment, source, run, resume=resume, force=False)
    train(experiment, source, run)
    return run


@pytest.fixture(scope="module")
def whole(experiment, source, tmp_path_factory):
    """An uninterrupted run that keeps every checkpoint."""
    folder = tmp_path_factory.mktemp("factorised") / "whole"
    return trained(experiment.with_values({"run.keep_checkpoints": 9}), source, RunFolder(folder))


def state(run: RunFolder, iteration: int) -> dict[str, np.ndarray]:
    reader = tf.train.load_checkpoint(str(run.checkpoints / str(iteration) / "state"))
    names = [name for name in reader.get_variable_to_shape_map() if "OBJECT_GRAPH" not in name]
    return {name.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE"): reader.get_tensor(name) for name in names}


# before the border (3) and behind it
@pytest.mark.slow
@pytest.mark.parametrize("cut", [2, 4])
def test_a_resumed_run_is_the_uninterrupted_one_on_either_side_of_the_border(experiment, source, whole, tmp_path, cut):
    """Breaks if the average of the head, a table or the count of penalties is left out of the checkpoint."""
    resumed = RunFolder(tmp_path / "resumed")
    shutil.copytree(whole.path, resumed.path)
    for folder in resumed.checkpoints.iterdir():
        if folder.is_dir() and int(folder.name) > cut:
            shutil.rmtree(folder)
    (resumed.checkpoints / "latest").write_text(f"{cut}\n")
    trained(experiment.with_values({"run.keep_checkpoints": 9}), source, resumed, resume=True)
    expected, found = state(whole, 8), state(resumed, 8)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
    for table in ("history", "selection"):
        assert getattr(resumed, table).rows() == getattr(whole, table).rows()


@pytest.mark.slow
def test_each_stage_changes_its_networks_alone(whole):
    """Breaks if the first stage moves the shape, or the second one the head or a table."""
    first, border, last = (state(whole, iteration) for iteration in (2, 4, 8))

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
    from calosim_tf.training.normalisation import fit_normalisation

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


def test_a_network_for_another_detector_is_refused(experiment, source):
    from calosim_tf.training.normalisation import fit_normalisation

    with pytest.raises(ConfigError, match=r"data\.layout: found photon, expected pion for a network of family"):
        fit_normalisation(experiment.with_values({"network.detector": "pion"}), source)


def test_ranks_of_training_energies_are_even_whatever_their_law(experiment, source):
    """Breaks if a group takes the quantiles of another, or a closed layer counts as an open one of little energy."""
    from calosim_tf.data.batches.energy_groups import energy_groups
    from calosim_tf.training.algorithms.marginals import LEAST_LOG_WIDTH, Marginals
    from calosim_tf.training.normalisation import fit_normalisation

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
