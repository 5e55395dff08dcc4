"""CaloFlow in its real loop: two stages, likelihood selection, and a student that learns from a teacher."""

import math
from dataclasses import replace
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.config import CaloFlowDistillation, CaloFlowTraining, LatentLaw
from calosim_tf.data.bundled import bundled_sample
from calosim_tf.data.schema import ShowerSet
from calosim_tf.data.source import load_source
from calosim_tf.errors import ConfigError
from calosim_tf.experiments import get_experiment
from calosim_tf.export.options import ExportOptions
from calosim_tf.export.write import export
from calosim_tf.geometry import get_detector
from calosim_tf.keras_compat import apply_gradients, make_slots, raw
from calosim_tf.layers.flows.masked_spline import MaskedSpline
from calosim_tf.layers.flows.passes import flow_steps
from calosim_tf.layers.seeded_dropout import SeededDropout
from calosim_tf.models.caloflow import ENERGY_FLOW, VOXEL_FLOW, build_generator
from calosim_tf.physics.metrics.comparison import compare
from calosim_tf.physics.metrics.likelihood import likelihood_metric
from calosim_tf.training.algorithms.caloflow import FlowModel
from calosim_tf.training.algorithms.caloflow_student import CaloFlowStudent
from calosim_tf.training.build import build_optimizer
from calosim_tf.training.cycles import FlowSchedule, cycled_beta1
from calosim_tf.training.flow_density import loss_per_voxel
from calosim_tf.training.inspection.density import loss_of
from calosim_tf.training.load import load_generator
from calosim_tf.training.parts import prepare
from calosim_tf.training.run_folder import RunFolder
from calosim_tf.training.train import train

NETWORK = {
    "network.energy_blocks": 1,
    "network.energy_hidden_layers": 1,
    "network.energy_units": 5,
    "network.voxel_blocks": 3,
    "network.voxel_units": 6,
}
SMALL = NETWORK | {
    "training.batch_size": 8,
    "training.iterations": 8,
    "training.checkpoint_every": 2,
    "training.log_every": 1,
    "data.energy_max_mev": 1024.0,
    "run.seed": 5,
    "run.keep_checkpoints": 9,
}
TEACHER = SMALL | {
    "training.energy_iterations": 3,
    "training.energy_batch_size": 12,
    "training.schedule_iterations_energy_flow": 3,
    "training.schedule_iterations": 4,
}
STUDENT = SMALL | {
    "training.schedule_iterations": 8,
    "training.summed_batches": (1, 2),
    "training.summed_iterations": (3,),
}


@pytest.fixture(scope="module")
def source():
    experiment = get_experiment("caloflow_photon")
    fraction = experiment.data.holdout_fraction
    return load_source(
        bundled_sample("photon"), get_detector("photon"), energy_max_mev=1024.0, holdout_fraction=fraction
    )


@pytest.fixture(scope="module")
def teacher(runs, source, tmp_path_factory):
    experiment = get_experiment("caloflow_photon").with_values(TEACHER)
    return runs.trained(experiment, source, RunFolder(tmp_path_factory.mktemp("caloflow") / "teacher"))


@pytest.fixture(scope="module")
def student(runs, source, teacher, tmp_path_factory):
    experiment = student_of(teacher.path)
    return runs.trained(experiment, source, RunFolder(tmp_path_factory.mktemp("caloflow") / "student"))


def student_of(path, **more):
    return get_experiment("caloflow_photon_student").with_values(STUDENT | {"training.teacher": str(path)} | more)


@pytest.mark.slow
@pytest.mark.parametrize("cut", [2, 4])
def test_a_resumed_teacher_is_the_uninterrupted_one_on_either_side_of_the_border(runs, source, teacher, tmp_path, cut):
    """Breaks if noise, dropout or a schedule depends on more than the iteration."""
    runs.require_equal_when_resumed(source, teacher, tmp_path, cut)


@pytest.mark.slow
def test_a_resumed_student_is_the_uninterrupted_one(runs, source, student, tmp_path):
    """Breaks if minibatches whose gradients are added draw other numbers, or the copied flow is lost."""
    runs.require_equal_when_resumed(source, student, tmp_path, 4)


@pytest.mark.slow
def test_each_stage_trains_its_flow_alone(runs, teacher):
    """Breaks if the flow of the energies goes on learning, or the other one begins early."""
    first, border, last = (runs.state(teacher, iteration) for iteration in (2, 4, 8))

    def changed(before, after, part):
        names = [name for name in after if f"/{part}/" in f"/{name}" and name.endswith("output_kernel")]
        assert names
        return {not np.array_equal(before[name], after[name]) for name in names}

    parts = {name.split("/")[0] for name in last if name.endswith("output_kernel")}
    assert "generator" in parts
    inner = {"/".join(name.split("/")[:2]) for name in last if name.endswith("output_kernel")}
    energy, voxel = sorted(inner, key=lambda part: sum(part in name for name in last))[:2]
    assert changed(border, last, energy) != changed(border, last, voxel)
    assert first.keys() == last.keys()


