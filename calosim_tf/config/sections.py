"""Data contract, training and run settings of an experiment, and the numbers published for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from calosim_tf.config.checks import above, at_least, choice, in_half_open_unit
from calosim_tf.errors import ConfigError

OPTIMIZERS = ("adam", "rmsprop", "adamw", "radam_lookahead")
SCHEDULES = ("constant", "cosine", "cyclical")
ENERGY_LABELS = ("log", "max")
SELECTIONS = ("chi2", "physics", "likelihood")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
SYMMETRIES = ("none", "exact", "always")


@dataclass(frozen=True)
class DataConfig:
    """What the training data are.

    Attributes
    ----------
    layout : str
        Detector name of :mod:`calosim_tf.geometry`.
    keys : tuple of str
        Datasets that have other names in the files than in the layout: ``NAME=DATASET``, a path in HDF5.
    energy_min_mev, energy_max_mev : float or None
        Incident energies used, inclusive at both ends.
    holdout_fraction : float
        Part that is never trained on; it selects the checkpoint and judges the result.
    memory_limit_gib : float or None
        Showers beyond this are read from disk in blocks; ``None`` is a quarter of the machine's memory.
    mask_mev : float
        Voxels below this are set to 0 before training, 0 for none.
    normalise_per_energy : bool
        Also divide voxels by the mean response (deposited over kinetic energy) at their incident energy.
    normalisation : str or None
        What showers and particles look like to the networks, a kind of :mod:`calosim_tf.data.normalisations`:
        ``kinetic``, ``layer``, ``log_cells``, ``mev_cells``, ``gev``, ``hundred_gev``, ``cube``, ``mev_cube``,
        ``layer_energies``;
        ``None`` is the one that the network was published with.
    standardize_conditions : bool
        Subtract the mean of each condition of the training showers and divide by its standard deviation (LHCb).
    energy_label : {'log', 'max'}
        ``log``: ln(kin / kin_min) / ln(kin_max / kin_min); ``max``: kin / kin_max.
    balance_energies : bool
        Every minibatch holds as many showers of each incident energy, or of each of 8 ranges of ln E where energies are
        continuous; ``training.batch_size`` is a multiple of their number.
    symmetry : {'none', 'exact', 'always'}
        Turn and mirror each training shower at random, by the symmetries of the voxels.  ``exact``: where the record of
        the detector says of this sample that such showers are as likely; ``always``: whatever it says.
    """

    layout: str = "photon"
    energy_min_mev: float | None = None
    energy_max_mev: float | None = None
    holdout_fraction: float = 0.2
    memory_limit_gib: float | None = None
    mask_mev: float = 0.0
    normalise_per_energy: bool = False
    energy_label: str = "log"
    standardize_conditions: bool = False
    normalisation: str | None = None
    balance_energies: bool = False
    symmetry: str = "none"
    keys: tuple[str, ...] = ()

    def __post_init__(self):
        if not 0.0 < self.holdout_fraction < 1.0:
            raise ConfigError(f"data.holdout_fraction: found {self.holdout_fraction!r}, expected a number in (0, 1)")
        if self.memory_limit_gib is not None:
            at_least("data.memory_limit_gib", self.memory_limit_gib, 0.0)
        at_least("data.mask_mev", self.mask_mev, 0.0)
        choice("data.energy_label", self.energy_label, ENERGY_LABELS)
        choice("data.symmetry", self.symmetry, SYMMETRIES)
        low, high = self.energy_min_mev, self.energy_max_mev
        if low is not None and high is not None and low > high:
            raise ConfigError(f"data.energy_min_mev: found {low!r}, expected at most data.energy_max_mev = {high!r}")


@dataclass(frozen=True)
class Stage:
    """A part of a run in which some of its networks are trained on one loss.

    Attributes
    ----------
    name : str
        Empty where a run has one stage.
    networks : tuple of str
        Names of those that are trained.
    first, last : int
        It makes iterations ``first + 1`` to ``last`` of the run.
    batch_size : int
        Showers of one update.
    showers_per_iteration : int
        Real showers that one iteration consumes.
    """

    name: str
    networks: tuple[str, ...]
    first: int
    last: int
    batch_size: int
    showers_per_iteration: int

    @property
    def trains_generator(self) -> bool:
        """Whether what is judged and exported changes here."""
        return "generator" in self.networks

    def trains_part_of(self, generator) -> bool:
        """Whether the generator or a part of it, a layer of the name of a trained network, changes here."""
        return self.trains_generator or any(layer.name in self.networks for layer in generator.layers)


@dataclass(frozen=True)
class TrainingConfig:
    """Optimisers and schedule, common to all losses; each loss adds its own settings in a subclass.

    Each network that a loss trains has its own optimiser, with settings ``optimizer_NETWORK``,
    ``learning_rate_NETWORK``, ``beta1_NETWORK`` and ``beta2_NETWORK``; those of the generator are here, a subclass with
    auxiliary models adds theirs.

    Attributes
    ----------
    algorithm : str
        Training algorithm; each subclass has its own.
    iterations : int
        Iterations of a complete run.
    checkpoint_every, log_every : int
        Iterations between checkpoints (with physics selection) and between rows of ``history.csv``.
    optimizer_generator : {'adam', 'rmsprop', 'adamw', 'radam_lookahead'}
        The last two come from tensorflow-addons.  For ``rmsprop`` beta1 is the momentum and beta2 the decay of the
        squared gradient.
    weight_decay : float
        Decoupled weight decay per update of ``adamw``.
    schedule : {'constant', 'cosine', 'cyclical'}
        Learning-rate schedule of all optimisers.  ``cosine`` falls from the full rate to ``schedule_floor`` times it
        over ``schedule_iterations`` iterations and stays there.  ``cyclical`` rises linearly from ``schedule_floor``
        times the rate to the full one and back, once per ``schedule_iterations`` iterations.
    warmup_iterations : int
        All learning rates rise linearly from ``warmup_from`` times their value over this many iterations (Goyal et al.
        2017, section 2.2, for large batches); 0 for none.
    warmup_from : float
        Share of the learning rates that a warm-up begins at.
    gradient_clip : float
        Largest norm of all gradients of an update together, 0 for none; of ``adam`` and ``rmsprop``.
    generator_average : float
        Decay per iteration of an exponential moving average of the generator's weights, 0 for none.  With an average,
        it is the average that is judged, selected and exported.
    selection : {'chi2', 'physics', 'likelihood'}
        What the best checkpoint is chosen by: chi2/NDF of the total energy (the papers' rule), or also separation
        powers, recall and density (calosim_tf.training.judging.selection); or, for models with a density, the
        likelihood of the held-out part.
    precision : {'float32', 'mixed_bfloat16', 'mixed_float16'}
        What the inner layers of the networks multiply in; weights, losses and what is judged and exported are float32.
        ``mixed_float16`` scales the losses, so that small gradients are not lost.
    """

    # Networks with an optimiser, in the order of their updates' variables
    NETWORKS: ClassVar[tuple[str, ...]] = ("generator",)
    # Dotted name of the model that trains with these settings
    MODEL: ClassVar[str] = ""
    KNOWN_SCHEDULES: ClassVar[tuple[str, ...]] = SCHEDULES
    KNOWN_OPTIMIZERS: ClassVar[tuple[str, ...]] = OPTIMIZERS

    algorithm: str = "none"
    batch_size: int = 1024
    iterations: int = 1_000_000
    checkpoint_every: int = 1_000
    log_every: int = 10
    optimizer_generator: str = "adam"
    learning_rate_generator: float = 1e-4
    beta1_generator: float = 0.5
    beta2_generator: float = 0.999
    epsilon: float = 1e-7
    weight_decay: float = 1e-4
    schedule: str = "constant"
    schedule_iterations: int = 0
    schedule_floor: float = 0.0
    warmup_iterations: int = 0
    warmup_from: float = 0.0
    gradient_clip: float = 0.0
    generator_average: float = 0.0
    selection: str = "chi2"
    precision: str = "float32"
    jit_compile: bool = False

    def __post_init__(self):
        # the settings are those of one loss, so another one cannot be chosen by name
        choice("training.algorithm", self.algorithm, (type(self).algorithm,))
        for key in ("batch_size", "iterations", "checkpoint_every", "log_every"):
            at_least(f"training.{key}", getattr(self, key), 1)
        for network in self.NETWORKS:
            choice(f"training.optimizer_{network}", self.setting("optimizer", network), self.KNOWN_OPTIMIZERS)
            above(f"training.learning_rate_{network}", self.setting("learning_rate", network), 0.0)
            in_half_open_unit(f"training.beta1_{network}", self.setting("beta1", network))
            in_half_open_unit(f"training.beta2_{network}", self.setting("beta2", network))
        above("training.epsilon", self.epsilon, 0.0)
        at_least("training.weight_decay", self.weight_decay, 0.0)
        choice("training.schedule", self.schedule, self.KNOWN_SCHEDULES)
        if self.schedule not in ("constant", "steps"):
            at_least("training.schedule_iterations", self.schedule_iterations, 1)
        in_half_open_unit("training.schedule_floor", self.schedule_floor)
        at_least("training.warmup_iterations", self.warmup_iterations, 0)
        in_half_open_unit("training.warmup_from", self.warmup_from)
        at_least("training.gradient_clip", self.gradient_clip, 0.0)
        choice("training.selection", self.selection, SELECTIONS)
        choice("training.precision", self.precision, PRECISIONS)
        in_half_open_unit("training.generator_average", self.generator_average)

    def setting(self, kind: str, network: str):
        """Value of ``{kind}_{network}``, for example the ``learning_rate`` of the generator."""
        return getattr(self, f"{kind}_{network}")

    @property
    def showers_per_iteration(self) -> int:
        """Real showers that one iteration consumes."""
        return self.batch_size

    @property
    def updates_words(self) -> str:
        """The updates of one iteration, for messages."""
        return ""

    def optimizer_steps_per_iteration(self, network: str) -> int:
        """Steps that the optimiser of a network counts in one iteration."""
        return 1

    def schedule_of(self, network: str) -> str:
        """Schedule of a network's learning rate."""
        return self.schedule

    def schedule_length(self, network: str) -> int:
        """Iterations of the schedule of a network's learning rate."""
        return self.schedule_iterations

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Stages of the run in order, without gaps; one, unless a subclass divides it (:meth:`divided`)."""
        return self.divided(("", self.NETWORKS, self.iterations))

    def divided(self, *parts: tuple[str, tuple[str, ...], int]) -> tuple[Stage, ...]:
        """Stages of (name, networks, iterations), cut off at the end of the run, up to which the last one continues."""
        stages, first = [], 0
        for position, (name, networks, iterations) in enumerate(parts, start=1):
            last = self.iterations if position == len(parts) else min(first + iterations, self.iterations)
            if last > first:
                stages.append(Stage(name, networks, first, last, self.batch_size, self.showers_per_iteration))
            first = last
        return tuple(stages)

    def stage_of(self, iteration: int) -> Stage:
        """The stage that made an iteration, counted from 1; the first or last one beyond the ends of the run."""
        return next((stage for stage in self.stages if iteration <= stage.last), self.stages[-1])


@dataclass(frozen=True)
class AdversarialTraining(TrainingConfig):
    """What all losses of a generator and a critic have in common.

    One iteration is ``critic_steps`` critic updates and ``generator_steps`` generator updates.

    Attributes
    ----------
    reuse_minibatch : bool
        All critic updates of an iteration see the same real showers; otherwise each sees fresh ones.
    """

    NETWORKS: ClassVar[tuple[str, ...]] = ("generator", "critic")
    # Steps of the optimiser in one critic update; 2 where real and generated showers are learnt one after another
    CRITIC_OPTIMIZER_STEPS: ClassVar[int] = 1

    critic_steps: int = 8
    generator_steps: int = 1
    reuse_minibatch: bool = False
    optimizer_critic: str = "adam"
    learning_rate_critic: float = 1e-4
    beta1_critic: float = 0.9
    beta2_critic: float = 0.999

    def __post_init__(self):
        super().__post_init__()
        for key in ("critic_steps", "generator_steps"):
            at_least(f"training.{key}", getattr(self, key), 1)

    @property
    def showers_per_iteration(self) -> int:
        """Real showers that one iteration consumes."""
        return self.batch_size * (1 if self.reuse_minibatch else self.critic_steps)

    @property
    def updates_words(self) -> str:
        """The updates of one iteration, for messages."""
        return f" of {self.critic_steps} critic and {self.generator_steps} generator updates"

    def optimizer_steps_per_iteration(self, network: str) -> int:
        """Steps that the optimiser of ``generator`` or ``critic`` counts in one iteration."""
        return self.critic_steps * self.CRITIC_OPTIMIZER_STEPS if network == "critic" else self.generator_steps


@dataclass(frozen=True)
class TaughtTraining(TrainingConfig):
    """What losses have in common that learn from the generator of another run.

    Attributes
    ----------
    teacher : str
        Run folder of that generator; its best checkpoint is taken, and recorded by its checksums.
    """

    teacher: str = ""


@dataclass(frozen=True)
class RunConfig:
    """Where and how a run is kept; nothing here changes what is learnt but ``seed``."""

    seed: int = 11  # authors' code
    out: str = ""
    keep_checkpoints: int = 3
    threads: int = 0

    def __post_init__(self):
        if not 0 <= self.seed < 2**31:
            raise ConfigError(f"run.seed: found {self.seed!r}, expected an integer in [0, 2^31)")
        at_least("run.keep_checkpoints", self.keep_checkpoints, 1)
        at_least("run.threads", self.threads, 0)


@dataclass(frozen=True)
class Published:
    """A number printed in a paper, with what it was measured on."""

    what: str
    value: float
    n: str
    source: str
