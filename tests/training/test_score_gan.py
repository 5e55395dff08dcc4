"""Hinge and Wasserstein steps on the LHCb networks: terms, instance noise, what an update may change, resume."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.config import WganGpTraining
from calosim_tf.config.hinge_training import HingeTraining
from calosim_tf.config.lhcb_network import LhcbGanNetwork
from calosim_tf.errors import ConfigError
from calosim_tf.latents import draw_latents
from calosim_tf.models.lhcb_gan import build_critic, build_generator
from calosim_tf.training import random
from calosim_tf.training.algorithms.hinge import HingeModel
from calosim_tf.training.algorithms.score_gan import FIRST_NOISE_DRAW
from calosim_tf.training.algorithms.wasserstein import WassersteinGpModel
from calosim_tf.training.build import build_optimizer, tracked_state

BATCH = 6
NETWORK = LhcbGanNetwork(
    generator_filters=(8, 8, 8, 8), critic_filters=(8, 8, 8, 8), critic_units=(6,), attention="one_each",
    spectral_norm_generator=True, spectral_norm_critic=True,
)  # fmt: skip
PLAIN = LhcbGanNetwork(generator_filters=(8, 8, 8, 8), critic_filters=(8, 8, 8, 8), critic_units=(6,))
HINGE = HingeTraining(batch_size=BATCH)
WASSERSTEIN = WganGpTraining(batch_size=BATCH, critic_steps=2, penalty_weight=0.1)


def made(training, network=NETWORK, seed=5):
    kind = HingeModel if isinstance(training, HingeTraining) else WassersteinGpModel
    networks = {"generator": build_generator(network, seed), "critic": build_critic(network, seed + 5_000)}
    model = kind(networks, None, network.latent, training, seed)
    model.compile({name: build_optimizer(training, name) for name in model.networks})
    return model


def batch(training, iteration=0):
    rng = np.random.default_rng(iteration)
    rows = training.showers_per_iteration
    showers = np.log1p(rng.gamma(0.2, 20.0, (rows, 30, 30, 1))).astype("f4")
    return tf.constant(showers), tf.constant(rng.normal(size=(rows, 5)).astype("f4"))


def step(model, iteration=0):
    if not hasattr(model, "traced_step"):
        model.traced_step = tf.function(model.train_step)  # once per model: tracing is what takes the time
    return {k: float(v) for k, v in model.traced_step(batch(model.training_config, iteration)).items()}


def values(network):
    return [v.numpy() for v in network.variables]


@pytest.mark.parametrize(
    ("training", "network"),
    [
        (HINGE, NETWORK),
        pytest.param(
            dataclasses.replace(HINGE, instance_noise=0.01, critic_steps=1),
            dataclasses.replace(NETWORK, spectral_norm="addons"),
            marks=pytest.mark.addons,
        ),
        (dataclasses.replace(WASSERSTEIN, penalty="local", instance_noise=0.01), PLAIN),
    ],
)
@pytest.mark.slow
def test_an_iteration_moves_every_kernel_of_both_networks_and_stays_finite(training, network):
    """Breaks when a network, a wrapped layer or an attention block gets no gradient, or a guard is lost."""
    model = made(training, network)
    before = {name: values(getattr(model, name)) for name in ("generator", "critic")}
    for iteration in range(2):  # gamma starts at 0, so attention moves in the second iteration only
        logs = step(model, iteration)
    assert np.isfinite(list(logs.values())).all()
    for name, start in before.items():
        for variable, old in zip(getattr(model, name).variables, start, strict=True):
            assert np.isfinite(variable.numpy()).all(), variable.name
            if "kernel" in variable.name or "gamma" in variable.name:
                assert not np.array_equal(variable.numpy(), old), variable.name
    assert int(model.optimizers["critic"].iterations) == 2 * training.critic_steps
    assert int(model.optimizers["generator"].iterations) == 2


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_hinge_terms_are_those_of_the_critic_on_what_it_is_shown(noise):
    """Breaks when noise misses real or generated showers, is the same for both, has another size, or a term another
    sign or margin."""
    model = made(dataclasses.replace(HINGE, instance_noise=noise))
    real, condition = batch(HINGE)
    fake = model.generator({"latent": tf.constant(draw_latents(NETWORK.latent, 1, 0, BATCH)), "condition": condition})
    shown = []
    for offset, showers in enumerate((real, fake)):
        draw = FIRST_NOISE_DRAW + 1 + offset
        shown.append(showers + random.normal(showers.shape, 5, model.iteration, draw, 0.0, 1.0) * noise)
    scores = [model.critic({"showers": x, "condition": condition}).numpy() for x in shown]
    logs = model.critic_losses(real, fake, condition, 1)
    expected = [np.maximum(1 - scores[0], 0).mean(), np.maximum(1 + scores[1], 0).mean()]
    np.testing.assert_allclose(logs["critic_loss_real"], expected[0], rtol=1e-4)
    np.testing.assert_allclose(logs["critic_loss_fake"], expected[1], rtol=1e-4)


def seen_by_the_critic(model, iterations):
    """Inputs of the critic's calls in eager iterations on the same batch."""
    seen, score = [], model.critic

    def spy(inputs, training):
        seen.append(inputs["showers"].numpy())
        return score(inputs, training=training)

    spy.trainable_variables = score.trainable_variables
    # the guard looks at all of a network, the optimisers at its layers
    spy.variables, spy.layers = score.variables, score.layers
    data = batch(model.training_config)
    model.networks["critic"] = spy
    for _ in range(iterations):
        model.train_step(data)
    model.networks["critic"] = score
    return seen, data[0].numpy()


