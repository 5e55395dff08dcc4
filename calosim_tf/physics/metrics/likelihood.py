"""What a model with a density says of generated and of real showers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from calosim_tf.physics.metrics.comparison import Comparison
from calosim_tf.physics.metrics.metric import OVERALL, Measured, Metric
from calosim_tf.physics.metrics.statistics import mean_with_error
from calosim_tf.physics.observables.sample import Sample

NLL = "nll"
# Showers of either sample: minutes for a student, whose density takes one pass for each voxel (our choice)
MOST_SHOWERS = 2_000


def likelihood_metric(loss: Callable[[Sample], np.ndarray]) -> Metric:
    """The metric ``nll`` of a model.

    Parameters
    ----------
    loss : callable
        From showers to -ln p of each, nats per voxel, shape (n,).
    """

    def measured(comparison: Comparison, _: np.random.Generator) -> dict[str, Measured]:
        generated, reference = (
            mean_with_error(loss(sample.at_most(MOST_SHOWERS)))
            for sample in (comparison.generated, comparison.reference)
        )
        return {"": Measured(*generated, reference_value=reference[0], extra={"reference_error": reference[1]})}

    return Metric(
        NLL,
        "nats per voxel",
        measured,
        "Mean of -ln p of generated showers, and of the reference as reference_value, by the generator's own density "
        f"in the space of its logits; at most {MOST_SHOWERS} showers of each. Error: standard error of the mean.",
        scopes=(OVERALL,),
        most=MOST_SHOWERS,
        matched=False,
        networks=True,
    )
