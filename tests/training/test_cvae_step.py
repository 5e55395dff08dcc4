"""Autoencoder and refiner: the terms of a step, and which networks each stage changes."""

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.errors import ConfigError
from calosim_tf.experiments import get_experiment
from calosim_tf.training.build import build_model

from .tiny_experiments import CVAE

ROWS = CVAE["training.batch_size"]
CGAN = CVAE | {
    "network.refiner_filters": (3,),
    "network.refiner_windows": (3, 3),
    "network.critic_filters": (3, 4, 4, 5),
    "network.critic_units": (5,),
    "training.cvae_batch_size": ROWS,
    "training.cvae_iterations": 2,
    "training.iterations": 4,
}


def made(name, values):
    return build_model(get_experiment(name).with_values(values))


def batch():
    rng = np.random.default_rng(3)
    showers = np.log1p(rng.gamma(0.2, 20.0, (ROWS, 30, 30, 1))).astype("f4")
    return tf.constant(showers), tf.constant(rng.normal(size=(ROWS, 5)).astype("f4"))


@pytest.mark.parametrize("reconstruction", ["batch_root", "gaussian"])
def test_terms_are_those_of_the_showers_and_the_encoder_s_law(reconstruction):
    """Breaks when the decoder is compared with something else than its own showers, or the weight misses the term."""
    settings = {"training.reconstruction": reconstruction, "training.reference_batch_size": ROWS}
    model = made("lhcb_cvae", CVAE | settings | {"training.divergence_weight": 0.5})
    showers, condition = batch()
    code = model.networks["encoder"]({"showers": showers, "condition": condition}, training=True)
    mean, log = (code[name].numpy().astype("f8") for name in ("mean", "log_variance"))
    latent = mean + np.exp(log / 2) * model.draws.normal((ROWS, 3), 0, 0.0, 1.0).numpy()
    inputs = {"latent": tf.constant(latent, tf.float32), "condition": condition}
    squares = ((model.generator(inputs, training=True) - showers).numpy().astype("f8") ** 2).sum()
    nats = -0.5 * (1 + log - mean**2 - np.exp(log)).sum()
    logs = model.train_step((showers, condition))
    expected = {
        "batch_root": (np.sqrt(squares), nats / 2),
        "gaussian": (squares / ROWS / 2 + 450 * np.log(2 * np.pi), nats / ROWS / 2),
    }[reconstruction]
    found = [float(logs[f"generator_loss_{name}"]) for name in ("reconstruction", "divergence")]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("frozen", "loss", "weight"), [(False, "hinge", 0.1), (True, "hinge", 0.0), (True, "wasserstein", 0.1)]
)
@pytest.mark.slow
def test_each_stage_changes_its_own_networks(frozen, loss, weight):
    """Breaks when the encoder is pulled by the critic, a frozen decoder moves (its moving statistics too), or one that
    is not frozen stays."""
    more = {"training.freeze_cvae": frozen, "training.score_loss": loss, "training.penalty_weight": weight}
    model = made("lhcb_cvae_cgan", CGAN | more)
    decoder = model.generator.get_layer("decoder")

    def state():
        variables = {
            **{name: model.networks[name].variables for name in ("critic", "encoder")},
            "decoder": decoder.trainable_variables,
            "statistics": decoder.non_trainable_variables,
            "refiner": [weight for layer in model.generator.layers if layer is not decoder for weight in layer.weights],
        }
        return {name: [variable.numpy() for variable in found] for name, found in variables.items()}

    changed = []
    for stage in model.training_config.stages:
        model.begin(stage)
        before = state()
        logs = model.train_step(batch())
        assert np.isfinite([float(value) for value in logs.values()]).all()
        assert ("critic_loss_penalty" in logs) == (stage.name == "refiner" and weight > 0)
        after = state()
        changed.append(
            {name for name in after if any((a != b).any() for a, b in zip(after[name], before[name], strict=True))}
        )
    own = {"critic", "refiner"} | (set() if frozen else {"decoder", "statistics"})
    assert changed == [{"decoder", "statistics", "encoder"}, own]


def test_an_autoencoder_with_a_batch_that_replicas_cannot_share_is_one_line():
    """Breaks when the first stage's batch is cut without a word."""
    model = made("lhcb_cvae_cgan", CGAN)
    model.replicas = type("Four", (), {"number": 4})
    with pytest.raises(ConfigError, match=r"training\.cvae_batch_size: found 6, expected a multiple of 4"):
        model.prepare(None, None)
    model.replicas = type("Three", (), {"number": 3})
    model.prepare(None, None)
