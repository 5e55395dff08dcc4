"""Settings of the (Conditional) CaloGAN training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from calosim_tf.config.calogan_network import ATTRIBUTES
from calosim_tf.config.checks import above, at_least, choice, in_half_open_unit
from calosim_tf.config.sections import AdversarialTraining
from calosim_tf.errors import ConfigError

ATTRIBUTE_LOSSES = ("real", "real_and_fake")


@dataclass(frozen=True)
class CaloGanTraining(AdversarialTraining):
    """Non-saturating GAN with an energy and an attribute term; the defaults are those of the authors' release code.

    Attributes
    ----------
    energy_weight : float
        Weight of the mean absolute deviation of the deposited from the incident energy in GeV.  It reaches the
        generator only: the sum of the cells has no weights in the critic.
    attribute_weights : tuple of float
        The term is the mean over theta, phi (rad), x0, y0 (mm) of weight times mean absolute error, unscaled; a single
        number applies to all four.  (The paper has a vector without values, the code one number.)
    attribute_loss_on : {'real_and_fake', 'real'}
        Where the critic learns the attributes: in both of its updates (code) or from real showers only (eq. 3 of the
        paper).  The generator's updates always have the term.
    label_flip : float
        Probability that a real/generated label is flipped in a critic update.  The paper says label flipping without a
        number, and 0.05 is what the authors' LAGAN code does; their release code flips none: 0.
    generated_energy_min_gev, generated_energy_max_gev : float or None
        Incident energies of generated showers are uniform between these; ``None`` is the end of the training sample.
    """

    CRITIC_OPTIMIZER_STEPS: ClassVar[int] = 2

    MODEL: ClassVar[str] = "calosim_tf.training.algorithms.calogan.CaloGanModel"

    algorithm: str = "calogan"
    batch_size: int = 256
    critic_steps: int = 1
    generator_steps: int = 2
    learning_rate_generator: float = 2e-4
    learning_rate_critic: float = 2e-5
    beta1_generator: float = 0.5
    beta1_critic: float = 0.5
    energy_weight: float = 0.05
    attribute_weights: tuple[float, ...] = (0.01,)
    attribute_loss_on: str = "real_and_fake"
    label_flip: float = 0.05
    generated_energy_min_gev: float | None = None
    generated_energy_max_gev: float | None = None

    def __post_init__(self):
        super().__post_init__()
        at_least("training.energy_weight", self.energy_weight, 0.0)
        choice("training.attribute_loss_on", self.attribute_loss_on, ATTRIBUTE_LOSSES)
        in_half_open_unit("training.label_flip", self.label_flip)
        if len(self.attribute_weights) not in (1, len(ATTRIBUTES)) or min(self.attribute_weights) < 0.0:
            raise ConfigError(
                f"training.attribute_weights: found {self.attribute_weights!r}, expected one number >= 0 or one for "
                f"each of {', '.join(ATTRIBUTES)}"
            )
        low, high = self.generated_energy_min_gev, self.generated_energy_max_gev
        if low is not None:
            above("training.generated_energy_min_gev", low, 0.0)
        if high is not None:
            above("training.generated_energy_max_gev", high, 0.0 if low is None else low)
