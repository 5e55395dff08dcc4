"""Settings of the hinge loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from calosim_tf.config.checks import at_least
from calosim_tf.config.sections import AdversarialTraining


@dataclass(frozen=True)
class HingeTraining(AdversarialTraining):
    """Hinge loss of the LHCb SAGAN; batch, rates and critic steps are the paper's.

    Attributes
    ----------
    instance_noise : float
        Standard deviation of normal noise added to every input of the critic, drawn again in every update and in the
        units of its input; 0 for none.  The paper names none; the authors' code has 0.01, but adds it again and again
        to the same real minibatch, which is not copied.
    """

    MODEL: ClassVar[str] = "calosim_tf.training.algorithms.hinge.HingeModel"

    algorithm: str = "hinge"
    batch_size: int = 512
    critic_steps: int = 3
    reuse_minibatch: bool = True  # authors' code
    # 20 epochs of 200 000 showers, which the counters of batch normalisation in a released generator add up to
    iterations: int = 7_820
    learning_rate_generator: float = 1e-4
    learning_rate_critic: float = 4e-4
    # authors' code; the paper is silent
    beta1_generator: float = 0.0
    beta1_critic: float = 0.0
    epsilon: float = 1e-8  # PyTorch's
    instance_noise: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        at_least("training.instance_noise", self.instance_noise, 0.0)
