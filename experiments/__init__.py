"""Published results, and variations of them, as typed configurations; one small file per system."""

from __future__ import annotations

import difflib
import importlib
import pkgutil

from calosim_tf.config import AnyExperiment
from calosim_tf.errors import ConfigError
from calosim_tf.experiments.quick import SMOKE_SUFFIX


def _collect() -> dict[str, AnyExperiment]:
    """Tuples ``EXPERIMENTS`` of all modules in this folder: a new file is all that a new experiment needs."""
    found: dict[str, AnyExperiment] = {}
    for _, name, _ in pkgutil.iter_modules(__path__):
        try:
            module = importlib.import_module(f"{__name__}.{name}")
        except ConfigError as error:
            raise ConfigError(f"experiments/{name}.py: {error}") from error
        for experiment in getattr(module, "EXPERIMENTS", ()):
            if experiment.name in found:
                raise ConfigError(f"{module.__file__}: experiment {experiment.name!r} is there already, rename it")
            found[experiment.name] = experiment
    return found


EXPERIMENTS: dict[str, AnyExperiment] = _collect()


def get_experiment(name: str) -> AnyExperiment:
    """Experiment of that name; :class:`ConfigError` proposes the nearest one."""
    if name in EXPERIMENTS:
        return EXPERIMENTS[name]
    close = difflib.get_close_matches(name, EXPERIMENTS, n=1)
    hint = f"did you mean {close[0]!r}?" if close else "see `calosim list`"
    raise ConfigError(f"experiment {name!r} is unknown: {hint}")


def full_size(name: str) -> AnyExperiment | None:
    """The experiment that ``<name>_smoke`` was cut from; None for any other."""
    return get_experiment(name.removesuffix(SMOKE_SUFFIX)) if name.endswith(SMOKE_SUFFIX) else None
