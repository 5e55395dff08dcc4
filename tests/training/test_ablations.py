"""Every option of docs/ablations.md trains two iterations and changes the numbers it claims to change."""

import argparse
import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.commands.train import configure
from calosim_tf.data.batches.pipeline import training_batches
from calosim_tf.data.schema import holdout_rows
from calosim_tf.data.source import ShowerSource
from calosim_tf.geometry import PHOTON
from calosim_tf.training.addons import build_cyclical_schedule
from calosim_tf.training.build import build_model
from calosim_tf.training.normalisation import fit_normalisation

# Trains with every option in turn
pytestmark = pytest.mark.slow

TABLE = Path(__file__).parents[2] / "docs" / "ablations.md"
ROWS = dict(re.findall(r"^\| ([^|]+?) \| `([^`]+=[^`]+)`", TABLE.read_text(encoding="utf-8"), flags=re.M))
SMALL = [
    "network.latent.size=4", "network.generator_units=6,5", "network.critic_units=7,6", "training.batch_size=32",
    "training.critic_steps=2", "run.seed=5",
]  # fmt: skip


@pytest.fixture(scope="module")
def source(photon_showers):
    """1210 made-up photons in memory, a fifth held out."""
    incident, showers = photon_showers
    return ShowerSource(PHOTON, incident, holdout_rows(incident, 0.2), showers.astype("f4"), [], "made up")


class TwoIterations:
    """An experiment as the command line makes it, after two iterations on the source."""

    def __init__(self, source, *words, experiment="photon"):
        arguments = argparse.Namespace(
            experiment=experiment, config=None, set=[*SMALL, *words], iterations=None, seed=None, out=None, binning=None
        )
        self.experiment = configure(arguments)
        self.normalisation = fit_normalisation(self.experiment, source)
        training = self.experiment.training
        rows = training.batch_size * training.critic_steps
        batches = iter(training_batches(source, self.normalisation, 5, rows, 0))
        self.batches = [next(batches), next(batches)]
        self.model = build_model(self.experiment)
        self.start = self.weights()
        self.logs, self.after = [], []
        for batch in self.batches:
            self.logs.append({name: float(value) for name, value in self.model.train_step(batch).items()})
            self.after.append(self.weights())
        assert all(np.isfinite(value) for log in self.logs for value in log.values())
        moved = [np.abs(a - b).max() for a, b in zip(self.start["generator"], self.weights()["generator"], strict=True)]
        assert max(moved) > 0

    def weights(self):
        networks = {"generator": self.model.generator, "critic": self.model.critic}
        return {name: [v.numpy() for v in network.trainable_variables] for name, network in networks.items()}


def with_row(source, name, *words):
    return TwoIterations(source, *ROWS[name].split(), *words)


@pytest.fixture(scope="module")
def plain(source):
    return TwoIterations(source)


def change(run, step, network, index=0):
    """What one iteration added to a weight."""
    before = run.start if step == 0 else run.after[step - 1]
    return run.after[step][network][index] - before[network][index]


def test_the_table_names_every_option_that_is_tested_here():
    """Breaks when a row is added without a test, or renamed."""
    tested = Path(__file__).read_text(encoding="utf-8")
    assert len(ROWS) == 22
    assert [name for name in ROWS if f'"{name}"' not in tested] == []


@pytest.mark.parametrize(
    ("name", "threshold_mev"), [("voxel mask 0.1 keV", 1e-4), ("voxel mask 1 keV", 1e-3), ("voxel mask 10 keV", 1e-2)]
)
def test_masked_voxels_are_zero_in_what_is_trained_on(source, name, threshold_mev):
    """Breaks when the unit is read as keV, or the mask never reaches the batches."""
    faint = ShowerSource(
        PHOTON, source.incident_energy_mev, holdout_rows(source.incident_energy_mev, 0.2),
        source.read(np.arange(len(source))) * np.float32(1e-3), [], "made up",
    )  # fmt: skip
    lowest = {}
    for key, run in (("plain", TwoIterations(faint)), ("masked", with_row(faint, name))):
        energy = np.exp(run.batches[0][1].numpy()[:, :1] * np.log(2.0**14)) * 256
        mev = run.batches[0][0].numpy() * energy
        lowest[key] = mev[mev > 0].min()
    assert lowest["plain"] < threshold_mev / 3
    assert threshold_mev * 0.999 < lowest["masked"] < threshold_mev * 1.2


