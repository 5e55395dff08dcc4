"""Training of the factorised generator: the energy head by itself, then the shape network against a critic."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from calosim_tf.config import Stage
from calosim_tf.data.batches.energy_groups import energy_groups
from calosim_tf.data.batches.pipeline import learnt_rows
from calosim_tf.data.layer_energies import MOST_PER_GROUP, LayerEnergyNormalisation
from calosim_tf.data.source import ShowerSource
from calosim_tf.errors import ConfigError
from calosim_tf.losses import relativistic
from calosim_tf.losses.groups import energy_distance, moment_difference
from calosim_tf.training.algorithms import particles
from calosim_tf.training.algorithms.marginals import LEAST_LOG_WIDTH, Marginals
from calosim_tf.training.model import GenerativeModel

# Our choices for the energy head: weights of the distance of the total alone, of the columns by themselves, of all with
# the flags of open layers, and of the moments; weight of products in the moments, and where scores are cut there
TOTAL_WEIGHT, MARGINALS_WEIGHT, FLAGS_WEIGHT, MOMENTS_WEIGHT = 0.5, 3.0, 0.3, 0.5
PRODUCT_WEIGHT, LARGEST_SCORE = 0.3, 6.0
# Beside the energies in a frame (our choices): units of the position of the energy, from -1 to 1, and of the slopes
POSITION_SCALE, SLOPE_SCALE = 1.4, 0.5
# Weights of pairs in a frame (our choices): mean of the slopes, in units of 0.25; weights of slopes and half cells
MEAN_SLOPE, SLOPE_WEIGHT, REST_WEIGHT = 0.52, 0.75, 0.5
# Where standardised observables are cut before they are squared
LARGEST_SEEN = 5.0


class FactorisedModel(GenerativeModel):
    """Two stages; in the second, generated showers have the layer energies of the real ones, in pairs."""

    def prepare(self, source: ShowerSource, normalisation: LayerEnergyNormalisation) -> None:
        """Tables of all networks, from the training showers; checkpoints hold them."""
        rows = learnt_rows(source, normalisation)
        self.groups = energy_groups(source.incident_energy_mev[rows])
        self._require_balance(len(self.groups))
        self._require_conditions()
        log_energy, values = normalisation.knots()
        empty, spread = values[:, :1], values[:, 1:]
        critic = self.networks["critic"]
        networks = [self.generator, *([self.average] if self.average is not None else [])]
        for generator in networks:
            generator.get_layer("emptiness").fill(log_energy, _normal_quantile(empty))
            generator.get_layer("energy_head").get_layer("table").fill(log_energy, spread)
        for network in (*(generator.get_layer("shape") for generator in networks), critic):
            table = network.get_layer("table")
            table.fill(log_energy, spread[:, : table.n_values])
        self._marginals = Marginals.of(source, [rows[group] for group in self.groups], normalisation)
        if self._framed:
            particles.follow(networks, critic, source, normalisation, rows, self.seed)
        centres = np.log([row[0] for row in normalisation.table])
        chosen = (rows[np.sort(group[:: -(-len(group) // MOST_PER_GROUP)])] for group in self.groups)
        critic.get_layer("views").fit(
            (
                (log, *particles.viewed(critic, source, normalisation, own))
                for log, own in zip(centres, chosen, strict=True)
            ),
            normalisation.reach,
        )
        self._see_with(critic)

    def _see_with(self, critic) -> None:
        outputs = [critic.get_layer("features").output, *critic.get_layer("views").output[1:]]
        if self._framed:
            outputs.append(critic.get_layer("frame").output[0])
        self._seen = keras.Model(critic.input, outputs)

    @property
    def _framed(self) -> bool:
        return self.networks["critic"].get_layer("views").framed

    def _require_conditions(self) -> None:
        if self.training_config.moments_by_condition and not self._framed:
            raise ConfigError(
                "training.moments_by_condition: found true without a frame of the particle, expected "
                "network.frame = true beside it"
            )

    def _require_balance(self, groups: int) -> None:
        for stage, key in zip(self.training_config.stages, ("head_batch_size", "batch_size"), strict=False):
            share = groups * self.replicas.number
            if stage.batch_size % share or stage.batch_size < 2 * share:
                replicas = f" on {self.replicas.number} replicas" * (self.replicas.number > 1)
                raise ConfigError(
                    f"training.{key}: found {stage.batch_size}, expected a multiple of {share}, two at least, for "
                    f"{groups} groups of incident energy{replicas}: {max(2, round(stage.batch_size / share)) * share}"
                )

    def begin(self, stage: Stage) -> None:
        """As :meth:`GenerativeModel.begin`; the shape is learnt beside the averaged energy head."""
        if stage.trains_generator and self.average is not None:
            head, averaged = (network.get_layer("energy_head") for network in (self.generator, self.average))
            for variable, mean in zip(head.variables, averaged.variables, strict=True):
                variable.assign(mean)
        super().begin(stage)

    def updates(self, showers, condition) -> dict[str, tf.Tensor]:
        """One update of the head, or one of the critic and one of the generator on the same showers."""
        particle = condition[:, : condition.shape[1] - len(self._layer_sizes)]
        layers = tf.split(showers, self._layer_sizes, axis=1)
        energies = tf.stack([tf.reduce_sum(layer, axis=1) for layer in layers], axis=1)
        if self.stage.trains_generator:
            return self._shape_updates(showers, tf.concat([particle, energies], axis=1))
        return self._head_update(energies, particle)

    @property
    def _layer_sizes(self) -> tuple[int, ...]:
        return self.generator.get_layer("shape").get_layer("voxels").layer_sizes

    def _shape_updates(self, real, condition) -> dict[str, tf.Tensor]:
        config, groups = self.training_config, len(self.groups)
        latent = self.draw_latent(self.rows, 0)
        seen, observables, voxels, *numbers = self._seen({"showers": real, "condition": condition})
        weights = _condition_weights(*numbers) if config.moments_by_condition else None
        score = self.networks["critic"].get_layer("score_network")

        def losses():
            fake = self.generator({"latent": latent, "condition": condition}, training=True)
            fake_seen, fake_observables, fake_voxels, *_ = self._seen({"showers": fake, "condition": condition})
            # the critic learns first, from the same pairs
            logs = self._critic_update(seen, tf.stop_gradient(fake_seen))
            scores = score(tf.concat([seen, fake_seen], axis=0))
            # a hit where hardly any shower has one is hundreds of widths away: logarithms keep it from ruling the loss
            seen_voxels, made_voxels = tf.asinh(voxels), tf.asinh(fake_voxels)
            terms = [observables - fake_observables, seen_voxels - made_voxels, (seen_voxels**2 - made_voxels**2) / 2.0]
            if config.moments_of_squares:
                terms.append((_squares(observables) - _squares(fake_observables)) / 2.0)
            moments = tf.add_n([moment_difference(term, groups, weights) for term in terms])
            return {
                "generator_loss_adversarial": relativistic.generator_term(*tf.split(scores, 2)),
                "generator_loss_moments": config.moment_weight * moments,
                **logs,
            }

        return self.minimise(losses, "generator")

    def _critic_update(self, real, fake) -> dict[str, tf.Tensor]:
        config, score = self.training_config, self.networks["critic"].get_layer("score_network")

        def penalty():
            points = tf.concat([real[::2], fake[1::2]], axis=0)
            return relativistic.zero_centred_penalty(score, points)

        def losses():
            scores = score(tf.concat([real, fake], axis=0))
            due = (self.iteration - self.stage.first) % config.penalty_every == 0
            term = tf.cond(due, penalty, lambda: tf.constant(0.0))
            return {
                "critic_loss_relativistic": relativistic.critic_term(*tf.split(scores, 2)),
                "critic_loss_penalty": config.penalty_weight * config.penalty_every * term,
            }

        return self.minimise(losses, "critic")

    def _head_update(self, energies, particle) -> dict[str, tf.Tensor]:
        n, groups = len(self._layer_sizes), len(self.groups)
        head_latent, layer_noise = (self.networks["energy_head"].input[key].shape[1] for key in ("latent", "noise"))
        latent = self.draw_latent(self.rows, 0)[:, : head_latent + layer_noise]
        head = self.networks["energy_head"]
        table, _ = head.get_layer("table")(particle[:, :1])
        mean, width, log_mean, log_width = tf.split(table, [1, 1, n, n], axis=1)

        def scores(found):
            total = (tf.reduce_sum(found, axis=1, keepdims=True) / tf.exp(particle[:, :1]) - mean) / width
            return tf.concat(
                [total, (tf.math.log1p(found) - log_mean) / tf.maximum(log_width, LEAST_LOG_WIDTH)], axis=1
            )

        # beside the energies of a pair, so that none can hide where showers of a group differ
        beside = self._particle_columns(particle)
        real, real_open = scores(energies), self._open(energies)
        share = self._group_means(real_open)
        spread = tf.sqrt(share * (1.0 - share) + 2e-3)
        real_flags = (real_open - share) / spread

        def losses():
            inputs = {"latent": latent[:, :head_latent], "noise": latent[:, head_latent:], "particle": particle}
            drawn = head(inputs, training=True)
            fake, fake_flags = scores(drawn), (self._open(drawn) - share) / spread
            moments = moment_difference(
                tf.concat([_with_products(real) - _with_products(fake), real_flags - fake_flags], axis=1), groups
            )
            return {
                "energy_head_loss_distance": energy_distance(
                    tf.concat([real, *beside], axis=1), tf.concat([fake, *beside], axis=1), groups
                ),
                "energy_head_loss_total": TOTAL_WEIGHT * energy_distance(real[:, :1], fake[:, :1], groups),
                "energy_head_loss_marginals": MARGINALS_WEIGHT
                * _marginal_distance(self._marginals.ranks(real), self._marginals.ranks(fake), groups),
                "energy_head_loss_flags": FLAGS_WEIGHT
                * energy_distance(tf.concat([real, real_flags], axis=1), tf.concat([fake, fake_flags], axis=1), groups),
                "energy_head_loss_moments": MOMENTS_WEIGHT * moments,
            }

        return self.minimise(losses, "energy_head")

    def _particle_columns(self, particle) -> list[tf.Tensor]:
        """Position of the energy and slopes, in units in which widths are near 1."""
        if not self._framed:
            return []
        head = self.networks["energy_head"]
        _, position = head.get_layer("table")(particle[:, :1])
        numbers, _ = head.get_layer("frame")(particle)
        return [POSITION_SCALE * position, SLOPE_SCALE * numbers[:, :2]]

    def _open(self, energies) -> tf.Tensor:
        """Soft flags of open layers: up to the threshold of the detector, which is what a read-out sees."""
        return tf.clip_by_value(energies / self.networks["critic"].get_layer("views").soft.threshold, 0.0, 1.0)

    def _group_means(self, rows) -> tf.Tensor:
        """Mean of each group, in the place of each of its rows."""
        groups = len(self.groups)
        (means,) = self.replicas.mean([tf.reduce_mean(tf.reshape(rows, (-1, groups, rows.shape[1])), axis=0)])
        return tf.tile(means, (self.rows // groups, 1))


def _squares(observables) -> tf.Tensor:
    return tf.clip_by_value(observables, -LARGEST_SEEN, LARGEST_SEEN) ** 2


def _condition_weights(numbers) -> tf.Tensor:
    """1, slopes and places in the cell, centred, in units of about their width."""
    slopes, rests = numbers[:, :2], numbers[:, 2:]
    return tf.concat([tf.ones_like(rests[:, :1]), SLOPE_WEIGHT * (slopes - MEAN_SLOPE), REST_WEIGHT * rests], axis=1)


def _marginal_distance(real, fake, groups: int) -> tf.Tensor:
    """Mean over columns of the energy distance of each column by itself."""
    columns = real.shape[1]
    # each column of each group is a group
    return energy_distance(tf.reshape(real, (-1, 1)), tf.reshape(fake, (-1, 1)), groups * columns)


def _with_products(scores) -> tf.Tensor:
    """Scores, cut at +-6, and the products of any two of them."""
    cut = tf.clip_by_value(scores, -LARGEST_SCORE, LARGEST_SCORE)
    products = cut[:, :, tf.newaxis] * cut[:, tf.newaxis] * PRODUCT_WEIGHT
    return tf.concat([cut, tf.reshape(products, (-1, scores.shape[1] ** 2))], axis=1)


def _normal_quantile(share: np.ndarray) -> np.ndarray:
    """Where the normal law has this share below it; out of reach of any draw for 0."""
    from scipy.special import ndtri

    return np.where(share > 0.0, ndtri(np.clip(share, 1e-9, 1.0 - 1e-9)), -10.0)