@pytest.mark.slow
def test_instance_noise_is_new_in_every_update_and_does_not_pile_up():
    """Breaks when the noise is frozen into the graph, shared by updates, or added to the already noisy minibatch."""
    std = 0.5
    seen, real = seen_by_the_critic(made(dataclasses.replace(HINGE, instance_noise=std)), iterations=2)
    assert [len(x) for x in seen] == [2 * BATCH, 2 * BATCH, 2 * BATCH, BATCH] * 2
    noise = [x[:BATCH] - real for x in seen if len(x) == 2 * BATCH]
    for first in range(6):
        assert noise[first].std() == pytest.approx(std, rel=0.05)
        for second in range(first):
            assert abs(np.corrcoef(noise[first].ravel(), noise[second].ravel())[0, 1]) < 0.06
    # generated cells are cut at 0 by the generator, so negative ones are noise: in the generator's update too
    assert (seen[0][BATCH:] < 0).mean() > 0.1
    assert (seen[3] < 0).mean() > 0.1
    assert not np.array_equal(seen[3], seen[7])
    quiet, _ = seen_by_the_critic(made(HINGE), iterations=1)
    assert all((x >= 0).all() for x in quiet)
    np.testing.assert_array_equal(quiet[0][:BATCH], real)


@pytest.mark.slow
def test_a_resumed_run_is_the_uninterrupted_one_bit_by_bit(tmp_path):
    """Breaks when noise, latents or the vectors of spectral normalisation are not functions of what is saved."""
    training = dataclasses.replace(HINGE, instance_noise=0.3, critic_steps=1)
    # attention has neither randomness nor state, and makes tracing long
    network = dataclasses.replace(NETWORK, attention="none")
    whole, resumed = made(training, network), made(training, network)
    for iteration in range(2):
        step(whole, iteration)
    path = tracked_state(whole).write(str(tmp_path / "state"))
    step(whole, 2)
    step(resumed, 9)  # anything but the start
    tracked_state(resumed).read(path).assert_consumed()
    step(resumed, 2)
    for name in ("generator", "critic"):
        for a, b in zip(values(getattr(whole, name)), values(getattr(resumed, name)), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", ["own", pytest.param("addons", marks=pytest.mark.addons)])
@pytest.mark.parametrize("training", [HINGE, WASSERSTEIN], ids=["hinge", "wasserstein"])
@pytest.mark.slow
def test_the_generator_update_leaves_the_critic_as_it_is(training, kind):
    """Breaks when the critic is called in training mode there: tensorflow-addons would divide its kernels again."""
    model = made(training, dataclasses.replace(NETWORK, spectral_norm=kind))
    before = values(model.critic)
    model.generator_update(batch(training)[1][:BATCH], 40)
    for old, new in zip(before, values(model.critic), strict=True):
        np.testing.assert_array_equal(old, new)


def test_the_penalty_is_taken_where_the_setting_says():
    """Breaks when ``local`` still mixes in generated showers, or its noise has another size or none."""
    real, fake = tf.zeros((BATCH, 30, 30, 1)), tf.ones((BATCH, 30, 30, 1))
    local = made(dataclasses.replace(WASSERSTEIN, penalty="local", penalty_noise=0.2), PLAIN)
    points = local._penalty_points(real, fake, 1).numpy()
    assert points.std() == pytest.approx(0.2, rel=0.05)
    assert abs(points.mean()) < 0.02
    mixed = made(WASSERSTEIN, PLAIN)._penalty_points(real, fake, 1).numpy().reshape(BATCH, -1)
    assert (mixed == mixed[:, :1]).all()
    assert (mixed > 0).all()


def test_published_settings_are_the_defaults():
    """Breaks when a number of the paper (batch, rates, critic steps) or of the authors' code (betas) drifts."""
    found = HingeTraining()
    assert (found.batch_size, found.critic_steps, found.learning_rate_critic, found.learning_rate_generator) == (
        512, 3, 4e-4, 1e-4,
    )  # fmt: skip
    assert (found.beta1_critic, found.beta1_generator, found.beta2_critic, found.beta2_generator) == (
        0,
        0,
        0.999,
        0.999,
    )
    assert found.showers_per_iteration == 512
    assert found.instance_noise == 0.0


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        (HingeTraining, "instance_noise", -0.1),
        (HingeTraining, "algorithm", "wgan_gp"),
        (WganGpTraining, "penalty", "global"),
        (WganGpTraining, "penalty_noise", -1.0),
        (WganGpTraining, "instance_noise", -1.0),
    ],
)
def test_settings_that_mean_nothing_are_refused_by_name(kind, key, value):
    """Breaks when a misspelt penalty falls back to a default, or the message does not name the key."""
    with pytest.raises(ConfigError, match=f"training.{key}"):
        kind(**{key: value})
