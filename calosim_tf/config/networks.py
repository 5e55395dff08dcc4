"""All network families and all losses by their name in a configuration.

They are discovered automatically: a new one only needs a module in this folder, or in one inside it, whose name ends in
``network`` or ``training``; one file may hold both.
"""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Protocol

from calosim_tf.config.network import LatentLaw
from calosim_tf.config.sections import TrainingConfig

ENDINGS = ("network", "training")


class Network(Protocol):
    """Settings of a network family: a frozen dataclass.

    Attributes
    ----------
    family : str
        Module of :mod:`calosim_tf.models` that builds the networks; the whole dotted name where it lies elsewhere.
    latent : LatentLaw
    condition_size : int
    normalisation : str
        How showers become training tensors, unless ``data.normalisation`` says otherwise.
    layer_shapes : tuple of (int, int)
        Rows and columns of the detector's layers that it is built for; empty for any.
    showers_shape : tuple of int
        Shape of one training tensor.
    """

    family: ClassVar[str]
    latent: LatentLaw
    condition_size: int
    normalisation: str
    layer_shapes: tuple[tuple[int, int], ...]
    showers_shape: tuple[int, ...]


def _modules() -> list[ModuleType]:
    found = pkgutil.walk_packages([str(Path(__file__).parent)], f"{__package__}.")
    return [importlib.import_module(name) for name in sorted(item.name for item in found) if name.endswith(ENDINGS)]


def _classes(word: str) -> dict[str, Any]:
    """Dataclasses with a class attribute ``word``, by its value, each from the module that defines it."""
    return {
        getattr(item, word): item
        for module in _modules()
        for item in vars(module).values()
        if dataclasses.is_dataclass(item) and item.__module__ == module.__name__ and hasattr(item, word)
    }


NETWORKS: dict[str, type[Network]] = _classes("family")
TRAININGS: dict[str, type[TrainingConfig]] = _classes("algorithm")
