"""Training of 3DGAN: critic on real, critic on generated, then the generator (Rehm et al. 2021; authors' code)."""

from __future__ import annotations

import itertools

import keras
import tensorflow as tf

from calosim_tf.data.sampling_fraction import PUBLISHED, UNIT_GEV
from calosim_tf.errors import ConfigError
from calosim_tf.keras_compat import optimizer_variables, raw
from calosim_tf.layers.seeded_dropout import dropout_numbers
from calosim_tf.losses import three_d_gan as losses
from calosim_tf.training.gan import AdversarialModel

# Dropout draws after everything else an iteration draws
FIRST_DROPOUT_DRAW = 2048


class ThreeDGanModel(AdversarialModel):
    """Cross entropy with soft and flipped labels, regression of energy (and angle), and total energy.

    The critic's heads are those of the 3DGAN models: ``generation``, ``auxiliary``, ``ecal`` and, with variable angle,
    ``angle``.  The last two have no weights: the critic's loss reports them, the generator learns from them.
    """

    # latent, energies, labels of real and of generated showers
    CRITIC_DRAWS = 4
    # latent, energies, labels
    GENERATOR_DRAWS = 3

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self._linear_generator = self._without_last_relu()

    def train_step(self, data):
        """One iteration; a new file of the public data set begins every ``iterations_per_file``."""
        # draw numbers are handed out while the graph is traced, the same ones in every trace
        draws = itertools.count(FIRST_DROPOUT_DRAW)
        self._begin_file()
        with dropout_numbers(lambda shape, _index: self.draws.uniform(shape, next(draws))):
            return super().train_step(data)

    def critic_update(self, real, condition, draw: int) -> dict[str, tf.Tensor]:
        """Two updates: on real showers, then on generated ones."""
        config = self.training_config
        ecal = tf.reduce_sum(real, axis=list(range(1, len(real.shape))))[:, tf.newaxis]
        real_labels = self._labels(config.label_real, config.label_flip, draw + 2)
        logs = self.minimise(lambda: self._terms("critic_loss_real", real, condition, ecal, real_labels), "critic")
        condition = self.generated_condition(condition, draw + 1)
        # outside of training behaviour: the authors take these showers from predict
        fake = self._generate(self.draw_latent(self.rows, draw), condition, training=False)
        ecal = self.expected_ecal(condition)
        fake_labels = self._labels(0.0, config.label_flip, draw + 3)
        return {
            **logs,
            **self.minimise(lambda: self._terms("critic_loss_fake", fake, condition, ecal, fake_labels), "critic"),
        }

    def generator_update(self, condition, draw: int) -> dict[str, tf.Tensor]:
        """One update towards the label of real showers."""
        config = self.training_config
        latent = self.draw_latent(self.rows, draw)
        condition = self.generated_condition(condition, draw + 1)
        labels = self._labels(config.label_real, config.label_flip if config.flip_generator else 0.0, draw + 2)
        ecal = self.expected_ecal(condition)

        def terms():
            fake = self._generate(latent, condition, training=True)
            return self._terms("generator_loss", fake, condition, ecal, labels)

        return self.minimise(terms, "generator")

    def generated_condition(self, condition, draw: int) -> tf.Tensor:
        """Energies drawn evenly from the range of the epoch, other conditions as in the real batch."""
        config = self.training_config
        if config.fake_conditions == "real":
            return condition
        early = self._before_epoch(config.first_energy_epochs)
        low, high = (
            tf.where(early, config.first_energy_gev[end], config.fake_energy_gev[end]) / UNIT_GEV for end in (0, 1)
        )
        energy = low + (high - low) * self.draws.uniform((self.rows, 1), draw)
        return tf.concat([energy, condition[:, 1:]], axis=1)

    def expected_ecal(self, condition) -> tf.Tensor:
        """Total energy that showers of these conditions should have, GeV, shape (batch, 1)."""
        energy = condition[:, :1]
        coefficients = self.training_config.ecal_coefficients or PUBLISHED.coefficients
        return energy * tf.math.polyval(list(coefficients), energy)

    def _terms(self, prefix: str, showers, condition, ecal, labels) -> dict[str, tf.Tensor]:
        config = self.training_config
        judged = self.critic({"showers": showers, "condition": condition}, training=True)
        terms = {
            "generation": config.weight_generation * losses.binary_cross_entropy(labels, judged["generation"]),
            "auxiliary": config.weight_auxiliary * losses.percentage_error(condition[:, :1], judged["auxiliary"]),
            "ecal": config.weight_ecal * losses.percentage_error(ecal, judged["ecal"]),
        }
        if "angle" in judged:
            terms["angle"] = config.weight_angle * losses.absolute_error(condition[:, 1:2], judged["angle"])
        return {f"{prefix}_{name}": term for name, term in terms.items()}

    def _labels(self, label: float, flip: float, draw: int) -> tf.Tensor:
        uniform = self.draws.uniform((self.rows, 1), draw)
        return losses.flipped_labels(label, uniform, flip)

    def _generate(self, latent, condition, training: bool) -> tf.Tensor:
        inputs = {"latent": latent, "condition": condition}
        if self._linear_generator is None:
            return self.generator(inputs, training=training)
        showers = self._linear_generator(inputs, training=training)
        linear = self._before_epoch(self.training_config.linear_epochs)
        return tf.where(linear, showers, tf.nn.relu(showers))

    def _without_last_relu(self) -> keras.Model | None:
        """The generator up to its last ReLU (shared weights), or none if that acts from the start."""
        if self.training_config.linear_epochs == 0:
            return None
        last = self.generator.layers[-1]
        if not isinstance(last, keras.layers.Activation):
            raise ConfigError(
                f"training.linear_epochs: found {self.training_config.linear_epochs}, expected 0 for a generator whose "
                "last layer is no activation"
            )
        if last.activation is not keras.activations.relu:
            return None
        return keras.Model(self.generator.input, last.input, name="linear_generator")

    def _before_epoch(self, epochs: int) -> tf.Tensor:
        return self.iteration < epochs * self.training_config.iterations_per_epoch

    def _begin_file(self) -> None:
        """Learning rates of this file; at its first minibatch the optimisers are reset."""
        config = self.training_config
        if config.file_decay > 0.0:
            file = self.iteration // config.iterations_per_file
            # file n, from 0, is trained at the rate of n - 1 (authors' code)
            beyond = tf.cast(tf.maximum(file - 1 - config.held_files, 0), tf.float32)
            factor = tf.exp(-config.file_decay * beyond)
            for name, optimizer in self.optimizers.items():
                rate = config.setting("learning_rate", name)
                self.replicas.assign(optimizer.learning_rate, rate * factor)
        if config.reset_each_file:
            first = self.iteration % config.iterations_per_file == 0
            for optimizer in self.optimizers.values():
                self._forget(optimizer, first)

    def _forget(self, optimizer, condition: tf.Tensor) -> None:
        """Set all slots and the count of updates to 0 where ``condition`` holds; the learning rate stays."""
        for variable in optimizer_variables(optimizer):
            if variable is not raw(optimizer.learning_rate):
                # no tf.cond: replicas cannot meet inside a branch
                self.replicas.assign(variable, tf.where(condition, tf.zeros_like(variable), variable))
