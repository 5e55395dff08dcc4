"""Training steps in 16 bits: which numbers stay in 32, and how losses are scaled in float16."""

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.errors import ConfigError
from calosim_tf.keras_compat import raw
from calosim_tf.training import loss_scale
from calosim_tf.training.build import build_model, state_variables, tracked_state
from calosim_tf.training.matching import read_matched, variables_below

# Each traces two or more models.
pytestmark = pytest.mark.slow

AVERAGE = {"training.generator_average": 0.5}


def model_of(tiny, precision, **settings):
    values = {"training.precision": precision, **AVERAGE, **settings}
    return build_model(tiny.with_values(values))


def batch_of(tiny, seed=0):
    rng, rows = np.random.default_rng(seed), tiny.training.batch_size * tiny.training.critic_steps
    showers, condition = rng.gamma(0.3, 0.01, (rows, 368)), rng.random((rows, 1))
    return tf.constant(showers, tf.float32), tf.constant(condition, tf.float32)


def state_of(model):
    return {name: variable.numpy() for name, variable in variables_below(tracked_state(model))}


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_a_step_is_the_one_of_float32_but_for_rounding(tiny, precision):
    """Breaks when a network is not reduced, or when weights, losses or the average are."""
    exact, reduced = model_of(tiny, "float32"), model_of(tiny, precision)
    for name, value in state_of(exact).items():
        np.testing.assert_array_equal(state_of(reduced)[name], value, err_msg=name)
    batch = batch_of(tiny)
    expected = {name: float(term) for name, term in tf.function(exact.train_step)(batch).items()}
    terms = tf.function(reduced.train_step)(batch)
    assert {term.dtype for term in terms.values()} == {tf.float32}
    found = {name: float(term) for name, term in terms.items()}
    scale = max(map(abs, expected.values()))
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=0.02 * scale), name
    assert found != expected
    assert {variable.dtype for variable in state_variables(reduced) if variable.dtype.is_floating} == {tf.float32}
    assert reduced.average.get_layer("hidden_1").compute_dtype == "float32"
    assert reduced.critic.get_layer("hidden_1").compute_dtype == precision.removeprefix("mixed_")
    assert reduced.guard.first_fault() is None


def test_a_precision_that_changes_nothing_is_refused(tiny, monkeypatch):
    """Breaks when networks whose layers are all unknown claim to train in 16 bits."""
    monkeypatch.setattr("calosim_tf.layers.precision.MULTIPLYING", ())
    with pytest.raises(ConfigError, match=r"training.precision: found mixed_bfloat16, which no layer of the family"):
        model_of(tiny, "mixed_bfloat16")


def test_checkpoints_are_those_of_float32(tiny, tmp_path):
    """Breaks when weights trained in 16 bits cannot be judged, exported or trained on in 32."""
    exact, reduced = model_of(tiny, "float32"), model_of(tiny, "mixed_bfloat16")
    tf.function(reduced.train_step)(batch_of(tiny))
    path = tracked_state(reduced).write(str(tmp_path / "state"))
    read_matched(tracked_state(exact), path)
    for name, value in state_of(reduced).items():
        np.testing.assert_array_equal(state_of(exact)[name], value, err_msg=name)


def test_an_overflown_update_is_left_out_and_the_scale_halves(tiny):
    """Breaks when infinite gradients reach a weight, a slot or a count, stop the run, or the scale stays."""
    model = model_of(tiny, "mixed_float16")
    for scale in model.loss_scales.values():
        scale.state["scale"].assign(2.0**120)
    before, step = state_of(model), tf.function(model.train_step)
    step(batch_of(tiny))
    assert model.guard.first_fault() is None
    updates = {"critic": tiny.training.critic_steps, "generator": 1}
    for name, value in state_of(model).items():
        if name.startswith("loss_scale"):
            continue
        if not name.startswith(("average", "iteration")):
            np.testing.assert_array_equal(value, before[name], err_msg=name)
    for name, scale in model.loss_scales.items():
        assert scale.state["scale"].numpy() == 2.0 ** (120 - updates[name])


def test_the_scale_does_not_change_the_update(tiny):
    """Breaks when gradients are not divided by what the loss was multiplied by."""
    weights = []
    for power in (8, 12):
        model = model_of(tiny, "mixed_float16", **{"training.epsilon": 1e-3})
        for scale in model.loss_scales.values():
            scale.state["scale"].assign(2.0**power)
        start = [raw(weight).numpy() for weight in model.critic.trainable_variables]
        tf.function(model.train_step)(batch_of(tiny))
        weights.append(
            [raw(weight).numpy() - a for weight, a in zip(model.critic.trainable_variables, start, strict=True)]
        )
    steps = [np.concatenate([part.ravel() for part in one]) for one in weights]
    assert np.abs(steps[0]).max() > 1e-5
    np.testing.assert_allclose(steps[0], steps[1], atol=0.03 * np.abs(steps[0]).max())


def test_the_scale_doubles_after_sound_updates(tiny, monkeypatch):
    """Breaks when the scale only falls, so that a run ends with gradients of 0."""
    monkeypatch.setattr(loss_scale, "SOUND_UPDATES", 3)
    model = model_of(tiny, "mixed_float16")
    step, found = tf.function(model.train_step), []
    for _ in range(4):
        step(batch_of(tiny))
        state = model.loss_scales["generator"].state
        found.append((state["scale"].numpy() / loss_scale.FIRST_SCALE, int(state["sound_updates"].numpy())))
    assert found == [(1.0, 1), (1.0, 2), (2.0, 0), (2.0, 1)]


def test_a_fault_that_no_scale_can_help_is_still_found(tiny):
    """Breaks when a run with infinite gradients goes on for ever."""
    model = model_of(tiny, "mixed_float16")
    for scale in model.loss_scales.values():
        scale.state["scale"].assign(1.0)
    step, (showers, condition) = tf.function(model.train_step), batch_of(tiny)
    step((showers * 1e30, condition))
    assert model.guard.first_fault() is not None
