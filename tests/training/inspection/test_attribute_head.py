"""What a checked generator is compared with: the critic's estimates, the untrained twin, the training showers."""

from __future__ import annotations

from dataclasses import replace

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.checks.walks import showers_along
from calosim_tf.data.bundled import bundled_sample
from calosim_tf.data.source import load_source
from calosim_tf.errors import CheckpointError
from calosim_tf.experiments import get_experiment
from calosim_tf.files import write_json
from calosim_tf.geometry import get_detector
from calosim_tf.keras_compat import checkpoint_of
from calosim_tf.physics.papers.traversal import Path
from calosim_tf.training.build import build_networks
from calosim_tf.training.checkpoint import CheckpointStore
from calosim_tf.training.inspection.attribute_head import AttributeHead
from calosim_tf.training.inspection.recorded_data import training_source
from calosim_tf.training.run_folder import RunFolder
from calosim_tf.training.untrained import untrained_generator

# Runs are trained first
pytestmark = pytest.mark.slow

NARROW = {
    "network.latent.size": 6,
    "network.seed_channels": 2,
    "network.generator_filters": (3, 2),
    "network.smearing_filters": 2,
    "network.critic_filters": (2, 2, 2),
    "network.attribute_units": (8, 8, 8, 8),
    "training.batch_size": 16,
}


@pytest.fixture(scope="module")
def training_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "train.hdf5"
    with h5py.File(bundled_sample("calogan")) as sample, h5py.File(path, "w") as part:
        for name, values in sample.items():
            part[name] = values[:60]
    return path


@pytest.fixture
def run(tmp_path, training_file):
    """A run folder whose checkpoint holds a generator and a critic moved away from their initial weights."""
    experiment = replace(get_experiment("conditional_calogan_eplus").with_values(NARROW), name="narrow")
    folder = RunFolder(tmp_path / "run")
    folder.prepare(experiment, load_source(training_file, get_detector("calogan")), resume=False, force=False)
    generator, critic = build_networks(experiment).values()
    for network in (generator, critic):
        network.set_weights([0.5 * weight for weight in network.get_weights()])
    store = CheckpointStore(folder.checkpoints, keep=1)
    store.save(checkpoint_of(generator=generator, critic=critic), 3)
    store.mark_best(3)
    return folder, generator, critic


def particles(n=5):
    detector = get_detector("calogan")
    energy = np.linspace(1e3, 9e4, n)
    return energy, detector.central_attributes(energy) + np.linspace(-0.1, 0.1, n)[:, None]


def test_the_head_is_that_of_the_checkpoint(run):
    """Breaks when a freshly initialised critic judges, or showers reach it in MeV instead of GeV."""
    folder, _, critic = run
    energy, attributes = particles()
    showers = np.random.default_rng(0).gamma(0.3, 100.0, (5, 504))
    head = AttributeHead(folder)
    assert head.missing is None
    inputs = {
        "showers": tf.constant(showers / 1e3, tf.float32),
        "condition": tf.constant(np.column_stack([energy / 1e3, attributes]), tf.float32),
    }
    expected = critic(inputs, training=False)["attributes"].numpy()
    estimated = head.estimate(showers, energy, attributes)
    np.testing.assert_allclose(estimated, expected, rtol=1e-4, atol=1e-6)
    assert np.abs(expected).max() > 0


def test_a_published_run_has_no_estimates(run):
    """Breaks when the critic that publishing leaves out is silently replaced by an untrained one."""
    folder, generator, _ = run
    store = CheckpointStore(folder.checkpoints, keep=1)
    store.save(checkpoint_of(generator=generator), 4)
    store.mark_best(4)
    assert "holds no critic" in AttributeHead(folder).missing


def test_a_critic_that_the_checkpoint_holds_in_part_is_refused(run):
    """Breaks when the layers that are not there estimate with their random weights."""
    folder, _, critic = run
    store = CheckpointStore(folder.checkpoints, keep=1)
    names = [layer.name for layer in critic.layers if layer.weights]
    part = keras.Model(critic.input, critic.get_layer(names[len(names) // 2]).output)
    store.save(checkpoint_of(critic=part), 4)
    store.mark_best(4)
    energy, attributes = particles()
    with pytest.raises(CheckpointError, match="holds no value for critic/layer_with_weights-"):
        AttributeHead(folder).estimate(np.ones((5, 504)), energy, attributes)


def test_a_critic_without_that_head_is_told_apart(run):
    """Breaks when a critic without attributes ends in a KeyError."""
    folder, *_ = run
    record = folder.experiment().to_dict()
    record["network"] |= {"variant": "original", "critic_filters": [2, 2, 2, 2]}
    write_json(folder.path / "config.json", record | {"data": record["data"] | {"layout": "calogan_central"}})
    assert "no attribute head" in AttributeHead(folder).missing


def test_the_untrained_twin_has_the_weights_of_iteration_zero(run):
    """Breaks when the checkpoint is loaded, or another seed is used."""
    folder, generator, _ = run
    for fresh, kept in zip(untrained_generator(folder).network.get_weights(), generator.get_weights(), strict=True):
        np.testing.assert_array_equal(0.5 * fresh, kept)


def test_a_walk_differs_in_its_quantity_alone(run):
    """Breaks when points of a walk have different latents: a constant walk would then show noise."""
    folder, *_ = run
    energy, attributes = particles()
    still = Path("x0_mm", np.arange(3.0), np.full(6, energy[2]), np.tile(attributes[2], (6, 1)), energy[2])
    showers = showers_along(untrained_generator(folder), still, seed=4).reshape(3, 2, 504)
    np.testing.assert_allclose(showers, np.broadcast_to(showers[:1], (3, 2, 504)), rtol=1e-4, atol=1e-3)
    assert np.abs(showers[0, 0] - showers[0, 1]).max() > 1.0
    # the showers that generate makes of the same seed
    generator = untrained_generator(folder)
    (made,) = generator.blocks(np.full(2, energy[2]), seed=4, attributes=np.tile(attributes[2], (2, 1)))
    np.testing.assert_allclose(showers[0], made, rtol=1e-4, atol=1e-3)


def test_training_showers_are_those_of_the_record(run, tmp_path):
    """Breaks when held-out showers count as trained on, or a file that is gone or was changed is used."""
    folder, *_ = run
    source = training_source(folder)
    assert (len(source.train_rows), len(source.holdout_rows)) == (48, 12)
    record = folder.data()
    file = record["files"][0]
    write_json(folder.path / "data.json", record | {"files": [file | {"sha256": "0" * 64}]})
    assert training_source(folder) is None
    write_json(folder.path / "data.json", record | {"files": [file | {"path": str(tmp_path / "gone.hdf5")}]})
    assert training_source(folder) is None


def test_the_bundled_sample_is_found_by_its_name(run):
    """Breaks when a published run, whose record holds names only, cannot find the data that come with the package."""
    folder, *_ = run
    with_name = load_source(bundled_sample("calogan"), get_detector("calogan")).files[0] | {"path": "calogan.hdf5"}
    write_json(folder.path / "data.json", folder.data() | {"files": [with_name]})
    assert len(training_source(folder)) == 8000
