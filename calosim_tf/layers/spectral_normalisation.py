"""Spectral normalisation of dense and convolution layers (Miyato et al. 2018)."""

from __future__ import annotations

import keras
import tensorflow as tf

from calosim_tf.keras_compat import ALIKE
from calosim_tf.layers.addons import build_addons_normalisation

# As in PyTorch: keeps a division by zero out of the unit vector and is far below the norm of any kernel in use
NORM_GUARD = 1e-12


class SpectralNormalisation(keras.layers.Wrapper):
    """A dense, convolution or transposed-convolution layer whose kernel W acts as W / sigma.

    sigma is the largest singular value of the kernel as a matrix (outputs) x (inputs times window).  It is estimated by
    one power iteration per call from the vector u that the last training call left: v = W^T u / |W^T u|, u' = W v / |W
    v|, sigma = u'^T W v.  The gradient passes through sigma but not through u' and v, and the stored kernel is never
    touched, so optimiser slots and checkpoints hold W itself.

    Parameters
    ----------
    layer : keras.layers.Layer
        Dense, Conv2D or Conv2DTranspose, channels last, no dilation, no groups.
    seed : int
        Seed of the first u.

    Notes
    -----
    Only a call with ``training=True`` stores u'.  PyTorch does the same, so there the critic's u also moves in the
    generator's update.  A training loop here that leaves the critic untouched calls it with ``training=False``, which
    gives the same sigma.  u counts by its direction only, so an average of several u is a legal u.
    """

    def __init__(self, layer, seed: int = 0, **options):
        # the layer may work in 16 bits; sigma, and with it u, is found in float32
        super().__init__(layer, autocast=False, **options)
        if type(layer) not in _LINEAR_MAPS:
            known = ", ".join(kind.__name__ for kind in _LINEAR_MAPS)
            raise ValueError(f"{type(layer).__name__} cannot be normalised spectrally: expected one of {known}")
        if isinstance(layer, keras.layers.Conv2D) and (
            layer.data_format != "channels_last" or tuple(layer.dilation_rate) != (1, 1) or layer.groups != 1
        ):
            raise ValueError(f"{layer.name}: expected channels_last, dilation_rate 1 and groups 1")
        self.seed = seed

    def build(self, input_shape=None):
        """Build the wrapped layer, then the vector u."""
        super().build(input_shape)
        self.u = self.add_weight(
            name="u",
            shape=(_matrix(self.layer, self.layer.kernel).shape[-1],),
            initializer=keras.initializers.RandomNormal(seed=self.seed),
            trainable=False,
            # every replica computes the same u from the same kernel
            **ALIKE,
        )

    def call(self, inputs, training=None):
        """The wrapped layer with the normalised kernel."""
        sigma, u = self._power_iteration()
        if training:
            self.u.assign(u)
        dtype = self.layer.compute_dtype
        kernel = tf.cast(self.layer.kernel / sigma, dtype)
        outputs = _LINEAR_MAPS[type(self.layer)](self.layer, tf.cast(inputs, dtype), kernel)
        if self.layer.use_bias:
            outputs = tf.nn.bias_add(outputs, tf.cast(self.layer.bias, dtype))
        return self.layer.activation(outputs)

    def folded_kernel(self) -> tf.Tensor:
        """W / sigma as the next inference call uses it, in the shape of the kernel."""
        return self.layer.kernel / self._power_iteration()[0]

    def compute_output_shape(self, input_shape):
        """That of the wrapped layer."""
        return self.layer.compute_output_shape(input_shape)

    def get_config(self):
        """Arguments of the layer."""
        return {**super().get_config(), "seed": self.seed}

    def _power_iteration(self) -> tuple[tf.Tensor, tf.Tensor]:
        matrix = _matrix(self.layer, self.layer.kernel)
        v = tf.linalg.matvec(matrix, self.u)
        v = tf.stop_gradient(v / tf.maximum(tf.norm(v), NORM_GUARD))
        image = tf.linalg.matvec(matrix, v, transpose_a=True)
        # |W v| is u'^T W v in value and, because a unit vector moves at right angles to itself, in gradient
        sigma = tf.norm(image)
        return sigma, tf.stop_gradient(image / sigma)


def normalised(layer: keras.layers.Layer, kind: str, seed: int = 0) -> keras.layers.Layer:
    """The layer itself or a wrapper of the same name around it.

    Parameters
    ----------
    layer : keras.layers.Layer
    kind : {'none', 'own', 'addons'}
        ``addons`` is the wrapper of tensorflow-addons: each training call overwrites the kernel with W / sigma, so no
        gradient passes through sigma, and a transposed convolution is normalised over its input channels.
    seed : int
        Seed of the first u.

    Raises
    ------
    ValueError
        Unknown kind.
    """
    if kind == "none":
        return layer
    if kind == "own":
        return SpectralNormalisation(layer, seed, name=layer.name)
    if kind == "addons":
        return build_addons_normalisation(layer, seed)
    raise ValueError(f"spectral normalisation {kind!r} is not one of none, own, addons")


def folded_kernel(layer: keras.layers.Layer) -> tf.Tensor:
    """Kernel that inference with ``layer`` amounts to, whichever way :func:`normalised` made it."""
    if isinstance(layer, SpectralNormalisation):
        return layer.folded_kernel()
    # tensorflow-addons leaves the divided kernel in the wrapped layer
    return tf.convert_to_tensor(getattr(layer, "layer", layer).kernel)


def _matrix(layer, kernel) -> tf.Tensor:
    """Kernel as (inputs times window, outputs): the transpose of the matrix that sigma belongs to."""
    if isinstance(layer, keras.layers.Conv2DTranspose):
        kernel = tf.transpose(kernel, (0, 1, 3, 2))  # stored (rows, columns, out, in)
    return tf.reshape(kernel, (-1, kernel.shape[-1]))


def _dense(layer, inputs, kernel) -> tf.Tensor:
    return tf.tensordot(inputs, kernel, 1)


def _convolution(layer, inputs, kernel) -> tf.Tensor:
    return tf.nn.conv2d(inputs, kernel, layer.strides, layer.padding.upper())


def _transposed_convolution(layer, inputs, kernel) -> tf.Tensor:
    shape = (tf.shape(inputs)[0], *layer.compute_output_shape(inputs.shape)[1:])
    return tf.nn.conv2d_transpose(inputs, kernel, shape, layer.strides, layer.padding.upper())


_LINEAR_MAPS = {
    keras.layers.Dense: _dense,
    keras.layers.Conv2D: _convolution,
    keras.layers.Conv2DTranspose: _transposed_convolution,
}
