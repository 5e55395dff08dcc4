"""Settings of the Wasserstein loss with gradient penalty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from calosim_tf.config.checks import at_least, choice
from calosim_tf.config.sections import AdversarialTraining

PENALTIES = ("interpolated", "local")


@dataclass(frozen=True)
class WganGpTraining(AdversarialTraining):
    """WGAN-GP (Gulrajani et al. 2017).

    Attributes
    ----------
    penalty_weight : float
        Weight of the gradient penalty (lambda).
    penalty : {'interpolated', 'local'}
        Where the gradient is taken: between real and generated showers, or around real ones (code of the LHCb WGAN,
        with weight 0.1).
    penalty_noise : float
        Standard deviation of the normal noise that leads away from a real shower in the ``local`` penalty, in the units
        of the critic's input.  The code of the LHCb WGAN has 10, which is more than the logarithm of any cell energy;
        the default is that of its authors' colleagues.
    instance_noise : float
        Standard deviation of normal noise added to every input of the critic, drawn again in every update; 0 for none.
    """

    MODEL: ClassVar[str] = "calosim_tf.training.algorithms.wasserstein.WassersteinGpModel"

    algorithm: str = "wgan_gp"
    penalty_weight: float = 3.0
    penalty: str = "interpolated"
    penalty_noise: float = 0.01
    instance_noise: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        at_least("training.penalty_weight", self.penalty_weight, 0.0)
        choice("training.penalty", self.penalty, PENALTIES)
        at_least("training.penalty_noise", self.penalty_noise, 0.0)
        at_least("training.instance_noise", self.instance_noise, 0.0)
