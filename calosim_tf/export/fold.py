"""A generator without what only training needs: normalisations are folded into the neighbouring weights."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from calosim_tf.keras_compat import call_of
from calosim_tf.layers.flows.masked_spline import MaskedSpline
from calosim_tf.layers.locally_connected import LocallyConnected2D
from calosim_tf.layers.seeded_dropout import SeededDropout
from calosim_tf.layers.self_attention import SelfAttention
from calosim_tf.layers.spectral_normalisation import folded_kernel

TRANSPOSED = (keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose)
LINEAR = (keras.layers.Dense, keras.layers.Conv2D, keras.layers.Conv3D, LocallyConnected2D, *TRANSPOSED)
# Each channel passes through these by itself
CROPPING = (keras.layers.Cropping1D, keras.layers.Cropping2D, keras.layers.Cropping3D)


class ChannelAffine(keras.layers.Layer):
    """``scale * x + shift`` per channel: what is left of a batch normalisation that no neighbour can take up."""

    def build(self, input_shape):
        """One scale and one shift per channel."""
        self.scale = self.add_weight(name="scale", shape=(input_shape[-1],), initializer="ones")
        self.shift = self.add_weight(name="shift", shape=(input_shape[-1],), initializer="zeros")
        self.built = True

    def call(self, inputs, mask=None):
        """Affine map of the same shape; Keras 3 hands on the ``mask`` that a batch normalisation was given."""
        if len(inputs.shape) != 4:
            return inputs * self.scale + self.shift
        # one operation on images: two of them, with the transpositions of ONNX around, make tf2onnx loop forever
        still, one = tf.zeros_like(self.scale), tf.ones_like(self.scale)
        return tf.raw_ops.FusedBatchNormV3(
            x=inputs, scale=self.scale, offset=self.shift, mean=still, variance=one, epsilon=0.0, is_training=False
        ).y


@dataclass
class _Weights:
    """Kernel and bias of a linear layer while they are being changed, float64."""

    layer: keras.layers.Layer
    kernel: np.ndarray
    bias: np.ndarray | None

    @property
    def transposed(self) -> bool:
        return isinstance(self.layer, TRANSPOSED)

    def after(self, scale: np.ndarray, shift: np.ndarray) -> None:
        """Let the outputs be ``scale * y + shift``."""
        self.kernel = self.kernel * (scale[:, None] if self.transposed else scale)
        self.bias = shift + (0.0 if self.bias is None else scale * self.bias)

    def before(self, scale: np.ndarray, shift: np.ndarray) -> None:
        """Let the inputs be ``scale * x + shift``; every window must lie inside of the map."""
        if isinstance(self.layer, LocallyConnected2D):
            repeats = self.kernel.shape[1] // len(scale)  # channels are fastest
            constant = np.einsum("pkf,k->pf", self.kernel, np.tile(shift, repeats))
            added = constant.reshape(*self.layer.out_size, -1)
            self.kernel = self.kernel * np.tile(scale, repeats)[:, None]
        else:
            added = np.tensordot(self.kernel.sum(axis=tuple(range(self.kernel.ndim - 2))), shift, axes=(0, 0))
            self.kernel = self.kernel * scale[:, None]
        self.bias = added + (0.0 if self.bias is None else self.bias)


def folded(network: keras.Model) -> keras.Model:
    """The same function at inference, without batch or spectral normalisation and without dropout.

    A batch normalisation is then an affine map of each channel, whether its statistics were frozen or moved.  It is
    folded into the linear layer right before it (croppings may lie between).  Else it goes into the one right after it,
    where no padding mixes zeros into the windows.  Else it stays as :class:`ChannelAffine`, a product and a sum.  A
    spectrally normalised kernel is divided by its sigma once and for all.

    Parameters
    ----------
    network : keras.Model
        Functional; each layer is used once.

    Returns
    -------
    keras.Model
        Same inputs and output; equal within float32 rounding.
    """
    links = _Links(network)
    weights = {layer.name: _weights_of(layer) for layer in network.layers if isinstance(_inner(layer), LINEAR)}
    kept: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            affine = _affine(layer)
            if before := links.linear_before(layer):
                weights[before.name].after(*affine)
            elif after := links.linear_after(layer):
                weights[after.name].before(*affine)
            else:
                kept[layer.name] = affine
    plain = keras.models.clone_model(network, clone_function=lambda layer: _plain(layer, weights, kept))
    for layer in plain.layers:
        _set_weights(layer, network.get_layer(layer.name), weights, kept)
    return plain


class _Links:
    """Who feeds whom in a functional model."""

    def __init__(self, network: keras.Model):
        maker = {id(x): layer for layer in network.layers for x in tf.nest.flatten(call_of(layer)[1])}
        self.sources = {
            layer.name: [maker[id(x)] for x in tf.nest.flatten(call_of(layer)[0]) if maker[id(x)] is not layer]
            for layer in network.layers
        }
        self.users: dict[str, list] = {layer.name: [] for layer in network.layers}
        for layer in network.layers:
            for source in self.sources[layer.name]:
                self.users[source.name].append(layer)
        for output in tf.nest.flatten(network.output):
            self.users[maker[id(output)].name].append(None)

    def linear_before(self, layer: keras.layers.Layer) -> keras.layers.Layer | None:
        """Linear layer whose output reaches ``layer`` alone, and unchanged but for croppings and dropout."""
        while len(self.sources[layer.name]) == 1:
            (layer,) = self.sources[layer.name]
            if len(self.users[layer.name]) != 1:
                return None
            if isinstance(_inner(layer), LINEAR):
                return layer if _inner(layer).activation is keras.activations.linear else None
            if not isinstance(layer, (*CROPPING, SeededDropout)):
                return None
        return None

    def linear_after(self, layer: keras.layers.Layer) -> keras.layers.Layer | None:
        """Linear layer that alone uses the output of ``layer``, in windows without padding."""
        while len(self.users[layer.name]) == 1:
            (layer,) = self.users[layer.name]
            inner = None if layer is None else _inner(layer)
            if isinstance(inner, TRANSPOSED):
                return None
            if isinstance(inner, LINEAR):
                return layer if getattr(inner, "padding", "valid") == "valid" else None
            if not isinstance(layer, SeededDropout):
                return None
        return None


def _inner(layer: keras.layers.Layer) -> keras.layers.Layer:
    """The layer inside of a wrapper of spectral normalisation."""
    return layer.layer if isinstance(layer, keras.layers.Wrapper) else layer


def _weights_of(layer: keras.layers.Layer) -> _Weights:
    inner = _inner(layer)
    bias = inner.bias.numpy().astype(np.float64) if inner.use_bias else None
    return _Weights(inner, folded_kernel(layer).numpy().astype(np.float64), bias)


def _affine(layer: keras.layers.BatchNormalization) -> tuple[np.ndarray, np.ndarray]:
    """Scale and shift of a batch normalisation at inference, float64."""
    mean, variance = (x.numpy().astype(np.float64) for x in (layer.moving_mean, layer.moving_variance))
    scale = 1.0 / np.sqrt(variance + layer.epsilon)
    if layer.scale:
        scale = scale * layer.gamma.numpy()
    return scale, (layer.beta.numpy() if layer.center else 0.0) - mean * scale


def _plain(layer: keras.layers.Layer, weights: dict[str, _Weights], kept: dict) -> keras.layers.Layer:
    """Layer that replaces ``layer`` in the folded network; a model inside of it is folded separately."""
    if isinstance(layer, keras.Model):
        return folded(layer)
    if layer.name in kept:
        return ChannelAffine(name=layer.name)
    if isinstance(layer, keras.layers.BatchNormalization | SeededDropout):
        return keras.layers.Activation("linear", name=layer.name)
    inner = _inner(layer)
    settings = inner.get_config()
    if layer.name in weights:
        settings |= {"name": layer.name, "use_bias": weights[layer.name].bias is not None}
    if isinstance(inner, SelfAttention):
        settings["spectral_norm"] = "none"
    if isinstance(inner, MaskedSpline):
        settings["dropout"] = 0.0
    return type(inner).from_config(settings)


def _set_weights(plain: keras.layers.Layer, original: keras.layers.Layer, weights: dict, kept: dict) -> None:
    if plain.name in kept:
        plain.set_weights(list(kept[plain.name]))
    elif plain.name in weights:
        found = weights[plain.name]
        plain.set_weights([found.kernel, *([] if found.bias is None else [found.bias])])
    elif isinstance(plain, SelfAttention):
        for convolution, wrapped in zip(plain.convolutions(), original.convolutions(), strict=True):
            convolution.set_weights([folded_kernel(wrapped).numpy(), _inner(wrapped).bias.numpy()])
        plain.gamma.assign(original.gamma)
    elif plain.weights and not isinstance(plain, keras.Model):
        plain.set_weights(original.get_weights())
