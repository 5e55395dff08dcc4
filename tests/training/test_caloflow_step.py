"""Densities and updates of CaloFlow for a calorimeter of five voxels, and which teacher a run was begun with."""

import hashlib
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import ndtri

from calosim_tf.config import CaloFlowDistillation, CaloFlowTraining
from calosim_tf.config.caloflow.network import CaloFlowNetwork
from calosim_tf.errors import ConfigError, RunFolderError
from calosim_tf.experiments import get_experiment
from calosim_tf.files import write_json
from calosim_tf.layers.flows.masked_spline import MaskedSpline
from calosim_tf.layers.flows.passes import flow_steps, log_density, to_features
from calosim_tf.layers.flows.spline import BINS, LEAST, PARAMETERS
from calosim_tf.models.caloflow import CONTEXT, ENERGY_FLOW, VOXEL_FLOW, build_generator
from calosim_tf.training.algorithms.caloflow import CaloFlowModel
from calosim_tf.training.algorithms.caloflow_student import CaloFlowStudent, _require_alike
from calosim_tf.training.build import build_optimizer
from calosim_tf.training.checkpoint import CheckpointStore
from calosim_tf.training.flow_density import energy_log_density, loss_per_voxel, noisy_voxels, voxel_log_density
from calosim_tf.training.inspection.density import loss_of
from calosim_tf.training.run_folder import RunFolder
from calosim_tf.training.teacher import require_same_teacher, teacher_record

ROWS = 4


class ToyNetwork(CaloFlowNetwork):
    """Two layers, of three and two voxels."""

    n_layers, layer_sizes = 2, (3, 2)


def toy(role="teacher", seed=0):
    network = ToyNetwork(
        role=role, energy_blocks=1, energy_units=4, energy_hidden_layers=1, voxel_blocks=1, voxel_units=6,
        dropout=0.0, precision="float64",
    )  # fmt: skip
    # most of a build is the trace of a direction that goes voxel by voxel, and calls do not need it
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MaskedSpline, "call", lambda block, inputs, training=False: inputs[0])
        return network, build_generator(network, seed)


def batch(rows=ROWS):
    """Showers and incident energies, 100 GeV, and random numbers for the noise."""
    rng = np.random.default_rng(7)
    energy = rng.uniform(0.1, 1.0, (rows, 1))
    showers = energy * rng.dirichlet([4.0, 2.0, 3.0, 5.0, 1.0], rows)
    return showers.astype("f4"), energy.astype("f4"), rng.uniform(size=(rows, 5)).astype("f4")


def without_effect(generator):
    """The generator with splines that are straight lines of slope 1."""
    raw = np.zeros(PARAMETERS)
    raw[2 * BINS :] = np.log(np.expm1(1.0 - LEAST))
    for name in (ENERGY_FLOW, VOXEL_FLOW):
        for step in flow_steps(generator.get_layer(name)):
            if isinstance(step, MaskedSpline):
                step.set_weights([np.zeros(weight.shape) for weight in step.get_weights()])
                step.output_bias.assign(np.tile(raw, step.features))
    return generator


def noisy_by_hand(showers, uniform, largest):
    voxels = showers.astype("f8") + largest * uniform.astype("f8")
    return voxels, np.stack([voxels[:, :3].sum(axis=1), voxels[:, 3:].sum(axis=1)], axis=1)


def test_noise_is_uniform_up_to_its_largest_value_and_counts_in_the_layer_energies():
    """Breaks when the noise has another size, or a layer has voxels of the next."""
    _, generator = toy()
    showers, _, uniform = batch()
    voxels, energies = noisy_voxels(generator, showers, uniform, 0.03)
    expected = noisy_by_hand(showers, uniform, 0.03)
    np.testing.assert_allclose(voxels, expected[0], rtol=1e-12)
    np.testing.assert_allclose(energies, expected[1], rtol=1e-12)


