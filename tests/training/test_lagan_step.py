"""The LAGAN step against an independent re-computation in numpy."""

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.config import LaganNetwork, LaganTraining, LatentLaw
from calosim_tf.layers.seeded_dropout import dropout_numbers
from calosim_tf.losses.non_saturating import flipped_labels
from calosim_tf.models.lagan import build_critic, build_generator
from calosim_tf.training import random
from calosim_tf.training.algorithms.apart import DROPOUT_DRAWS
from calosim_tf.training.algorithms.lagan import LaganModel
from calosim_tf.training.build import build_optimizer

# Traces the step of a network of many layers
pytestmark = pytest.mark.slow

BATCH = 8
NETWORK = LaganNetwork(
    latent=LatentLaw(size=5, mean=0.0, std=1.0), seed_channels=2, generator_filters=(3, 2, 2), critic_filters=(2,) * 4,
    minibatch_features=2, minibatch_dimensions=2,
)  # fmt: skip
FLIPS = {"label_flip": 0.3, "class_flip": 0.4, "generator_class_flip": 0.5}


@pytest.fixture(scope="module")
def stepped():
    """Model whose weights hardly move in a step, the batch, and the terms that the step logs."""
    training = LaganTraining(batch_size=BATCH, learning_rate_generator=1e-12, learning_rate_critic=1e-12, **FLIPS)
    networks = {"generator": build_generator(NETWORK, 1), "critic": build_critic(NETWORK, 2)}
    model = LaganModel(networks, None, NETWORK.latent, training, 3)
    model.compile({name: build_optimizer(training, name) for name in model.networks})
    rng = np.random.default_rng(0)
    real = rng.gamma(0.3, 0.02, (BATCH, 25, 25, 1)).astype("f4")
    classes = (np.arange(BATCH) % 2).astype("f4")[:, None]
    start = model.generator.get_weights()
    logs = {name: float(value) for name, value in model.train_step((tf.constant(real), tf.constant(classes))).items()}
    model.iteration.assign(0)
    return model, start, real, classes, logs


def judge(model, jets, first_dropout):
    """Heads of the critic in training mode."""
    with dropout_numbers(lambda shape, index: random.uniform(shape, 3, model.iteration, first_dropout + index)):
        judged = model.critic({"showers": jets}, training=True)
    return {name: value.numpy().astype("f8") for name, value in judged.items()}


def bce(logits, labels):
    p = 1 / (1 + np.exp(-logits))
    return -np.mean(labels * np.log(p) + (1 - labels) * np.log(1 - p))


def drawn(model, shape, draw):
    return random.uniform(shape, 3, model.iteration, draw).numpy()


def flipped(labels, unit, rate):
    return np.where(unit < rate, 1 - labels, labels)


def test_terms_of_the_critic(stepped):
    """Breaks when real and generated jets share a pass, the class of real ones is flipped, or fakes are of training."""
    model, start, real, classes, logs = stepped
    flips = drawn(model, (3, BATCH, 1), 2)
    judged = judge(model, real, 3)
    assert logs["critic_loss_real"] == pytest.approx(bce(judged["score"], flipped(1.0, flips[0], 0.3)), rel=1e-4)
    assert logs["critic_loss_class_real"] == pytest.approx(bce(judged["signal"], classes), rel=1e-4)
    wanted = (drawn(model, (BATCH, 1), 1) < 0.5).astype("f4")
    assert 0 < wanted.sum() < BATCH
    moved = model.generator.get_weights()
    model.generator.set_weights(start)
    fake = model.generator({"latent": model.draw_latent(BATCH, 0), "condition": wanted}, training=False)
    model.generator.set_weights(moved)
    judged = judge(model, fake, 3 + DROPOUT_DRAWS)
    assert logs["critic_loss_fake"] == pytest.approx(bce(judged["score"], flipped(0.0, flips[1], 0.3)), rel=1e-4)
    expected = bce(judged["signal"], flipped(wanted, flips[2], 0.4))
    assert logs["critic_loss_class_fake"] == pytest.approx(expected, rel=1e-4)
    assert logs["class_accuracy_fake"] == pytest.approx(((judged["signal"] > 0) == (wanted > 0.5)).mean())


def test_terms_of_the_generator(stepped):
    """Breaks when both updates share a latent, a real/generated label is flipped there, or the class is not."""
    model, _, _, _, logs = stepped
    first = model.CRITIC_DRAWS
    adversarial, of_class = [], []
    for draw in (first, first + model.GENERATOR_DRAWS):
        wanted = (drawn(model, (BATCH, 1), draw + 1) < 0.5).astype("f4")
        fake = model.generator({"latent": model.draw_latent(BATCH, draw), "condition": wanted}, training=True)
        judged = judge(model, fake, draw + 3)
        adversarial.append(bce(judged["score"], 1.0))
        of_class.append(bce(judged["signal"], flipped(wanted, drawn(model, (BATCH, 1), draw + 2), 0.5)))
    assert adversarial[0] != pytest.approx(adversarial[1], rel=1e-3)
    assert logs["generator_loss_adversarial"] == pytest.approx(np.mean(adversarial), rel=1e-3)
    assert logs["generator_loss_class"] == pytest.approx(np.mean(of_class), rel=1e-3)


def test_the_authors_rates_of_flips():
    """Breaks when a default drifts, or a class is set instead of exchanged: 5, 5 and 9 %, of both classes alike."""
    training = LaganTraining()
    rates = (training.label_flip, training.class_flip, training.generator_class_flip)
    assert rates == (0.05, 0.05, 0.09)
    unit = random.uniform((100_000, 1), 1, tf.constant(0), 0)
    for label in (0.0, 1.0):
        for rate in rates:
            changed = flipped_labels(tf.fill((100_000, 1), label), unit, rate).numpy() != label
            assert changed.mean() == pytest.approx(rate, abs=0.003)