@pytest.mark.slow
def test_the_teacher_is_selected_by_its_likelihood(teacher, source):
    """Breaks if the first stage is judged, or the row with the highest loss is chosen."""
    rows = teacher.selection.rows()
    assert [int(row["iteration"]) for row in rows] == [4, 6, 8]
    losses = [float(row["held_out_loss"]) for row in rows]
    assert [row["chosen"] for row in rows] == ["1" if loss == min(losses) else "0" for loss in losses]
    generator, (iteration,) = load_generator(teacher)
    assert iteration == int(rows[int(np.argmin(losses))]["iteration"])
    chosen = source.holdout_rows[:50]
    energy = source.incident_energy_mev[chosen]
    showers = generator.normalisation.to_network(source.read(chosen), energy)
    uniform = np.random.default_rng(1).random(showers.shape).astype("f4")
    loss = loss_per_voxel(generator.network, showers, generator.condition(energy), uniform, 1e-8).numpy()
    # of other showers and another noise
    assert loss.mean() == pytest.approx(min(losses), rel=0.05)


@pytest.mark.slow
def test_showers_have_the_energies_of_the_first_flow(teacher, student):
    """Breaks if a layer misses its energy, or the student does not have its teacher's flow of the energies."""
    made = []
    for run in (teacher, student):
        generator, _ = load_generator(run)
        energy = np.repeat([256.0, 1024.0], 10)
        latent = np.random.default_rng(3).normal(size=(20, generator.latent.size)).astype("f4")
        flow = generator.network.get_layer(ENERGY_FLOW)
        layers = flow({"latent": latent[:, :5], "condition": generator.condition(energy)}).numpy()
        showers = generator.apply(latent, generator.condition(energy)).numpy()
        sums = np.add.reduceat(np.abs(showers), generator.detector.offsets[:-1], axis=1)
        np.testing.assert_allclose(sums, layers, rtol=1e-4, atol=1e-12)
        made.append(layers)
    np.testing.assert_array_equal(*made)


@pytest.mark.slow
def test_a_student_needs_a_teacher_of_the_same_permutations(runs, source, teacher, student, tmp_path):
    """Breaks if states are compared that belong to different voxels."""
    for number, (path, more, words) in enumerate(
        (
            (teacher.path, {"network.permutation_seed": 3}, "other permutations or blocks"),
            (student.path, {}, "a student, or a teacher in the place"),
        )
    ):
        run = RunFolder(tmp_path / str(number))
        with pytest.raises(ConfigError, match=words):
            runs.trained(student_of(path, **more), source, run)


def toy_pair():
    """Teacher and student of 14 voxels, both with kernels of 0 and the same bias of the last layer."""
    network = get_experiment("caloflow_photon").with_values(NETWORK | {"network.detector": "calogan_central"}).network
    pair = []
    for role in ("teacher", "student"):
        built = build_generator(replace(network, role=role, precision="float64", dropout=0.0))
        rng = np.random.default_rng(4)
        blocks = [step for step in flow_steps(built.get_layer(VOXEL_FLOW)) if isinstance(step, MaskedSpline)]
        for block in blocks:
            block.set_weights([np.zeros_like(weight) for weight in block.get_weights()])
            block.output_bias.assign(rng.normal(size=block.output_bias.shape))
        pair.append(built)
    return network, *pair


@pytest.fixture(scope="module")
def distilled():
    network, teacher, own = toy_pair()
    training = CaloFlowDistillation(batch_size=6, iterations=4)
    model = CaloFlowStudent(
        {"generator": own}, None, LatentLaw(size=network.latent.size, mean=0.0, std=1.0), training, 3,
        np.array([[0.01], [0.5], [1.0]], dtype="f4"),
    )  # fmt: skip
    model.learn_from(teacher)
    return model, teacher, own


@pytest.mark.slow
def test_a_perfect_student_makes_the_showers_of_its_teacher(distilled):
    """Breaks if blocks or permutations of the student stand in another order, or a spline is not inverted."""
    _, teacher, own = distilled
    latent = np.random.default_rng(1).normal(size=(5, 3 + 504)).astype("f4")
    inputs = {"latent": latent, "condition": np.full((5, 1), 0.3, dtype="f4")}
    showers = teacher(inputs).numpy()
    assert len(np.unique(showers[:, 100])) == 5
    np.testing.assert_allclose(own(inputs), showers, rtol=1e-6, atol=1e-12)


