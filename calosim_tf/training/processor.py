"""Whether the processors of this machine multiply in 16 bits."""

from __future__ import annotations

from pathlib import Path

from calosim_tf.config import AnyExperiment
from calosim_tf.errors import ConfigError

CPU_RECORD = Path("/proc/cpuinfo")
# One of these instruction sets; oneDNN, which multiplies for TensorFlow, uses no others
CPU_FLAGS = {"bfloat16": ("avx512_bf16", "amx_bf16", "bf16"), "float16": ("avx512_fp16", "amx_fp16")}
# Nvidia: tensor cores of the Ampere and of the Volta generation
GPU_CAPABILITY = {"bfloat16": (8, 0), "float16": (7, 0)}


def refuse_missing_precision(experiment: AnyExperiment) -> None:
    """Refuse an experiment whose precision the processor lacks.

    Raises
    ------
    ConfigError
    """
    for part in experiment.members or (experiment,):
        precision = part.training.precision
        if precision != "float32":
            require_units(precision.removeprefix("mixed_"), f"training.precision: found {precision}")


def require_units(kind: str, found: str) -> None:
    """Refuse 16-bit numbers that the GPUs, or without any the processor, cannot multiply.

    Parameters
    ----------
    kind : {'bfloat16', 'float16'}
    found : str
        Setting and value, for the message.

    Raises
    ------
    ConfigError
    """
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        needed = GPU_CAPABILITY[kind]
        for gpu in gpus:
            details = tf.config.experimental.get_device_details(gpu)
            capability = details.get("compute_capability")
            if capability is not None and tuple(capability) < needed:
                raise ConfigError(
                    f"{found} on {details.get('device_name', gpu.name)} of compute capability "
                    f"{'.'.join(map(str, capability))}, expected at least {'.'.join(map(str, needed))}: use float32"
                )
        return
    flags = cpu_flags()
    if flags is not None and not flags.intersection(CPU_FLAGS[kind]):
        raise ConfigError(
            f"{found}, which this processor does not multiply in, expected one with "
            f"{' or '.join(CPU_FLAGS[kind])} among the flags of {CPU_RECORD}: use float32"
        )


def cpu_flags() -> set[str] | None:
    """Instruction sets of the processor; None where the system does not tell."""
    try:
        lines = CPU_RECORD.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    named = (line.split(":", 1)[1] for line in lines if line.startswith(("flags", "Features")))
    return next((set(names.split()) for names in named), None)
