"""Maximum likelihood of CaloFlow: the flow of the layer energies by itself, then that of the voxels."""

from __future__ import annotations

import tensorflow as tf

from calosim_tf.data.cell_transforms import MEV_PER_100_GEV
from calosim_tf.errors import ConfigError
from calosim_tf.layers.seeded_dropout import dropout_numbers
from calosim_tf.models.caloflow import ENERGY_FLOW
from calosim_tf.training.flow_density import (
    energy_log_density,
    has_density,
    loss_per_voxel,
    noisy_voxels,
    voxel_log_density,
)
from calosim_tf.training.model import GenerativeModel

# Dropout draws after everything else an iteration draws; so many for each use of a flow
FIRST_DROPOUT_DRAW, DROPOUT_DRAWS = 1024, 256
# The draw of the noise
NOISE = 0


class FlowModel(GenerativeModel):
    """What the training of both directions shares: noise, and energies without voxels for the selection."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        if not has_density(self.generator):
            raise ConfigError(
                f"training.algorithm: found {self.training_config.algorithm} for a network without flows, expected "
                "a network of family caloflow"
            )

    def energy_generator(self):
        """The flow of the layer energies alone: totals do not need the voxels."""
        flow = self.judged_generator().get_layer(ENERGY_FLOW)
        layers = flow.input["latent"].shape[1]

        def energies(inputs, training=False):
            return flow({"latent": inputs["latent"][:, :layers], "condition": inputs["condition"]}, training=training)

        return energies

    def noisy(self, showers, largest_mev: float, count: tf.Tensor | None = None) -> tuple[tf.Tensor, tf.Tensor]:
        """Voxels with the noise of this minibatch, and their layer energies."""
        uniform = self.draws.uniform((self.rows, showers.shape[1]), NOISE, count=count)
        return noisy_voxels(self.generator, showers, uniform, largest_mev / MEV_PER_100_GEV)

    def dropout(self, use: int = 0, count: tf.Tensor | None = None):
        """Random numbers of the dropout of one use of a flow in this minibatch."""
        first = FIRST_DROPOUT_DRAW + use * DROPOUT_DRAWS
        return dropout_numbers(lambda shape, index: self.draws.uniform(shape, first + index, count=count))


class CaloFlowModel(FlowModel):
    """-ln p, nats, of the flow of the stage."""

    def updates(self, showers, condition) -> dict[str, tf.Tensor]:
        """One update of the flow of the layer energies, or of that of the voxels."""
        config = self.training_config
        if self.stage.trains_generator:
            which, density, noise = "generator", voxel_log_density, config.voxel_noise_mev
        else:
            which, density, noise = "energy_flow", _energies_alone, config.energy_noise_mev
        voxels, energies = self.noisy(showers, noise)

        def losses():
            with self.dropout():
                value = density(self.generator, voxels, energies, condition, training=True)
            return {f"{which}_loss_likelihood": tf.cast(-tf.reduce_mean(value), tf.float32)}

        return self.minimise(losses, which)

    def held_out_loss(self, showers, condition, uniform) -> tf.Tensor:
        """-ln p of both flows, nats per voxel, shape (batch,)."""
        noise = self.training_config.voxel_noise_mev / MEV_PER_100_GEV
        return loss_per_voxel(self.judged_generator(), showers, condition, uniform, noise)


def _energies_alone(generator, _voxels, energies, condition, training: bool) -> tf.Tensor:
    return energy_log_density(generator, energies, condition, training)