@pytest.mark.slow
def test_nothing_is_left_to_learn_for_a_perfect_student(distilled):
    """Breaks if states or parameters are compared with those of another block, or an end is compared with itself."""
    model, _, own = distilled
    showers = tf.constant(np.random.default_rng(2).exponential(size=(6, 504)) * 1e-4, tf.float32)
    condition = tf.fill((6, 1), 0.4)
    terms = model._terms(showers, condition, model.iteration)
    assert max(abs(float(term)) for term in terms.values()) < 1e-6
    (last,) = [step for step in flow_steps(own.get_layer(VOXEL_FLOW)) if step.name == "block_2"]
    before = last.output_bias.numpy()
    shifted = before.copy()
    shifted[3] += 0.1
    last.output_bias.assign(shifted)
    terms = model._terms(showers, condition, model.iteration)
    # half of: 0.01 of the one parameter, and what it does to the states behind it
    assert float(terms["generator_loss_data"]) > 0.005
    assert float(terms["generator_loss_latent"]) > 0.005
    last.output_bias.assign(before)


def test_gradients_of_minibatches_are_added():
    """Breaks if they are averaged, or the last minibatch is left out."""
    from calosim_tf.training.model import GenerativeModel

    inputs = {"latent": keras.Input((1,), name="latent"), "condition": keras.Input((1,), name="condition")}
    x = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")(inputs["latent"])
    network = keras.Model(inputs, x)
    training = CaloFlowTraining(learning_rate_generator=0.5, optimizer_generator="rmsprop", beta1_generator=0.0)
    model = GenerativeModel({"generator": network}, None, LatentLaw(size=1), training, 1)
    gradients = []

    def keep(which, logs, found, owned):
        gradients.extend(found)
        return logs

    model._learn = keep
    values = tf.constant([[1.0], [2.0], [4.0]])

    def losses(index):
        made = network({"latent": values[index : index + 1], "condition": tf.zeros((1, 1))})
        return {"generator_loss_a": tf.reduce_sum(made), "other": tf.cast(index, tf.float32)}

    logs = tf.function(lambda: model.minimise_sum(losses, 3, "generator"))()
    assert float(logs["generator_loss_a"]) == pytest.approx(7.0 / 3)
    assert float(logs["other"]) == pytest.approx(1.0)


def rates(training, network, steps):
    schedule = FlowSchedule(training, network)
    return [float(schedule(tf.constant(step))) for step in steps]


def test_the_schedules_are_those_of_pytorch():
    """Values of torch.optim.lr_scheduler, worked out by hand at the turns."""
    cycle = CaloFlowTraining(
        schedule="one_cycle", schedule_iterations=100, learning_rate_generator=1.0, schedule_energy_flow="constant"
    )
    # 40 % up, 40 % down, and down to 1/25 x 1e-4: turns at 39, 78 and 99
    expected = [0.04, 0.52, 1.0, 0.52, 0.04, 0.04 * 1e-4, 0.04 * 1e-4]
    np.testing.assert_allclose(rates(cycle, "generator", [0, 19.5, 39, 58.5, 78, 99, 150]), expected, rtol=1e-4)
    beta = cycled_beta1(cycle, "generator")
    np.testing.assert_allclose([float(beta(step)) for step in (0, 39, 78, 99)], [0.95, 0.85, 0.95, 0.95], rtol=1e-6)
    triangles = CaloFlowTraining(
        schedule="triangular", schedule_iterations=10, schedule_floor=0.1, learning_rate_generator=1.0
    )
    expected = [0.1, 0.55, 1.0, 0.1, 0.55, 0.325]
    np.testing.assert_allclose(rates(triangles, "generator", [0, 2.5, 5, 10, 15, 25]), expected, rtol=1e-5)
    steps = CaloFlowTraining(schedule="steps", step_iterations=(3, 6), learning_rate_generator=1.0)
    np.testing.assert_allclose(rates(steps, "generator", [0, 2, 3, 5, 6, 99]), [1, 1, 0.5, 0.5, 0.25, 0.25])


def test_each_use_of_a_flow_has_dropout_numbers_of_its_own():
    """Breaks if two passes of one minibatch drop the same units."""
    drawn = []
    model = SimpleNamespace(
        draws=SimpleNamespace(uniform=lambda shape, draw, count: drawn.append(draw) or tf.ones(shape))
    )
    layers = [SeededDropout(0.5, index) for index in (0, 255)]
    for use in (0, 1, 2):
        with FlowModel.dropout(model, use):
            for layer in layers:
                layer(tf.ones((2, 2)), training=True)
    assert drawn == [1024, 1279, 1280, 1535, 1536, 1791]


