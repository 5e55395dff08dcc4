"""Settings of the Wasserstein loss with gradient penalty."""

from __future__ import annotations

from dataclasses import dataclass

from calosim_tf.config.checks import at_least
from calosim_tf.config.sections import TrainingConfig


@dataclass(frozen=True)
class WganGpTraining(TrainingConfig):
    """WGAN-GP (Gulrajani et al. 2017).

    Attributes
    ----------
    penalty_weight : float
        Weight of the gradient penalty (lambda).
    """

    algorithm: str = "wgan_gp"
    penalty_weight: float = 3.0

    def __post_init__(self):
        super().__post_init__()
        at_least("training.penalty_weight", self.penalty_weight, 0.0)
