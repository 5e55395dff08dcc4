"""What is taken from tensorflow-addons, which only this file imports.

The package is no longer maintained and has no release for Keras 3, so it is there on Python 3.11 alone; it is imported
inside functions, so nothing else depends on it.
"""

from __future__ import annotations

import functools
import importlib.util
import warnings

from calosim_tf.errors import ConfigError


def has_addons() -> bool:
    """Whether tensorflow-addons is installed."""
    return importlib.util.find_spec("tensorflow_addons") is not None


def require_addons(setting: str, instead: str) -> None:
    """Refuse a setting that needs tensorflow-addons where it is not installed.

    Parameters
    ----------
    setting, instead : str
        What was found, and what can be had without the package.

    Raises
    ------
    ConfigError
    """
    if not has_addons():
        raise ConfigError(
            f"{setting}, which is part of tensorflow-addons, expected {instead}: that package works with Keras 2 alone "
            "(install with Python 3.11)"
        )


def import_addons():
    """The ``tensorflow_addons`` module."""
    with warnings.catch_warnings():
        # the package announces its own end of life on import
        warnings.simplefilter("ignore")
        import tensorflow_addons
    return tensorflow_addons


def build_addons_normalisation(layer, seed: int):
    """``tensorflow_addons.layers.SpectralNormalization`` around ``layer``, under its name.

    The wrapper draws its first vector u from the global generator; here it is a function of ``seed``, so that the same
    run seed gives the same training.
    """
    return _seeded_normalisation()(layer, seed=seed, name=layer.name)


@functools.cache
def _seeded_normalisation():
    import tensorflow as tf

    class SeededSpectralNormalization(import_addons().layers.SpectralNormalization):
        def __init__(self, layer, power_iterations: int = 1, seed: int = 0, **options):
            super().__init__(layer, power_iterations, **options)
            self.seed = seed

        def build(self, input_shape):
            super().build(input_shape)
            self.u.assign(tf.random.stateless_normal(self.u.shape, (self.seed, 0), alg="philox"))

        def get_config(self):
            return {**super().get_config(), "seed": self.seed}

    return SeededSpectralNormalization