def test_flows_without_effect_leave_the_normal_density_of_the_logits():
    """Breaks when a flow is left out or counted twice, and when the sum is not shared among the voxels."""
    network, generator = toy()
    showers, energy, uniform = batch()
    voxels, layers = noisy_by_hand(showers, uniform, 0.01)
    total = layers.sum(axis=1, keepdims=True)
    response = total / (network.largest_response * energy)
    shares = np.concatenate([response, layers[:, :1] / total, voxels / np.repeat(layers, (3, 2), axis=1)], axis=1)
    inner = network.alpha + (1 - 2 * network.alpha) * shares
    logits = np.log(inner / (1 - inner))
    expected = 0.5 * (logits**2 + np.log(2 * np.pi)).sum(axis=1) / 5
    found = loss_per_voxel(without_effect(generator), showers, energy, uniform, 0.01)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_evaluate_takes_showers_in_mev_block_by_block(monkeypatch):
    """Breaks when a block is lost or comes twice, or showers keep their unit."""
    monkeypatch.setattr("calosim_tf.training.inspection.density.SHOWERS_PER_CALL", 3)
    # a trace would take longer than all the calls
    monkeypatch.setattr("tensorflow.function", lambda function, **options: function)
    _, built = toy()
    showers, energy, uniform = batch(4)
    generator = SimpleNamespace(
        network=built,
        normalisation=SimpleNamespace(to_network=lambda showers, energy: (showers / 1e5).astype("f4")),
        condition=lambda energy: (energy[:, np.newaxis] / 1e5).astype("f4"),
    )

    class Showers(list):
        incident_mev = property(lambda self: 1e5 * energy[self, 0])

        def take(self, rows):
            return Showers(rows)

        def voxels_mev(self):
            return 1e5 * showers[self]

    experiment = get_experiment("caloflow_photon").with_values({"training.voxel_noise_mev": 1e-4})
    found = loss_of(generator, experiment)(Showers(range(4)))
    # noise of this size changes nothing that is looked at
    np.testing.assert_allclose(found, loss_per_voxel(built, showers, energy, uniform, 0.0), rtol=1e-4)
    assert loss_of(SimpleNamespace(network=None), experiment) is None


def test_updates_lower_the_loss_of_the_flow_of_their_stage_alone():
    """Breaks when the density is minimised, the noise has another unit, or another flow is trained."""
    network, generator = toy()
    training = CaloFlowTraining(
        batch_size=8, energy_batch_size=8, iterations=2, energy_iterations=1, learning_rate_generator=0.02,
        learning_rate_energy_flow=0.02, energy_noise_mev=200.0, voxel_noise_mev=100.0,
    )  # fmt: skip
    networks = {"generator": generator, "energy_flow": generator.get_layer(ENERGY_FLOW)}
    model = CaloFlowModel(networks, None, network.latent, training, 3)
    model.compile({name: build_optimizer(training, name) for name in networks})
    showers, condition, uniform = batch(8)

    def losses(uniform, largest):
        voxels, layers = map(tf.constant, noisy_by_hand(showers, uniform, largest))
        of_layers = energy_log_density(generator, layers, condition)
        of_voxels = voxel_log_density(generator, voxels, layers, condition)
        return [-float(tf.reduce_mean(value)) for value in (of_layers, of_voxels)]

    seen = [losses(uniform, 1e-3)]
    for place, (stage, largest) in enumerate(zip(training.stages, (2e-3, 1e-3), strict=True)):
        model.stage = stage
        expected = losses(model.draws.uniform((8, 5), 0).numpy(), largest)[place]
        logs = model.train_step((tf.constant(showers), tf.constant(condition)))
        assert {name: float(loss) for name, loss in logs.items()} == {
            f"{stage.networks[0]}_loss_likelihood": pytest.approx(expected, rel=1e-5)
        }
        seen.append(losses(uniform, 1e-3))
    # both flows, with the noise of the voxels
    held_out = model.held_out_loss(showers, condition, uniform)
    assert float(tf.reduce_mean(held_out)) == pytest.approx(sum(seen[-1]) / 5, rel=1e-5)
    first, second = np.diff(seen, axis=0)
    assert first[0] < -0.01
    assert first[1] == 0.0
    assert second[0] == 0.0
    assert second[1] < -0.01


@pytest.fixture(scope="module")
def student():
    """A student of another seed than its teacher's, that adds up two minibatches."""
    network, own = toy("student", seed=11)
    training = CaloFlowDistillation(batch_size=ROWS, iterations=4, summed_batches=(2,), voxel_noise_mev=50.0)
    energies = np.array([[0.1], [0.5], [1.0]], dtype="f4")
    model = CaloFlowStudent({"generator": own}, None, network.latent, training, 3, energies)
    model.learn_from(toy()[1])
    return model


def test_a_student_takes_the_energy_flow_of_a_teacher(student):
    """Breaks when it keeps its own, which nothing trains, or learns from a network that it cannot undo."""
    own, taught = (model.get_layer(ENERGY_FLOW).get_weights() for model in (student.generator, student.teacher))
    for found, expected in zip(own, taught, strict=True):
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(ConfigError, match="found a student, or a teacher in the place of the student, expected"):
        _require_alike(student.generator, student.generator)
    with pytest.raises(ConfigError, match="found a network without flows, expected"):
        _require_alike(student.teacher.get_layer(ENERGY_FLOW), student.generator)