def test_normalisation_per_energy_makes_the_mean_sum_1(source, plain):
    """The made-up response rises from 0.78 to 0.99; breaks when the option is not handed to the batches."""
    run = with_row(source, "normalisation per energy")
    sums = {key: item.batches[0][0].numpy().sum(axis=1) for key, item in (("plain", plain), ("scaled", run))}
    label = run.batches[0][1].numpy()[:, 0]
    expected = np.interp(label * np.log(2.0**14) + np.log(256), np.log([e for e, _ in run.normalisation.response]), [
        share for _, share in run.normalisation.response
    ])  # fmt: skip
    assert len(run.normalisation.response) == 15
    assert 0.7 < run.normalisation.response[0][1] < 0.86
    np.testing.assert_allclose(sums["plain"] / sums["scaled"], expected, rtol=1e-4)


def test_the_initialiser_sets_the_range_of_the_first_weights(source, plain):
    """He uniform ends at sqrt(6/fan_in); Glorot normal has the variance 2/(fan_in + fan_out), cut at 2 sigma."""
    wide = "network.generator_units=200,300"
    he = with_row(source, "initialiser He uniform", wide).start["generator"][4]
    glorot = TwoIterations(source, wide).start["generator"][4]
    assert he.shape == glorot.shape == (200, 300)
    assert np.abs(he).max() == pytest.approx(np.sqrt(6 / 200), rel=1e-3)
    assert he.std() == pytest.approx(np.sqrt(2 / 200), rel=0.02)
    assert glorot.std() == pytest.approx(np.sqrt(2 / 500), rel=0.02)


def outputs(run):
    latent = tf.random.stateless_normal((500, 4), (1, 2)) * 3
    return run.model.generator({"latent": latent, "condition": tf.ones((500, 1))}).numpy()


def test_activations_have_their_lowest_values(source, plain):
    """Swish goes down to -0.278, ReLU ends at 0, LeakyReLU continues with its slope."""
    relu, leaky = with_row(source, "activation ReLU"), with_row(source, "activation LeakyReLU")
    assert outputs(relu).min() == 0.0
    assert -0.2785 < outputs(plain).min() < -0.05
    steep = with_row(source, "activation LeakyReLU", "network.leaky_relu_slope=0.5")
    assert outputs(leaky).min() < 0.0
    weights = leaky.model.generator.get_weights()
    steep.model.generator.set_weights(weights)
    relu.model.generator.set_weights(weights)
    assert np.abs(outputs(steep)[outputs(steep) < 0]).mean() > 2 * np.abs(outputs(leaky)[outputs(leaky) < 0]).mean()
    assert outputs(relu).min() == 0.0


@pytest.mark.parametrize(
    ("name", "network", "count"),
    [
        ("size, half", "generator", 104_740),
        ("size, 3 times", "generator", 475_540),
        ("size of the critic", "critic", 136_345),
    ],
)
def test_sizes_have_the_counts_of_their_layer_tables(source, name, network, count):
    """Breaks when a width is ignored; the critic is 370 x 184 + 2 x 185 x 184 + 185 = 136 345."""
    run = with_row(source, name)
    assert getattr(run.model, network).count_params() == count


def test_the_batch_size_is_that_of_the_updates(source, plain):
    """Breaks when rows are read but not trained on: the mean score is over as many rows as requested."""
    run = with_row(source, "batch size")
    assert run.batches[0][0].shape == (2 * 512, 368)
    assert plain.batches[0][0].shape == (2 * 32, 368)
    np.testing.assert_array_equal(run.batches[0][0][:64], plain.batches[0][0])
    assert run.logs[0]["critic_loss_real"] != plain.logs[0]["critic_loss_real"]


