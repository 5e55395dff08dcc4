"""Generative calorimeter shower simulation on TensorFlow and Keras.

For Python programs: :func:`load`, :func:`generate`, :func:`open_showers`, :func:`evaluate` and :func:`train`, with the
types that they give.  They come from :mod:`calosim_tf.api` when they are asked for, so that importing the package costs
nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from calosim_tf.api import (
        CalosimError,
        CalosimWarning,
        Generator,
        GeneratorInfo,
        Showers,
        TrainedRun,
        evaluate,
        generate,
        load,
        open_showers,
        train,
    )

__version__ = "0.2.0"

__all__ = [
    "CalosimError",
    "CalosimWarning",
    "Generator",
    "GeneratorInfo",
    "Showers",
    "TrainedRun",
    "evaluate",
    "generate",
    "load",
    "open_showers",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    globals()[name] = found = getattr(import_module(f"{__name__}.api"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
