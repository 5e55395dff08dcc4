"""Laws of the initial weights."""

from __future__ import annotations

import math

import keras


def initial_weights(initialiser: str, fan_in: int, seed: int) -> dict[str, keras.initializers.Initializer]:
    """Initialisers of kernel and bias, as keyword arguments of a dense or convolution layer.

    Parameters
    ----------
    initialiser : {'pytorch', 'glorot_uniform'}
        ``pytorch``: kernel and bias uniform within 1 / sqrt(fan_in), what a PyTorch layer starts from when its author
        chooses nothing; ``glorot_uniform``: what a Keras layer starts from, with zero bias.
    fan_in : int
        Kernel entries that meet in one number: inputs times window.  PyTorch counts the *outputs* times window of a
        transposed convolution, because its kernels are stored (in, out, rows, columns).
    seed : int
        The bias takes the next one.

    Raises
    ------
    ValueError
        Unknown name.
    """
    if initialiser == "glorot_uniform":
        return {"kernel_initializer": keras.initializers.GlorotUniform(seed=seed), "bias_initializer": "zeros"}
    if initialiser != "pytorch":
        raise ValueError(f"initialiser {initialiser!r} is not one of pytorch, glorot_uniform")
    bound = fan_in**-0.5
    return {
        "kernel_initializer": keras.initializers.RandomUniform(-bound, bound, seed=seed),
        "bias_initializer": keras.initializers.RandomUniform(-bound, bound, seed=seed + 1),
    }


@keras.saving.register_keras_serializable("calosim_tf")
class Keras1Initialiser(keras.initializers.Initializer):
    """He's and Glorot's laws as Keras 1 had them for kernels of three axes: both fans are the root of their size.

    Later versions count the leading axis of a locally connected kernel, its places, as a window, and start it many
    times smaller.

    Parameters
    ----------
    law : {'he_uniform', 'glorot_uniform', 'glorot_normal'}
        The normal law is not truncated.
    seed : int
    """

    def __init__(self, law: str, seed: int):
        self.law = law
        self.seed = seed

    def __call__(self, shape, dtype=None, **options):
        """Initial weights of that shape."""
        fan = math.sqrt(math.prod(shape))
        if self.law == "glorot_normal":
            chosen = keras.initializers.RandomNormal(0.0, math.sqrt(1.0 / fan), seed=self.seed)
        else:
            bound = math.sqrt({"he_uniform": 6.0, "glorot_uniform": 3.0}[self.law] / fan)
            chosen = keras.initializers.RandomUniform(-bound, bound, seed=self.seed)
        return chosen(shape, dtype=dtype, **options)

    def get_config(self):
        """Arguments of the initialiser."""
        return {"law": self.law, "seed": self.seed}