def test_energies_that_select_are_those_of_whole_showers(student):
    """Breaks when chi2 is taken from other latent numbers than those of the showers, or from another flow."""
    latent = np.random.default_rng(5).normal(size=(ROWS, 7))
    inputs = {"latent": latent.astype("f4"), "condition": batch()[1]}
    showers = np.abs(student.generator(inputs).numpy())
    layers = np.stack([showers[:, :3].sum(axis=1), showers[:, 3:].sum(axis=1)], axis=1)
    np.testing.assert_allclose(student.energy_generator()(inputs), layers, rtol=1e-5)


def test_a_student_adds_up_the_gradients_of_its_minibatches(student, monkeypatch):
    """Breaks when one is left out, taken twice or with the condition of the other, or the sum is averaged."""
    showers, condition, _ = map(tf.constant, batch(2 * ROWS))
    kept = {}
    monkeypatch.setattr(
        student, "_learn", lambda which, logs, gradients, owned: kept.update(gradients=gradients, owned=owned) or logs
    )
    student.iteration.assign(5)
    logs = student.updates(showers, condition)
    (variables,) = kept["owned"].values()
    expected, losses = 0.0, []
    # 2 minibatches in each of the 5 iterations before
    for number, rows in ((10, slice(0, ROWS)), (11, slice(ROWS, 2 * ROWS))):
        with tf.GradientTape() as tape:
            terms = student._terms(showers[rows], condition[rows], tf.constant(number, tf.int64))
            loss = terms["generator_loss_data"] + terms["generator_loss_latent"]
        losses.append(float(loss))
        expected = expected + np.concatenate([np.ravel(part) for part in tape.gradient(loss, variables)])
    found = np.concatenate([np.ravel(part) for part in kept["gradients"]])
    assert np.abs(found).max() > 0.01
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)
    assert float(logs["generator_loss_data"] + logs["generator_loss_latent"]) == pytest.approx(np.mean(losses))
    assert losses[0] != pytest.approx(losses[1], rel=1e-3)


def test_the_held_out_loss_of_a_student_is_its_density_over_that_of_its_teacher(student):
    """Breaks when the two are exchanged, the latent numbers are not normal, or the sum is not shared among voxels."""
    showers, condition, uniform = batch()
    latent = ndtri(uniform.astype("f8"))
    _, layers = noisy_by_hand(showers, uniform, 50.0 / 1e5)
    own, taught = (model.get_layer(VOXEL_FLOW) for model in (student.generator, student.teacher))
    context = own.get_layer(CONTEXT)([condition.astype("f8"), layers])
    drawn = to_features(own, latent, context).value
    expected = (log_density(own, drawn, context) - log_density(taught, drawn, context)).numpy() / 5
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(student.held_out_loss(showers, condition, uniform), expected, rtol=1e-3, atol=1e-6)


def teacher_at(path):
    """Run folder of a teacher with checkpoints 2, the best one, and 4."""
    path.mkdir()
    run = RunFolder(path)
    write_json(path / "config.json", get_experiment("caloflow_photon").to_dict())
    store = CheckpointStore(run.checkpoints, keep=9)
    for iteration in (2, 4):
        store.save(tf.train.Checkpoint(number=tf.Variable(float(iteration))), iteration)
    store.mark_best(2)
    return run


def record_of(run):
    return teacher_record(get_experiment("caloflow_photon_student").with_values({"training.teacher": str(run.path)}))


def test_a_teacher_is_its_best_checkpoint_wherever_it_lies(tmp_path):
    """Breaks when the newest checkpoint is recorded, a moved teacher is refused, or a changed one taken."""
    teacher = teacher_at(tmp_path / "teacher")
    record = record_of(teacher)
    files = {path.name: path for path in (teacher.checkpoints / "2").iterdir() if path.name != "manifest.json"}
    assert record["sha256"] == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    assert (record["run"], record["iteration"]) == (str(teacher.path.resolve()), 2)
    assert teacher_record(get_experiment("caloflow_photon")) is None

    (tmp_path / "student").mkdir()
    student = RunFolder(tmp_path / "student")
    write_json(student.path / "data.json", {"teacher": record})
    moved = RunFolder(tmp_path / "moved")
    shutil.copytree(teacher.path, moved.path)
    require_same_teacher(student, record_of(moved))
    # other numbers at the same iteration, then another iteration
    CheckpointStore(moved.checkpoints, keep=9).save(tf.train.Checkpoint(number=tf.Variable(3.0)), 2)
    with pytest.raises(RunFolderError) as caught:
        require_same_teacher(student, record_of(moved))
    message = str(caught.value)
    assert "\n" not in message
    assert f"checkpoint 2 of {teacher.path.resolve()}, now 2 of {moved.path.resolve()}" in message
    CheckpointStore(teacher.checkpoints, keep=9).mark_best(4)
    with pytest.raises(RunFolderError, match="now 4 of"):
        require_same_teacher(student, record_of(teacher))
    with pytest.raises(RunFolderError, match="now none"):
        require_same_teacher(student, None)
