"""What the trainings of flows have in common: schedules of the learning rate, float32."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from calosim_tf.config.checks import above
from calosim_tf.config.sections import SCHEDULES, TrainingConfig
from calosim_tf.errors import ConfigError

FLOW_SCHEDULES = (*SCHEDULES, "steps", "one_cycle", "triangular")


@dataclass(frozen=True)
class FlowTraining(TrainingConfig):
    """Schedules of the learning rate that CaloFlow uses beside those of every training; no reduced precision.

    Attributes
    ----------
    schedule : str
        Also ``steps``: the rate is multiplied by ``step_factor`` at each of ``step_iterations``.  ``one_cycle`` (Smith
        and Topin, three phases): from ``cycle_begin`` times the rate up to it and back, each in the share
        ``cycle_rise`` of ``schedule_iterations``, then down to ``cycle_end`` times what it began with; beta1 goes from
        0.95 to 0.85 and back meanwhile.  ``triangular``: from ``schedule_floor`` times the rate linearly up and back
        every ``schedule_iterations``, each peak half as far above the floor as the one before.
    step_iterations : tuple of int
    step_factor : float
    cycle_rise, cycle_begin, cycle_end : float
    """

    KNOWN_SCHEDULES: ClassVar[tuple[str, ...]] = FLOW_SCHEDULES

    beta1_generator: float = 0.9
    epsilon: float = 1e-8
    step_iterations: tuple[int, ...] = ()
    step_factor: float = 0.5
    cycle_rise: float = 0.4
    cycle_begin: float = 0.04
    cycle_end: float = 1e-4

    def __post_init__(self):
        super().__post_init__()
        if self.precision != "float32":
            raise ConfigError(
                f"training.precision: found {self.precision}, which no layer of a flow can work in, expected float32"
            )
        if list(self.step_iterations) != sorted(set(self.step_iterations)) or min(self.step_iterations, default=1) < 1:
            raise ConfigError(
                f"training.step_iterations: found {self.step_iterations!r}, expected ascending numbers >= 1"
            )
        for key in ("step_factor", "cycle_begin", "cycle_end"):
            above(f"training.{key}", getattr(self, key), 0.0)
        if not 0.0 < self.cycle_rise <= 0.5:
            raise ConfigError(f"training.cycle_rise: found {self.cycle_rise!r}, expected a number in (0, 0.5]")

    def schedule_steps(self, network: str) -> tuple[int, ...]:
        """Iterations after which the learning rate of a network falls."""
        return self.step_iterations