def test_the_ratio_counts_updates(source):
    run = with_row(source, "D/G ratio")
    assert (int(run.model.optimizers["critic"].iterations), int(run.model.optimizers["generator"].iterations)) == (
        10,
        2,
    )
    inverse = TwoIterations(source, "training.critic_steps=1", "training.generator_steps=3")
    assert (
        int(inverse.model.optimizers["critic"].iterations),
        int(inverse.model.optimizers["generator"].iterations),
    ) == (2, 6)


def test_lambda_weighs_the_penalty(source):
    """One critic update: the first penalty is the same but for its weight; 10 against the photon's 3."""
    one = "training.critic_steps=1"
    run, plain = with_row(source, "lambda", one), TwoIterations(source, one)
    assert run.logs[0]["critic_loss_penalty"] == pytest.approx(10 / 3 * plain.logs[0]["critic_loss_penalty"], rel=1e-5)
    assert run.logs[0]["critic_loss_real"] == pytest.approx(plain.logs[0]["critic_loss_real"], rel=1e-6)


@pytest.mark.addons
def test_the_cyclical_rate_climbs_and_falls_in_straight_lines(source):
    """A tenth of the rate, the full one after half a cycle, and back, counted in iterations for both networks."""
    run = with_row(source, "cyclical learning rate", "training.schedule_iterations=4")
    # rate of the last update made: the fourth of the critic's eight per cycle, the second of the generator's four
    assert float(run.model.optimizers["critic"].learning_rate) == pytest.approx(1e-5 + 9e-5 * 3 / 4)
    assert float(run.model.optimizers["generator"].learning_rate) == pytest.approx(1e-5 + 9e-5 / 2)
    rates = [float(build_cyclical_schedule(1e-5, 1e-4, 4)(step)) for step in range(9)]
    np.testing.assert_allclose(rates, 1e-4 * np.array([0.1, 0.55, 1, 0.55, 0.1, 0.55, 1, 0.55, 0.1]), rtol=1e-5)
    # Adam's first step is the rate, whatever the gradient (but for epsilon)
    first = np.abs(change(run, 0, "generator"))
    assert first.max() == pytest.approx(1e-5, rel=1e-2)


def test_radam_begins_without_the_second_moment(source, plain):
    """Liu et al. 2020: while the variance has no finite estimate the step is the rate times the mean gradient."""
    words = ["training.learning_rate_generator=1e-2", "training.critic_steps=1"]
    radam = with_row(source, "RAdam with LookAhead", *words, "training.optimizer_critic=adam")
    adam = TwoIterations(source, *words)
    gradient = -change(radam, 0, "generator") / 1e-2
    # Adam's first step from the same gradient: its epsilon counts sqrt(1 / (1 - beta2)) times
    expected = -1e-2 * gradient / (np.abs(gradient) + 1e-7 / np.sqrt(1e-3))
    np.testing.assert_allclose(change(adam, 0, "generator"), expected, rtol=3e-2)
    assert gradient.std() > 1e-5
    assert int(radam.model.optimizers["critic"].iterations) == int(radam.model.optimizers["generator"].iterations) == 2


def test_adamw_takes_the_decay_off_the_weights(source):
    """w - wd w - Adam's step: the difference from Adam after one update is wd times the first weight."""
    one = "training.critic_steps=1"
    decayed, plain = with_row(source, "AdamW", "training.weight_decay=0.1", one), TwoIterations(source, one)
    for network in ("critic", "generator"):
        difference = change(plain, 0, network) - change(decayed, 0, network)
        if network == "critic":
            np.testing.assert_allclose(difference, 0.1 * plain.start[network][0], rtol=1e-3, atol=1e-6)
        else:
            # its gradient has seen the decayed critic; the steps differ by at most two rates
            np.testing.assert_allclose(difference, 0.1 * plain.start[network][0], atol=2.1e-4)


