"""What an export should contain (no TensorFlow)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class ExportOptions:
    """What to write, and how thoroughly to check it.

    Attributes
    ----------
    formats : tuple of str
        Of :data:`calosim_tf.bundle.formats.FORMATS`.
    batches : tuple of int
        Showers per call of the formats of fixed batch size, ascending.
    skip_unsupported : bool
        Record why a format cannot hold a network, and go on, instead of ending with an error.
    seed : int
        Of particles and latents for checks.
    draws : int
        Showers of the calibration of integer formats.
    integer_io : bool
        Inputs and output of ``tflite_int8`` are integers too.
    tolerances : dict
        Metric -> largest change by ``tflite_int8``; layers stay in floating point until it holds.
    events : int or None
        Showers that integer formats are judged on; None for what a detector of this size allows.
    reference : Path or None
        Monte Carlo to compare both networks with; None for the held-out part of the bundled sample, where there is one.
    """

    formats: tuple[str, ...]
    batches: tuple[int, ...] = (1, 100)
    skip_unsupported: bool = False
    seed: int = 0
    draws: int = 1000
    integer_io: bool = False
    tolerances: dict[str, float] = field(default_factory=dict)
    events: int | None = None
    reference: Path | None = None
