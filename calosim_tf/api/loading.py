"""Generators by name (imports TensorFlow where a network needs it)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from calosim_tf.api.arguments import require_whole
from calosim_tf.api.generator import Generator
from calosim_tf.api.generator_source import GeneratorSource
from calosim_tf.errors import ConfigError
from calosim_tf.inference.backends import ALL_BACKENDS
from calosim_tf.messages import in_a_program

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from calosim_tf.api.showers import Showers


def load(
    name: str | os.PathLike[str],
    *,
    backend: str | None = None,
    precision: str | None = None,
    threads: int = 0,
    particle: str | None = None,
    eta: float | None = None,
) -> Generator:
    """Load a trained generator.

    Parameters
    ----------
    name : str or path
        A run folder, an exported bundle, or ``pretrained:NAME`` for one that comes with the package.
    backend : {"tf", "xla", "onnx", "tflite", "lwtnn"}, optional
        What runs the network.  Unless given TensorFlow runs that of a run folder, and a bundle is run by the first back
        end that it has a file for and that is installed, those without TensorFlow first.
    precision : str, optional
        As ``calosim generate --precision``; ``float32`` unless given.
    threads : int
        0 for one per core.
    particle : str, optional
    eta : float, optional
        Which generator of the bundle of a fleet.

    Returns
    -------
    Generator

    Raises
    ------
    RunFolderError
        There is no such run or bundle, or it is damaged or does not hold the format.
    ConfigError
        Unknown back end, or one that does not run this.

    Examples
    --------
    >>> load("pretrained:photon")
    <generator pretrained:photon: photon_factorised_pretrained, iteration 32000, back end tf, float32>
    """
    with in_a_program(progress=False):
        require_whole("threads", threads, 0)
        source = GeneratorSource.named(os.fspath(name), particle, eta)
        if backend is None:
            backend, precision = source.lightest_way(precision)
        elif backend not in ALL_BACKENDS:
            raise ConfigError(f"backend: found {backend!r}, expected one of: {', '.join(ALL_BACKENDS)}")
        return Generator(source, backend, precision or "float32", threads)


def generate(
    name: str | os.PathLike[str] | Generator, energy_mev: ArrayLike | None = None, **arguments: Any
) -> Showers:
    """Load a generator and make showers: :func:`load` and :meth:`Generator.generate` in one.

    Parameters
    ----------
    name : str, path or Generator
        As for :func:`load`; with the arguments of it.
    energy_mev : number or array_like, shape (n,)
        Incident energies, MeV.
    **arguments
        As for :meth:`Generator.generate`.

    Returns
    -------
    Showers

    Raises
    ------
    CalosimError
        As both of them.

    Examples
    --------
    >>> generate("pretrained:photon", 65536.0, events=3, seed=1)
    <3 showers of photon, 368 voxels: photon_factorised_pretrained, iteration 32000>
    """
    known = ("backend", "precision", "threads", "particle", "eta")
    how = {key: arguments.pop(key) for key in known if key in arguments}
    if isinstance(name, Generator) and how:
        raise ConfigError(f"{', '.join(how)}: found it with a generator that is loaded: give it to load")
    generator = name if isinstance(name, Generator) else load(name, **how)
    return generator.generate(energy_mev, **arguments)
