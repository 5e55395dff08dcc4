"""Typed, frozen configuration of an experiment: network, data contract, training, run (no TensorFlow).

A configuration is data: every value can be read here or in the experiment file that sets it, overridden by a dotted key
(``training.batch_size=256``) and written to and read from JSON.  Unknown keys and illegal values are
:class:`~calosim_tf.errors.ConfigError`.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from calosim_tf.errors import ConfigError

ACTIVATIONS = ("relu", "swish", "linear")
INITIALISERS = ("glorot_normal", "glorot_uniform", "he_normal", "he_uniform")
OPTIMIZERS = ("adam", "adamw", "radam_lookahead")
BN_MODES = ("frozen", "batch")
BN_PLACES = ("none", "hidden", "all")
SCHEDULES = ("constant", "cosine")


def _choice(key: str, value: Any, allowed: Iterable[Any]) -> None:
    allowed = tuple(allowed)
    if value not in allowed:
        raise ConfigError(f"{key}: found {value!r}, expected one of {', '.join(map(str, allowed))}")


def _at_least(key: str, value: float, low: float) -> None:
    if not value >= low:
        raise ConfigError(f"{key}: found {value!r}, expected a number >= {low}")


def _above(key: str, value: float, low: float) -> None:
    if not value > low:
        raise ConfigError(f"{key}: found {value!r}, expected a number > {low}")


def _in_half_open_unit(key: str, value: float) -> None:
    if not 0.0 <= value < 1.0:
        raise ConfigError(f"{key}: found {value!r}, expected a number in [0, 1)")


@dataclass(frozen=True)
class LatentLaw:
    """Independent normal components fed to the generator."""

    size: int = 100
    mean: float = 0.5
    std: float = 0.5

    def __post_init__(self):
        _at_least("network.latent.size", self.size, 1)
        _above("network.latent.std", self.std, 0.0)


@dataclass(frozen=True)
class DenseGanNetwork:
    """Fully connected generator and critic of CaloShowerGAN.

    Attributes
    ----------
    latent : LatentLaw
    condition_size : int
        Numbers that condition both networks (one energy label).
    n_outputs : int
        Voxels of a shower.
    generator_units, critic_units : tuple of int
        Hidden layer widths.
    generator_bn : {'none', 'hidden', 'all'}
        Where batch normalisation stands; ``all`` includes the output layer.
    bn_mode : {'frozen', 'batch'}
        ``frozen``: moving statistics stay at 0 and 1, so the layer is a trained affine map (what the authors' loop
        does); ``batch``: textbook batch statistics in training.
    """

    family: ClassVar[str] = "calo_shower_gan"

    latent: LatentLaw = field(default_factory=LatentLaw)
    condition_size: int = 1
    n_outputs: int = 368
    generator_units: tuple[int, ...] = (100, 200, 400)
    generator_activation: str = "swish"
    output_activation: str = "swish"
    generator_bn: str = "all"
    bn_mode: str = "frozen"
    generator_initialiser: str = "glorot_normal"
    critic_units: tuple[int, ...] = (368, 368, 368)
    critic_activation: str = "relu"
    critic_initialiser: str = "he_uniform"

    def __post_init__(self):
        _at_least("network.condition_size", self.condition_size, 1)
        _at_least("network.n_outputs", self.n_outputs, 1)
        for key in ("generator_units", "critic_units"):
            units = getattr(self, key)
            if not units or min(units) < 1:
                raise ConfigError(f"network.{key}: found {units!r}, expected at least one width >= 1")
        for key in ("generator_activation", "output_activation", "critic_activation"):
            _choice(f"network.{key}", getattr(self, key), ACTIVATIONS)
        for key in ("generator_initialiser", "critic_initialiser"):
            _choice(f"network.{key}", getattr(self, key), INITIALISERS)
        _choice("network.generator_bn", self.generator_bn, BN_PLACES)
        _choice("network.bn_mode", self.bn_mode, BN_MODES)


NETWORKS = {network.family: network for network in (DenseGanNetwork,)}


@dataclass(frozen=True)
class DataConfig:
    """What the training data are.

    Attributes
    ----------
    layout : str
        Detector name of :mod:`calosim_tf.geometry`.
    energy_min_mev, energy_max_mev : float or None
        Incident energies used, inclusive at both ends.
    holdout_fraction : float
        Part that is never trained on; it selects the checkpoint and judges the result.
    memory_limit_gib : float or None
        Showers beyond this are read from disk in blocks; ``None`` is a quarter of the machine's memory.
    """

    layout: str = "photon"
    energy_min_mev: float | None = None
    energy_max_mev: float | None = None
    holdout_fraction: float = 0.2
    memory_limit_gib: float | None = None

    def __post_init__(self):
        if not 0.0 < self.holdout_fraction < 1.0:
            raise ConfigError(f"data.holdout_fraction: found {self.holdout_fraction!r}, expected a number in (0, 1)")
        if self.memory_limit_gib is not None:
            _at_least("data.memory_limit_gib", self.memory_limit_gib, 0.0)
        low, high = self.energy_min_mev, self.energy_max_mev
        if low is not None and high is not None and low > high:
            raise ConfigError(f"data.energy_min_mev: found {low!r}, expected at most data.energy_max_mev = {high!r}")


@dataclass(frozen=True)
class TrainingConfig:
    """Loss, optimisers and schedule.  One iteration is ``critic_steps`` critic updates and ``generator_steps``
    generator updates.

    Attributes
    ----------
    algorithm : str
        Training algorithm (``wgan_gp``).
    iterations : int
        Iterations of a complete run.
    checkpoint_every, log_every : int
        Iterations between checkpoints (with physics selection) and between rows of ``history.csv``.
    optimizer_generator, optimizer_critic : {'adam', 'adamw', 'radam_lookahead'}
        The last two come from tensorflow-addons.
    weight_decay : float
        Decoupled weight decay per update of ``adamw``.
    schedule : {'constant', 'cosine'}
        Learning-rate schedule of both optimisers; ``cosine`` falls from the full rate to ``schedule_floor`` times it
        over ``schedule_iterations`` iterations and stays there.
    generator_average : float
        Decay per iteration of an exponential moving average of the generator's weights, 0 for none.  With an average,
        it is the average that is judged, selected and exported.
    """

    algorithm: str = "wgan_gp"
    batch_size: int = 1024
    critic_steps: int = 8
    generator_steps: int = 1
    iterations: int = 1_000_000
    checkpoint_every: int = 1_000
    log_every: int = 10
    penalty_weight: float = 3.0
    optimizer_generator: str = "adam"
    optimizer_critic: str = "adam"
    learning_rate_generator: float = 1e-4
    learning_rate_critic: float = 1e-4
    beta1_generator: float = 0.5
    beta1_critic: float = 0.9
    beta2_generator: float = 0.999
    beta2_critic: float = 0.999
    epsilon: float = 1e-7
    weight_decay: float = 1e-4
    schedule: str = "constant"
    schedule_iterations: int = 0
    schedule_floor: float = 0.0
    generator_average: float = 0.0
    jit_compile: bool = False

    def __post_init__(self):
        _choice("training.algorithm", self.algorithm, ("wgan_gp",))
        for key in ("batch_size", "critic_steps", "generator_steps", "iterations", "checkpoint_every", "log_every"):
            _at_least(f"training.{key}", getattr(self, key), 1)
        _at_least("training.penalty_weight", self.penalty_weight, 0.0)
        for key in ("generator", "critic"):
            _choice(f"training.optimizer_{key}", getattr(self, f"optimizer_{key}"), OPTIMIZERS)
            _above(f"training.learning_rate_{key}", getattr(self, f"learning_rate_{key}"), 0.0)
            _in_half_open_unit(f"training.beta1_{key}", getattr(self, f"beta1_{key}"))
            _in_half_open_unit(f"training.beta2_{key}", getattr(self, f"beta2_{key}"))
        _above("training.epsilon", self.epsilon, 0.0)
        _at_least("training.weight_decay", self.weight_decay, 0.0)
        _choice("training.schedule", self.schedule, SCHEDULES)
        if self.schedule != "constant":
            _at_least("training.schedule_iterations", self.schedule_iterations, 1)
        _in_half_open_unit("training.schedule_floor", self.schedule_floor)
        _in_half_open_unit("training.generator_average", self.generator_average)


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
        _at_least("run.keep_checkpoints", self.keep_checkpoints, 1)
        _at_least("run.threads", self.threads, 0)


@dataclass(frozen=True)
class Published:
    """A number printed in a paper, with what it was measured on."""

    what: str
    value: float
    n: str
    source: str


@dataclass(frozen=True)
class Experiment:
    """One published result, or a variation of it, as data."""

    name: str
    paper: str
    summary: str
    network: DenseGanNetwork
    data: DataConfig = field(default_factory=DataConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    run: RunConfig = field(default_factory=RunConfig)
    published: tuple[Published, ...] = ()

    SECTIONS: ClassVar[tuple[str, ...]] = ("network", "data", "training", "run")

    def to_dict(self) -> dict[str, Any]:
        """JSON-able form; :func:`experiment_from_dict` is the inverse."""
        as_dict = dataclasses.asdict(self)
        as_dict["network"] = {"family": self.network.family, **as_dict["network"]}
        return as_dict

    def with_values(self, values: Mapping[str, Any]) -> Experiment:
        """Copy with dotted keys replaced; strings are parsed to the type of the field."""
        known = self.setting_keys()
        sections = {name: dataclasses.asdict(getattr(self, name)) for name in self.SECTIONS}
        for key, value in values.items():
            if key not in known:
                raise ConfigError(f"configuration key {key!r} is unknown{_nearest(key, known)}")
            *path, name = key.split(".")
            table = sections
            for part in path:
                table = table[part]
            table[name] = value
        # all at once, because some values are only legal together
        built = {name: _build(type(getattr(self, name)), table, name) for name, table in sections.items()}
        return dataclasses.replace(self, **built)

    def setting_keys(self) -> list[str]:
        """All dotted keys that can be set."""
        return [key for section in self.SECTIONS for key in _keys(getattr(self, section), section)]


def experiment_from_dict(stored: Mapping[str, Any], where: str) -> Experiment:
    """Inverse of :meth:`Experiment.to_dict`.

    Parameters
    ----------
    stored : mapping
    where : str
        File the mapping came from, for the message of a :class:`ConfigError`.
    """
    try:
        network_values = dict(stored["network"])
        family = network_values.pop("family")
        if family not in NETWORKS:
            raise ConfigError(f"{where}: network family {family!r} is unknown: expected {', '.join(NETWORKS)}")
        return Experiment(
            name=stored["name"],
            paper=stored["paper"],
            summary=stored["summary"],
            network=_build(NETWORKS[family], network_values, "network"),
            data=_build(DataConfig, stored["data"], "data"),
            training=_build(TrainingConfig, stored["training"], "training"),
            run=_build(RunConfig, stored["run"], "run"),
            published=tuple(_build(Published, row, "published") for row in stored["published"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{where}: not a run configuration ({type(error).__name__}: {error})") from error


def _build(cls: type, values: Mapping[str, Any], prefix: str) -> Any:
    hints = typing.get_type_hints(cls)
    names = {item.name for item in dataclasses.fields(cls)}
    for name in values:
        if name not in names:
            known = [f"{prefix}.{item}" for item in sorted(names)]
            raise ConfigError(
                f"configuration key {prefix + '.' + name!r} is unknown{_nearest(prefix + '.' + name, known)}"
            )
    return cls(**{name: _convert(value, hints[name], f"{prefix}.{name}") for name, value in values.items()})


def _keys(section: Any, prefix: str) -> list[str]:
    found = []
    for item in dataclasses.fields(section):
        value, key = getattr(section, item.name), f"{prefix}.{item.name}"
        found += _keys(value, key) if dataclasses.is_dataclass(value) else [key]
    return found


def _nearest(key: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(key, list(known), n=1, cutoff=0.5)
    return f": did you mean {close[0]!r}?" if close else ": see `calosim info EXPERIMENT` for the keys"


def _convert(value: Any, hint: Any, key: str) -> Any:
    """``value`` (from JSON, YAML or a command line) as the type of its field."""
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise ConfigError(f"{key}: found {value!r}, expected a table of keys")
        return _build(hint, value, key)
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if type(None) in options and (value is None or value == "none"):
        return None
    target = next(option for option in options if option is not type(None))
    if typing.get_origin(target) is tuple:
        return _convert_tuple(value, typing.get_args(target)[0], key)
    return _convert_scalar(value, target, key)


def _convert_tuple(value: Any, item: Any, key: str) -> tuple:
    parts = [part for part in value.strip("()[] ").split(",") if part.strip()] if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        raise ConfigError(f"{key}: found {value!r}, expected numbers separated by commas")
    return tuple(_convert(part, item, key) for part in parts)


def _convert_scalar(value: Any, target: type, key: str) -> Any:
    if target is bool:
        words = {"true": True, "false": False}
        found = value if isinstance(value, bool) else words.get(str(value).lower())
        if found is None:
            raise ConfigError(f"{key}: found {value!r}, expected true or false")
        return found
    if target is str:
        if not isinstance(value, str):
            raise ConfigError(f"{key}: found {value!r}, expected a word")
        return value
    if isinstance(value, bool):
        raise ConfigError(f"{key}: found {value!r}, expected a number")
    try:
        number = float(value)
        converted = target(number) if target is float or number.is_integer() else None
    except (TypeError, ValueError, OverflowError):
        converted = None
    if converted is None or converted != converted or converted in (float("inf"), float("-inf")):
        kind = "an integer" if target is int else "a finite number"
        raise ConfigError(f"{key}: found {value!r}, expected {kind}")
    return converted


def dump_json(experiment: Experiment) -> str:
    """The configuration as indented JSON text."""
    return json.dumps(experiment.to_dict(), indent=2) + "\n"
