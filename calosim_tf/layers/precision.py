"""Networks that multiply in 16 bits: matrices and convolutions inside, 32 bits where numbers enter, leave or add up.

Weights, and with them gradients and optimisers, stay in float32: each call rounds a copy.
"""

from __future__ import annotations

from functools import cache

import keras
from keras import layers

from calosim_tf.keras_compat import links, output_layers
from calosim_tf.layers.batch_normalisation import BatchNormalisation
from calosim_tf.layers.seeded_dropout import SeededDropout
from calosim_tf.layers.self_attention import SelfAttention
from calosim_tf.layers.spectral_normalisation import SpectralNormalisation

# What the time goes into: multiplied in 16 bits, added up in 32 bits by all processors
MULTIPLYING = (
    layers.Dense,
    layers.Conv2D,
    layers.Conv2DTranspose,
    layers.Conv3D,
    layers.Conv3DTranspose,
    SpectralNormalisation,
)
# Cell by cell, or only moved: in 16 bits where all their inputs are, so they never cost a digit of a float32 input
PASSING = (
    layers.Activation,
    layers.Add,
    layers.AveragePooling2D,
    layers.AveragePooling3D,
    layers.Concatenate,
    layers.Cropping2D,
    layers.Cropping3D,
    layers.Dropout,
    layers.Flatten,
    layers.LeakyReLU,
    layers.MaxPooling2D,
    layers.MaxPooling3D,
    layers.Permute,
    layers.ReLU,
    layers.Reshape,
    SeededDropout,
    layers.UpSampling2D,
    layers.UpSampling3D,
    layers.ZeroPadding2D,
    layers.ZeroPadding3D,
)
# In float32, but inputs of 16 bits do no harm: they are normalised, or weighed with others of the same kind
TOLERANT = (layers.BatchNormalization, BatchNormalisation, layers.LayerNormalization, SelfAttention)


def in_precision(network: keras.Model, policy: str, exact_inputs: bool) -> keras.Model:
    """A network of the same weights whose inner layers multiply in 16 bits.

    Parameters
    ----------
    network : keras.Model
        In float32.
    policy : {'mixed_bfloat16', 'mixed_float16'}
        Of Keras.
    exact_inputs : bool
        Keep the first layers in float32, so that the network sees incident energies to more than three digits; for
        generators, whose response depends on them.

    Returns
    -------
    keras.Model
        With its own variables, float32, of the values of ``network``.  The last layers before an output, or before a
        layer that this module does not know, stay in float32: energies and scores have all their digits.
    """

    def converted(layer: keras.layers.Layer) -> keras.layers.Layer:
        if isinstance(layer, keras.Model):
            return clone(layer)
        config = layer.get_config()
        if layer.name in reduced:
            # the wrapper itself computes sigma in float32
            of = config["layer"]["config"] if isinstance(layer, SpectralNormalisation) else config
            of["dtype"] = policy
        return type(layer).from_config(config)

    def clone(model: keras.Model) -> keras.Model:
        nonlocal reduced
        outer, reduced = reduced, reduced_layers(model, exact_inputs)
        found = keras.models.clone_model(model, clone_function=converted)
        reduced = outer
        return found

    reduced: set[str] = set()
    found = clone(network)
    found.set_weights(network.get_weights())
    return found


def reduced_layers(network: keras.Model, exact_inputs: bool) -> set[str]:
    """Names of the layers of a network that may work in 16 bits; see :func:`in_precision`."""
    before: dict[str, list[keras.layers.Layer]] = {layer.name: [] for layer in network.layers}
    after: dict[str, list[keras.layers.Layer]] = {layer.name: [] for layer in network.layers}
    for maker, user in links(network):
        before[user.name].append(maker)
        after[maker.name].append(user)
    outputs = {layer.name for layer in output_layers(network)}

    @cache
    def ends_inside(layer: keras.layers.Layer) -> bool:
        """Whether all that is made of the output of a layer goes through one that multiplies."""
        if layer.name in outputs or not after[layer.name]:
            return False
        return all(
            type(user) in MULTIPLYING or (type(user) in (*PASSING, *TOLERANT) and ends_inside(user))
            for user in after[layer.name]
        )

    @cache
    def sees_inputs(layer: keras.layers.Layer) -> bool:
        """Whether an input of the network reaches a layer without passing one that multiplies."""
        return not before[layer.name] or any(
            type(maker) not in MULTIPLYING and sees_inputs(maker) for maker in before[layer.name]
        )

    @cache
    def is_reduced(layer: keras.layers.Layer) -> bool:
        if type(layer) in MULTIPLYING:
            return ends_inside(layer) and not (exact_inputs and sees_inputs(layer))
        makers = before[layer.name]
        return type(layer) in PASSING and bool(makers) and all(map(is_reduced, makers))

    return {layer.name for layer in network.layers if is_reduced(layer)}


def is_in_precision(network: keras.Model) -> bool:
    """Whether a layer of a network, or of one inside it, works in 16 bits."""
    return any(
        is_in_precision(layer)
        if isinstance(layer, keras.Model)
        # the wrapped layer of a spectral normalisation
        else getattr(layer, "layer", layer).compute_dtype in ("bfloat16", "float16")
        for layer in network.layers
    )
