"""Critic of CaloGAN: real or generated, deposited energy, and the attributes of the incident particle.

Sizes are those of the authors' code (see :mod:`calosim_tf.models.calogan_generator`).
"""

from __future__ import annotations

from itertools import count

import keras

from calosim_tf.config.calogan_network import ATTRIBUTES, LAYER_SHAPES, LAYER_SIZES, CaloGanNetwork
from calosim_tf.layers.batch_normalisation import BatchNormalisation
from calosim_tf.layers.energy_features import EnergyFeatures, EnergySum, LayerEnergies
from calosim_tf.layers.locally_connected import LocallyConnected2D
from calosim_tf.layers.minibatch_discrimination import MinibatchDiscrimination
from calosim_tf.layers.seeded_dropout import SeededDropout
from calosim_tf.layers.slices import part_of
from calosim_tf.layers.soft_sparsity import SoftSparsity

# Kernel and strides of the blocks after the first; zeros are put around each map before
CONDITIONAL_BLOCKS = (((3, 3), (1, 2)), ((2, 2), (1, 1)))
ORIGINAL_BLOCKS = (((3, 3), (1, 2)), ((2, 2), (1, 1)), ((2, 2), (1, 2)))


def build_companions(network: CaloGanNetwork, seed: int = 0) -> dict[str, keras.Model]:
    """Networks that are trained beside the generator: the critic."""
    return {"critic": build_critic(network, seed)}


def build_critic(network: CaloGanNetwork, seed: int = 0) -> keras.Model:
    """Critic: showers and condition to three heads.

    Parameters
    ----------
    network : CaloGanNetwork
    seed : int
        Seed of the initial weights.

    Returns
    -------
    keras.Model
        Inputs ``showers`` (batch, 504) in GeV and ``condition`` (batch, condition_size), of which only the incident
        energy is used.  Outputs by name: ``score`` (batch, 1), the *logit* of the probability of being real; ``energy``
        (batch, 1), the sum of the cells in GeV, without weights; ``attributes`` (batch, 4), estimates of theta, phi /
        rad and x0, y0 / mm (not in the original).  The cross-entropy of logits is exact where that of a sigmoid is
        rounded to 0 or 1.
    """
    seeds = count(seed)
    showers = keras.Input((network.n_outputs,), name="showers")
    condition = keras.Input((network.condition_size,), name="condition")
    features = []
    for index, shape in enumerate(LAYER_SHAPES):
        cells = part_of(showers, sum(LAYER_SIZES[:index]), (*shape, 1), f"layer_{index}")
        features += _layer_features(cells, index, network, seeds)
    energies = LayerEnergies(LAYER_SIZES, name="layer_energies")(showers)
    incident = part_of(condition, 0, (1,), "incident_energy")
    features.append(EnergyFeatures(name="energy_features")([energies, incident]))
    features.append(_closeness(energies, network, seeds, "layer_energies"))
    joined = keras.layers.Concatenate(name="features")(features)
    glorot = keras.initializers.GlorotUniform(seed=next(seeds))
    outputs = {
        "score": keras.layers.Dense(1, kernel_initializer=glorot, name="score")(joined),
        "energy": EnergySum(name="energy")(energies),
    }
    if network.variant != "original":
        outputs["attributes"] = _attributes(showers, network, seeds)
    return keras.Model({"showers": showers, "condition": condition}, outputs, name="critic")


def _layer_features(cells, index: int, network: CaloGanNetwork, seeds) -> list:
    """Learnt features of one layer, its sparsity, and how close both are to those of the batch."""
    name = f"layer_{index}"
    blocks = ORIGINAL_BLOCKS if network.variant == "original" else CONDITIONAL_BLOCKS
    connected = LocallyConnected2D if network.variant == "original" else keras.layers.Conv2D
    first, *filters = network.critic_filters
    size = (5, 5) if network.variant == "explicit_blur" else (2, 2)
    glorot = keras.initializers.GlorotUniform(seed=next(seeds))
    x = keras.layers.Conv2D(first, size, padding="same", kernel_initializer=glorot, name=f"{name}_conv_0")(cells)
    x = keras.layers.LeakyReLU(network.leaky_relu_slope, name=f"{name}_activation_0")(x)
    for block, (width, (kernel, strides)) in enumerate(zip(filters, blocks, strict=True), start=1):
        x = keras.layers.ZeroPadding2D((1, 1), name=f"{name}_padding_{block}")(x)
        glorot = keras.initializers.GlorotUniform(seed=next(seeds))
        x = connected(width, kernel, strides=strides, kernel_initializer=glorot, name=f"{name}_conv_{block}")(x)
        x = keras.layers.LeakyReLU(network.leaky_relu_slope, name=f"{name}_activation_{block}")(x)
        x = BatchNormalisation(name=f"{name}_bn_{block}")(x)
    learnt = keras.layers.Flatten(name=f"{name}_features")(x)
    sparsity = SoftSparsity(network.sparsity, name=f"{name}_sparsity")(cells)
    return [
        learnt,
        _closeness(learnt, network, seeds, f"{name}_features"),
        sparsity,
        _closeness(sparsity, network, seeds, f"{name}_sparsity"),
    ]


def _closeness(x, network: CaloGanNetwork, seeds, name: str):
    """Minibatch discrimination, limited to below 1 by a tanh."""
    x = MinibatchDiscrimination(
        network.minibatch_features, network.minibatch_dimensions, next(seeds), name=f"{name}_minibatch"
    )(x)
    return keras.layers.Activation("tanh", name=f"{name}_closeness")(x)


def _attributes(showers, network: CaloGanNetwork, seeds):
    """Fully connected estimate of the attributes from the cells alone."""
    x = showers
    for index, (units, rate) in enumerate(zip(network.attribute_units, network.attribute_dropout, strict=True)):
        glorot = keras.initializers.GlorotUniform(seed=next(seeds))
        x = keras.layers.Dense(units, kernel_initializer=glorot, name=f"attributes_hidden_{index}")(x)
        x = keras.layers.LeakyReLU(network.leaky_relu_slope, name=f"attributes_activation_{index}")(x)
        x = SeededDropout(rate, index, name=f"attributes_dropout_{index}")(x)
    glorot = keras.initializers.GlorotUniform(seed=next(seeds))
    return keras.layers.Dense(len(ATTRIBUTES), kernel_initializer=glorot, name="attributes")(x)