def test_learning_rates_scale_the_first_step(source, plain):
    """Adam's first step is the rate: 5e-5 instead of 1e-4."""
    run = with_row(source, "learning rates")
    for network in ("critic", "generator"):
        bias = 1 if network == "critic" else 0
        ratio = np.abs(change(run, 0, network, bias)).max() / np.abs(change(plain, 0, network, bias)).max()
        assert ratio == pytest.approx(0.5, rel=0.05)


def test_betas_are_those_of_the_moments(source):
    """After one update the moments are (1 - beta1) g and (1 - beta2) g^2."""
    words = (
        ROWS["Adam betas"]
        .replace("beta1_critic=0.5", "beta1_critic=0.7")
        .replace("beta2_critic=0.999", "beta2_critic=0.8")
    )
    run = TwoIterations(source, *words.split(), "training.critic_steps=1")
    assert run.experiment.training.beta1_generator == 0.5
    model = build_model(run.experiment)
    model.train_step(run.batches[0])
    count = len(model.critic.trainable_variables)
    slots = [v.numpy() for v in model.optimizers["critic"].variables]
    slots = [v for v in slots if v.shape == model.critic.trainable_variables[0].shape]
    first, second = slots
    np.testing.assert_allclose(second / 0.2, (first / 0.3) ** 2, rtol=1e-3, atol=1e-12)
    assert np.abs(first).max() > 0
    assert count == 6


def test_latent_laws_have_their_mean_and_ends(source, plain):
    """Breaks when training draws from another law than generation."""
    uniform, standard = with_row(source, "latent law"), with_row(source, "latent, standard normal")
    drawn = {
        key: run.model.draw_latent(5000, 3).numpy() for key, run in (("u", uniform), ("s", standard), ("p", plain))
    }
    assert -1 <= drawn["u"].min() < -0.999
    assert 0.999 < drawn["u"].max() < 1
    assert (drawn["s"].mean(), drawn["s"].std()) == (pytest.approx(0, abs=0.03), pytest.approx(1, abs=0.03))
    assert (drawn["p"].mean(), drawn["p"].std()) == (pytest.approx(0.5, abs=0.02), pytest.approx(0.5, abs=0.02))


def test_frozen_statistics_are_unchanged_by_training_and_batch_ones_move(source, plain):
    """Authors' loop: moving mean stays 0 and variance 1, while scale and offset learn."""
    batch = with_row(source, "batch normalisation with batch statistics")
    for run, moves in ((plain, False), (batch, True)):
        gamma, _, mean, variance = run.model.generator.get_layer("output_bn").get_weights()
        assert bool(np.any(mean != 0)) is moves
        assert bool(np.any(variance != 1)) is moves
        assert np.any(gamma != 1)


def test_the_label_over_the_highest_energy(source):
    run = with_row(source, "energy label E/E_max")
    label = np.unique(run.batches[0][1].numpy())
    assert set(np.log2(label)) <= set(range(-14, 1))


@pytest.mark.parametrize(("gate", "empty"), [("false", False), ("true", True)])
def test_layer_normalised_training_sees_zeros_only_with_the_gate(source, gate, empty):
    """Breaks when the gate is built but the training vectors still have their zeros filled, or the reverse."""
    run = TwoIterations(source, f"network.layer_gate={gate}", experiment="photon_layernorm")
    vectors = run.batches[0][0].numpy()
    np.testing.assert_allclose(vectors[:, 368:373].sum(axis=1), 1.0, rtol=1e-5)
    assert bool((vectors[:, :373] == 0).any()) is empty
    made = run.normalisation.to_mev(outputs(run), np.full(500, 4096.0))
    np.testing.assert_allclose(made.sum(axis=1), outputs(run)[:, -1] * 4096, rtol=1e-4)
