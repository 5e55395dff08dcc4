"""Variational autoencoder: encoder and decoder on one loss."""

from __future__ import annotations

import tensorflow as tf

from calosim_tf.losses import elbo
from calosim_tf.training.model import GenerativeModel


def elbo_losses(model: GenerativeModel, decoder: str, showers, condition) -> dict[str, tf.Tensor]:
    """Terms of a minibatch that the network of the name ``decoder`` and the ``encoder`` minimise."""
    config = model.training_config
    noise = model.draws.normal((model.rows, model.latent.size), 0, 0.0, 1.0)
    code = model.networks["encoder"]({"showers": showers, "condition": condition}, training=True)
    latent = elbo.latent_of(code["mean"], code["log_variance"], noise)
    again = model.networks[decoder]({"latent": latent, "condition": condition}, training=True)
    found = elbo.squared_distance(showers, again), elbo.divergence(code["mean"], code["log_variance"])
    if config.reconstruction == "gaussian":
        cells = showers.shape[1:].num_elements()
        reconstruction, divergence = elbo.gaussian_terms(*found, cells, config.cell_width)
    else:
        reconstruction, divergence = elbo.batch_root_terms(*found, config.reference_batch_size)
    return {
        f"{decoder}_loss_reconstruction": reconstruction,
        f"{decoder}_loss_divergence": config.divergence_weight * divergence,
    }


class CvaeModel(GenerativeModel):
    """The decoder is the generator."""

    def updates(self, showers, condition) -> dict[str, tf.Tensor]:
        """One update of both networks."""
        return self.minimise(lambda: elbo_losses(self, "generator", showers, condition), "generator", "encoder")
