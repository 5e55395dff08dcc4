"""The likelihood of held-out showers, by which flows are selected."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from calosim_tf.data.normalisation import Normalisation
from calosim_tf.data.source import ShowerSource
from calosim_tf.errors import ConfigError
from calosim_tf.training.judging.selection import Judge
from calosim_tf.training.model import GenerativeModel

# Showers of a verdict, spread over the held-out part, and of one call (our choices)
JUDGED_SHOWERS, SHOWERS_PER_CALL = 5_000, 500


def likelihood_judge(source: ShowerSource, normalisation: Normalisation, model: GenerativeModel, chi2: Judge) -> Judge:
    """The mean of :meth:`GenerativeModel.held_out_loss`, beside the chi2 of the total energy.

    Raises
    ------
    ConfigError
        The model has no density.
    """
    if model.held_out_loss is None:
        raise ConfigError(
            f"training.selection: found likelihood for training.algorithm = {model.training_config.algorithm}, whose "
            "model has no density, expected chi2 or physics"
        )
    rows = source.holdout_rows
    rows = rows[:: -(-len(rows) // JUDGED_SHOWERS)]
    energy, attributes = source.incident_energy_mev[rows], source.attributes[rows]
    condition = normalisation.label(energy, attributes)
    # relaxed shapes: the last call is shorter
    loss = tf.function(model.held_out_loss, reduce_retracing=True)

    def judge() -> dict[str, str]:
        sums = []
        for first in range(0, len(rows), SHOWERS_PER_CALL):
            part = slice(first, first + SHOWERS_PER_CALL)
            showers = normalisation.to_network(source.read(rows[part]), energy[part])
            noise = np.random.Generator(np.random.Philox(key=model.seed, counter=[0, 0, first, 2])).random(
                showers.shape
            )
            sums.append(loss(showers, condition[part], noise.astype(np.float32)).numpy().sum(dtype=np.float64))
        mean = sum(sums) / len(rows)
        return chi2() | {"held_out_loss": f"{mean:.8g}", "score": f"{mean:.8g}"}

    return judge
