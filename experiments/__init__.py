"""Published results, and variations of them, as typed configurations; one small file per system."""

from __future__ import annotations

import difflib

from calosim_tf.config import AnyExperiment
from calosim_tf.errors import ConfigError
from calosim_tf.experiments import calogan, fastcalogan, lhcb, photon, pion, three_d_gan

MODULES = (photon, pion, fastcalogan, lhcb, calogan, three_d_gan)
EXPERIMENTS: dict[str, AnyExperiment] = {
    experiment.name: experiment for module in MODULES for experiment in module.EXPERIMENTS
}


def get_experiment(name: str) -> AnyExperiment:
    """Experiment of that name; :class:`ConfigError` proposes the nearest one."""
    if name in EXPERIMENTS:
        return EXPERIMENTS[name]
    close = difflib.get_close_matches(name, EXPERIMENTS, n=1)
    hint = f"did you mean {close[0]!r}?" if close else "see `calosim list`"
    raise ConfigError(f"experiment {name!r} is unknown: {hint}")