def test_adam_takes_the_cycled_momentum():
    """Breaks if beta1 stays where it began: the first two updates then have another ratio."""
    training = CaloFlowTraining(
        schedule="one_cycle", schedule_iterations=10, learning_rate_generator=1.0, cycle_begin=1.0, epsilon=1e-12
    )
    optimizer = build_optimizer(training, "generator")
    layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    layer.build((None, 1))
    variable = layer.kernel
    make_slots(optimizer, [variable])
    gradients, moved = [1.0, -1.0], []
    for gradient in gradients:
        before = raw(variable).numpy()[0, 0]
        apply_gradients(optimizer, [tf.constant([[gradient]])], [variable])
        moved.append(before - raw(variable).numpy()[0, 0])
    beta = [float(cycled_beta1(training, "generator")(step)) for step in (0, 1)]
    first = (1 - beta[0]) * 1.0
    second = beta[1] * first + (1 - beta[1]) * -1.0
    expected = [1.0, second / (1 - beta[1] ** 2) / math.sqrt(1.0)]
    np.testing.assert_allclose(moved, expected, rtol=1e-4)


def test_the_parts_of_a_distillation_add_up_minibatches():
    training = get_experiment("caloflow_eplus_student").training
    found = [(stage.first, stage.last, stage.showers_per_iteration) for stage in training.stages]
    # 350 minibatches of an epoch: 175, 87, 43 and 21 updates; 10, 30, 30 and 30 epochs
    assert found == [(0, 1750, 400), (1750, 4360, 800), (4360, 5650, 1600), (5650, 6280, 3200)]
    assert training.step_iterations == (1750, 4360, 5650)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"network.role": "pupil"}, r"network\.role: found 'pupil', expected one of teacher, student"),
        ({"network.alpha": 0.5}, r"network\.alpha: found 0\.5, expected a number below 0\.5"),
        ({"network.detector": "lhcb"}, r"network\.detector: found lhcb with one layer"),
        ({"training.schedule": "steep"}, r"training\.schedule: found 'steep'"),
        ({"training.step_iterations": (5, 3)}, r"training\.step_iterations: found \(5, 3\), expected ascending"),
        ({"training.voxel_noise_mev": 0.0}, r"training\.voxel_noise_mev: found 0\.0, expected a number > 0"),
    ],
)
def test_settings_that_no_flow_can_have_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        get_experiment("caloflow_photon").with_values(settings)


def test_other_models_have_no_likelihood_to_be_selected_by(tiny, tmp_path):
    source = load_source(bundled_sample("photon"), get_detector("photon"))
    experiment = tiny.with_values({"training.selection": "likelihood"})
    run = RunFolder(tmp_path / "run")
    prepare(experiment, source, run, resume=False, force=False)
    with pytest.raises(ConfigError, match=r"training\.selection: found likelihood for training\.algorithm = wgan_gp"):
        train(experiment, source, run)


@pytest.mark.slow
def test_a_student_is_exported_and_a_teacher_says_why_not(teacher, student, tmp_path):
    """Breaks if a format holds other numbers (an export fails then), or a teacher ends in a traceback."""
    with pytest.raises(ConfigError, match=r"draws one voxel after another, 1104 passes .*train a student") as caught:
        export(teacher, tmp_path / "teacher", ExportOptions(("onnx",)))
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    formats = ("saved_model", "tflite", "onnx")
    sidecar = export(student, tmp_path / "bundle", ExportOptions(formats, batches=(4,)))
    assert sidecar.formats == formats


@pytest.mark.slow
def test_evaluate_measures_the_density_of_a_run(teacher, source):
    """Breaks if both samples get the same value, or the noise differs from that of the training."""
    generator, _ = load_generator(teacher)
    reference = source.holdout_set(60)
    energy = reference.incident_energy_mev
    made = ShowerSet(energy, np.concatenate(list(generator.blocks(energy, 1))), reference.detector, "made")
    comparison = compare(made, reference)
    metric = likelihood_metric(loss_of(generator, teacher.experiment()))
    (found,) = metric.function(comparison, np.random.default_rng(1)).values()
    losses = [float(row["held_out_loss"]) for row in teacher.selection.rows()]
    # of other showers
    assert found.reference_value == pytest.approx(min(losses), rel=0.05)
    assert found.value != found.reference_value
    assert np.isfinite([found.value, found.error]).all()
