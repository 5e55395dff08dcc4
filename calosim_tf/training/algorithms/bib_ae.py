"""BIB-AE: an autoencoder against a critic of its showers and one of its latents, then a post-processor."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from calosim_tf.config import Stage
from calosim_tf.data.batches.pipeline import learnt_rows
from calosim_tf.losses import elbo, wasserstein
from calosim_tf.losses.gradient_penalty import gradient_penalty, mix_showers
from calosim_tf.losses.kernel_mmd import sorted_mmd, vector_mmd
from calosim_tf.training.model import GenerativeModel, mean_over_updates

# Draws of one reconstruction and its critics: latent, points of two penalties, normal numbers
NOISE, MIX, LATENT_MIX, NORMAL, DRAWS = range(5)
DENSITY = "latent_density"
# Showers that are encoded at a time
BLOCK = 100


class BibAeModel(GenerativeModel):
    """Three stages: autoencoder; post-processor as the identity; post-processor towards the spectrum of real cells."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self._encoded = None

    def prepare(self, source, normalisation) -> None:
        """Keep the showers whose codes make the density of latents, where there is one."""
        layers = [layer for layer in self.generator.layers if layer.name == DENSITY]
        if layers:
            rows = learnt_rows(source, normalisation)
            rows = rows[:: max(1, len(rows) // layers[0].showers)][: layers[0].showers]
            self._encoded = source, normalisation, rows

    def begin(self, stage: Stage) -> None:
        """As :meth:`GenerativeModel.begin`; latents are drawn from the codes of the autoencoder that is ready."""
        if self._encoded is not None and stage != self.stage and stage.trains_generator:
            codes, energies = self._codes(*self._encoded)
            for generator in (self.generator, *([] if self.average is None else [self.average])):
                generator.get_layer(DENSITY).fill(codes, energies)
        super().begin(stage)

    def updates(self, showers, condition) -> dict[str, tf.Tensor]:
        """Critics and then autoencoder on the same showers, or the post-processor."""
        if self.stage.trains_generator:
            return self._post_update(showers, condition)
        steps = self.training_config.critic_steps
        logs = mean_over_updates([self._critic_updates(showers, condition, DRAWS * step) for step in range(steps)])
        return {**logs, **self._autoencoder_update(showers, condition, DRAWS * steps)}

    def reconstructed(self, showers, condition, draw: int) -> tuple[dict, tf.Tensor, tf.Tensor]:
        """Code of showers (its law), their latents with fresh noise, and what the decoder makes of these."""
        decoder = self.networks["decoder"]
        code = self.networks["encoder"]({"showers": showers, "condition": condition}, training=True)
        size = code["mean"].shape[1]
        noise = self.draws.normal((self.rows, decoder.input["latent"].shape[1]), draw + NOISE, 0.0, 1.0)
        own = elbo.latent_of(code["mean"], code["log_variance"], noise[:, :size])
        latent = tf.concat([own, noise[:, size:]], axis=1)
        return code, latent, decoder({"latent": latent, "condition": condition}, training=True)

    def _critic_updates(self, showers, condition, draw: int) -> dict[str, tf.Tensor]:
        _, latent, again = self.reconstructed(showers, condition, draw)
        pairs = [tf.concat([showers, other], axis=-1) for other in (showers, again)]
        points = mix_showers(*pairs, self.draws.uniform((self.rows, 1, 1, 1, 1), draw + MIX))
        normal = self.draws.normal(latent.shape, draw + NORMAL, 0.0, 1.0)
        latent_points = mix_showers(normal, latent, self.draws.uniform((self.rows, 1), draw + LATENT_MIX))
        config = self.training_config

        def losses():
            scores = self._scores(tf.concat(pairs, axis=0), tf.tile(condition, (2, 1)))
            real, fake = wasserstein.critic_terms(*tf.split(scores, 2))
            penalty, norm = gradient_penalty(lambda at: self._scores(at, condition), points)
            terms = {"real": real, "fake": fake, "penalty": config.penalty_weight * penalty}
            return {**_named("critic", terms), "gradient_norm": norm}

        def latent_losses():
            scores = self._latent_scores(tf.concat([normal, latent], axis=0))
            real, fake = wasserstein.critic_terms(*tf.split(scores, 2))
            penalty, norm = gradient_penalty(self._latent_scores, latent_points)
            terms = {"real": real, "fake": fake, "penalty": config.latent_penalty_weight * penalty}
            return {**_named("latent_critic", terms), "latent_gradient_norm": norm}

        return {**self.minimise(losses, "critic"), **self.minimise(latent_losses, "latent_critic")}

    def _autoencoder_update(self, showers, condition, draw: int) -> dict[str, tf.Tensor]:
        config = self.training_config

        def losses():
            code, latent, again = self.reconstructed(showers, condition, draw)
            normal = self.draws.normal(latent.shape, draw + NORMAL, 0.0, 1.0)
            scores = self._scores(tf.concat([showers, again], axis=-1), condition)
            nats = tf.reduce_mean(elbo.divergence(code["mean"], code["log_variance"]))
            terms = {
                "adversarial": config.adversarial_weight * wasserstein.generator_term(scores),
                "latent": config.latent_weight * wasserstein.generator_term(self._latent_scores(latent)),
                "divergence": config.divergence_weight * nats,
                "mmd": config.mmd_weight * vector_mmd(latent, normal, config.mmd_sharpness),
            }
            # logged, not minimised
            distance = tf.reduce_mean(tf.abs(again - showers))
            return {**_named("decoder", terms), "reconstruction_distance_mev": distance}

        return self.minimise(losses, "decoder", "encoder")

    def _post_update(self, showers, condition) -> dict[str, tf.Tensor]:
        config = self.training_config
        _, _, again = self.reconstructed(showers, condition, 0)
        post_processor = self.generator.get_layer("post_processor")

        def losses():
            refined = post_processor({"showers": again, "condition": condition}, training=True)
            terms = {"identity": config.identity_weight * tf.reduce_mean((refined - again) ** 2)}
            if self.stage.name == "post_processor":
                window, stride, last = config.sorted_window, config.sorted_stride, config.sorted_last
                found = sorted_mmd(refined, showers, window, stride, last, config.sorted_sharpness)
                terms["sorted"] = config.sorted_weight * found
            return _named("generator", terms)

        return self.minimise(losses, "generator")

    def _scores(self, pairs, condition) -> tf.Tensor:
        """Scores of pairs (batch, 30, 30, 30, 2): originals, and others."""
        showers, other = tf.split(pairs, 2, axis=-1)
        return self.networks["critic"]({"showers": showers, "other": other, "condition": condition}, training=True)

    def _latent_scores(self, latent) -> tf.Tensor:
        return self.networks["latent_critic"]({"latent": latent}, training=True)

    def _codes(self, source, normalisation, rows) -> tuple[np.ndarray, np.ndarray]:
        """Codes of showers, drawn from the encoder's law by fixed numbers, and their energies in GeV."""
        encoder, codes = self.networks["encoder"], []
        energies = normalisation.label(source.incident_energy_mev[rows])
        for first in range(0, len(rows), BLOCK):
            own = rows[first : first + BLOCK]
            showers = normalisation.to_network(source.read(own), source.incident_energy_mev[own])
            code = encoder({"showers": showers, "condition": energies[first : first + BLOCK]}, training=False)
            rng = np.random.Generator(np.random.Philox(key=self.seed, counter=[0, 0, 0, first]))
            noise = rng.standard_normal(code["mean"].shape)
            codes.append(code["mean"].numpy() + np.exp(code["log_variance"].numpy() / 2) * noise)
        return np.concatenate(codes).astype(np.float32), energies[:, 0]


def _named(network: str, terms: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    return {f"{network}_loss_{name}": term for name, term in terms.items()}
