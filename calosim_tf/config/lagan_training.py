"""Settings of the LAGAN training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from calosim_tf.config.checks import at_least, in_half_open_unit
from calosim_tf.config.sections import AdversarialTraining


@dataclass(frozen=True)
class LaganTraining(AdversarialTraining):
    """Non-saturating GAN whose critic also tells the class of a jet; the defaults are those of the authors' code.

    Attributes
    ----------
    class_weight : float
        Weight of the cross-entropy of the class, in all updates.
    label_flip : float
        Probability that a real/generated label is flipped in a critic update.
    class_flip : float
        The same of the requested class of generated jets, in critic updates; the class of real ones is never flipped.
    generator_class_flip : float
        The same in generator updates.
    """

    CRITIC_OPTIMIZER_STEPS: ClassVar[int] = 2

    MODEL: ClassVar[str] = "calosim_tf.training.algorithms.lagan.LaganModel"

    algorithm: str = "lagan"
    batch_size: int = 100
    critic_steps: int = 1
    generator_steps: int = 2
    learning_rate_generator: float = 2e-4
    learning_rate_critic: float = 2e-4
    beta1_generator: float = 0.5
    beta1_critic: float = 0.5
    epsilon: float = 1e-8
    class_weight: float = 1.0
    label_flip: float = 0.05
    class_flip: float = 0.05
    generator_class_flip: float = 0.09

    def __post_init__(self):
        super().__post_init__()
        at_least("training.class_weight", self.class_weight, 0.0)
        for key in ("label_flip", "class_flip", "generator_class_flip"):
            in_half_open_unit(f"training.{key}", getattr(self, key))
