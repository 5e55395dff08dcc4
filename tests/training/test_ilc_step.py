"""Steps of the ILD's generators: terms worked out apart, and which networks each stage changes."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.experiments import get_experiment
from calosim_tf.training.algorithms.ilc_gan import IlcGanModel
from calosim_tf.training.build import build_model, build_optimizer

from .tiny_experiments import BIB_AE, ILC_GAN, ILC_WGAN

ROWS = 2
NARROW = {
    "bib_ae_photon_smoke": BIB_AE | {"training.critic_steps": 2},
    "ilc_wgan_photon_smoke": ILC_WGAN,
    "ilc_gan_photon_smoke": ILC_GAN,
}


def made(name, **settings):
    values = {"training.batch_size": ROWS} | {f"training.{key}": value for key, value in settings.items()}
    return build_model(get_experiment(name).with_values(NARROW[name] | values))


def batch(rows=ROWS):
    rng = np.random.default_rng(3)
    showers = rng.gamma(0.05, 2.0, (rows, 30, 30, 30, 1)).astype("f4")
    return tf.constant(showers), tf.constant(rng.uniform(10.0, 100.0, (rows, 1)).astype("f4"))


def weights(model):
    return {name: [weight.numpy().copy() for weight in model.trained_variables(name)] for name in model.networks}


def moved(before, after):
    pairs = {name: zip(before[name], after[name], strict=True) for name in before}
    return {name for name, rows in pairs.items() if any(not np.array_equal(*pair) for pair in rows)}


@pytest.mark.slow
def test_stages_of_the_bib_ae_change_their_own_networks():
    """Breaks when the post-processor trains nothing (as in the released script), or moves what lies before it."""
    model = made("bib_ae_photon_smoke", autoencoder_iterations=1, identity_iterations=1, iterations=3)
    first, second, third = model.training_config.stages
    start = weights(model)
    model.begin(first)
    model.train_step(batch())
    middle = weights(model)
    assert moved(start, middle) == {"decoder", "encoder", "critic", "latent_critic"}
    model.begin(second)
    assert "generator_loss_sorted" not in model.train_step(batch())
    later = weights(model)
    assert moved(middle, later) == {"generator"}
    model.begin(third)
    logs = model.train_step(batch())
    assert moved(later, weights(model)) == {"generator"}
    assert float(logs["generator_loss_sorted"]) > 0.0


@pytest.mark.slow
def test_terms_of_the_autoencoder():
    """Breaks when a term misses its weight, a critic sees another pair, or noise is added to more than the code."""
    model = made("bib_ae_photon_smoke", critic_steps=1, learning_rate_critic=1e-12, learning_rate_latent_critic=1e-12)
    showers, energy = batch()
    draws = model.draws
    # the autoencoder's draws are behind the four of the critics
    code = {
        name: value.numpy()
        for name, value in model.networks["encoder"]({"showers": showers, "condition": energy}).items()
    }
    noise = draws.normal((ROWS, 6), 4, 0.0, 1.0).numpy()
    latent = noise.copy()
    latent[:, :2] = code["mean"] + np.exp(code["log_variance"] / 2) * noise[:, :2]
    # Keras 3 takes no mixture of tensors and arrays
    again = model.networks["decoder"]({"latent": tf.constant(latent), "condition": energy})
    score = model.networks["critic"]({"showers": showers, "other": again, "condition": energy}).numpy()
    latent_score = model.networks["latent_critic"]({"latent": latent}).numpy()
    nats = -0.5 * (1 + code["log_variance"] - code["mean"] ** 2 - np.exp(code["log_variance"])).sum() / ROWS
    logs = model.train_step((showers, energy))
    found = [float(logs[f"decoder_loss_{name}"]) for name in ("adversarial", "latent", "divergence")]
    np.testing.assert_allclose(found, [-score.mean(), -100 * latent_score.mean(), 0.05 * nats], rtol=2e-3, atol=1e-5)
    # on real showers both images are the same
    real = model.networks["critic"]({"showers": showers, "other": showers, "condition": energy}).numpy()
    assert float(logs["critic_loss_real"]) == pytest.approx(-real.mean(), rel=2e-3, abs=1e-5)


@pytest.mark.slow
def test_the_density_is_filled_with_the_codes_of_training_showers():
    """Breaks when the kernels are those of the encoder before its training, or are not at the border of the stage."""
    experiment = get_experiment("bib_ae_photon_smoke").with_values(
        NARROW["bib_ae_photon_smoke"]
        | {"training.batch_size": ROWS, "network.latent_sampling": "kde", "network.kde_showers": 4}
    )
    model = build_model(experiment)
    showers, energy = batch(4)

    class Source:
        incident_energy_mev = energy.numpy()[:, 0] * 1e3
        train_rows = np.arange(4)

        @staticmethod
        def read(rows):
            return showers.numpy()[rows].reshape(len(rows), -1)

    class Law:
        learns_empty = True
        label = staticmethod(lambda energies: (energies[:, None] / 1e3).astype("f4"))
        to_network = staticmethod(lambda rows, _energies: rows.reshape(-1, 30, 30, 30, 1))

    model.prepare(Source, Law)
    first, second, _ = model.training_config.stages
    model.begin(first)
    density = model.generator.get_layer("latent_density")
    assert not density.codes.numpy().any()
    model.begin(second)
    np.testing.assert_allclose(density.energies.numpy(), energy.numpy()[:, 0], rtol=1e-6)
    mean = model.networks["encoder"]({"showers": showers, "condition": energy})["mean"].numpy()
    spread = np.exp(model.networks["encoder"]({"showers": showers, "condition": energy})["log_variance"].numpy() / 2)
    assert (np.abs(density.codes.numpy() - mean) < 5 * spread).all()


@pytest.mark.slow
def test_terms_of_the_wgan_and_its_constrainer():
    """Breaks when the generator's step takes the showers of a critic's, the constrainer moves in it, or its error on
    real showers is not subtracted."""
    model = made("ilc_wgan_photon_smoke", learning_rate_constrainer=1e-12, learning_rate_critic=1e-12)
    showers, energy = batch(2 * ROWS)
    measured = model.networks["constrainer"]({"showers": showers}).numpy()
    latent = model.draw_latent(ROWS, 2)
    fake = model.generator({"latent": latent, "condition": energy[ROWS:]})
    errors = (model.networks["constrainer"]({"showers": fake}).numpy() - energy[ROWS:].numpy()) ** 2
    real_errors = (measured[ROWS:] - energy[ROWS:].numpy()) ** 2
    before = weights(model)
    logs = model.train_step((showers, energy))
    expected = 0.01 * np.abs(errors - real_errors).mean()
    assert float(logs["generator_loss_energy"]) == pytest.approx(expected, rel=1e-3)
    assert float(logs["constrainer_loss_energy"]) == pytest.approx(
        np.abs(measured - energy.numpy())[:ROWS].mean(), rel=1e-4
    )
    assert "generator" in moved(before, weights(model))


@pytest.mark.slow
def test_both_networks_of_the_gan_learn_from_the_same_showers():
    """Breaks when energies of generated showers are those of real ones, or the generator's step draws others."""
    model = made("ilc_gan_photon_smoke", learning_rate_critic=1e-12)
    showers, energy = batch()
    latent, drawn = model.draw_latent(ROWS, 0), model.generated_condition(energy, 1)
    assert ((drawn.numpy() >= 10.0) & (drawn.numpy() < 100.0)).all()
    fake = model.generator({"latent": latent, "condition": drawn}, training=True)
    logit = model.critic({"showers": fake, "condition": drawn}, training=True).numpy()
    logs = model.train_step((showers, energy))
    assert float(logs["critic_loss_fake"]) == pytest.approx(np.log1p(np.exp(logit)).mean(), rel=1e-3)
    assert float(logs["generator_loss_adversarial"]) == pytest.approx(np.log1p(np.exp(-logit)).mean(), rel=1e-3)


def test_rates_fall_each_epoch_of_the_network():
    """Breaks when the critics, which take five steps an iteration, fall five times as fast."""
    training = get_experiment("bib_ae_photon").training
    for network, steps in (("decoder", 1), ("critic", 5), ("latent_critic", 5), ("generator", 1)):
        rate = build_optimizer(training, network)._learning_rate
        full, epoch = training.setting("learning_rate", network), training.schedule_iterations * steps
        assert float(rate(epoch - 1)) == pytest.approx(full)
        assert float(rate(2 * epoch)) == pytest.approx(full * 0.95**2)


def test_energies_of_generated_showers_fill_their_range():
    """Breaks when the range begins or ends elsewhere."""
    numbers = tf.constant([[0.0], [0.25], [1.0]])
    model = SimpleNamespace(
        rows=3,
        training_config=SimpleNamespace(generated_energy_gev=(10.0, 90.0)),
        draws=SimpleNamespace(uniform=lambda shape, draw: numbers if shape == (3, 1) else None),
    )
    np.testing.assert_allclose(IlcGanModel.generated_condition(model, None, 1), [[10.0], [30.0], [90.0]])
