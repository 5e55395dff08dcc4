"""The checks of ``calosim evaluate --checks``, for detectors of cells: those of the Conditional CaloGAN paper,

* ``neighbours``: nearest generated neighbours of seven real showers (Fig. 2), and whether training showers were
  memorised (needs a run and its training data);
* ``traversal``: walks along energy and attributes with fixed latents, beside the untrained network (Figs. 3 to 5);
* ``images``: mean image of each layer (Fig. 1);
* ``attributes``: requested against reconstructed energy and attributes;

and for ``clic`` and ``clic_angle`` those of the 3DGAN papers:

* ``projections``: energy per slice, its mean squared difference, the authors' number for choosing an epoch, showers in
  space (Figs. 5 and 6);
* ``ssim``: structural similarity within and between the samples (Fig. 7);
* ``resolution``: mu90 and sigma90 against energy (Fig. 9);
* ``spectrum``: cell energies, and hits and visible energy in windows (Figs. 7 and 8).

For ``jet_image`` that of the LAGAN paper, beside ``neighbours`` and ``images``:

* ``jets``: mean images, mass, transverse momentum and tau_21, and pixels, class by class.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from calosim_tf.checks.calogan import CHECKS as CALOGAN_CHECKS
from calosim_tf.checks.calogan import Subject
from calosim_tf.checks.clic import CLIC_CHECKS
from calosim_tf.checks.jets import JET_CHECKS
from calosim_tf.errors import ConfigError
from calosim_tf.geometry import DETECTORS, CellLayer, VoxelDetector

if TYPE_CHECKING:
    from calosim_tf.data.schema import ShowerSet
    from calosim_tf.inference.sampler import ShowerSampler
    from calosim_tf.training.run_folder import RunFolder

CHECKS = CALOGAN_CHECKS | CLIC_CHECKS | JET_CHECKS
# What a detector provides for checks of its own
NEED_OF_DETECTOR = dict.fromkeys(CLIC_CHECKS, "cubes") | dict.fromkeys(JET_CHECKS, "jets")
NEED_A_RUN = ("traversal", "attributes")


def chosen_checks(text: str | None, detector: VoxelDetector, run_folder: RunFolder | None) -> list[str]:
    """Names of ``--checks A,B``, none for None.

    Raises
    ------
    ConfigError
        A name is unknown, or its check is not possible for a file, a split or this detector.
    """
    if text is None:
        return []
    names = list(dict.fromkeys(text.split(",")))
    for name in names:
        if name not in CHECKS:
            raise ConfigError(f"--checks: found {name!r}, expected some of {','.join(CHECKS)}")
        if name in NEED_A_RUN and run_folder is None:
            raise ConfigError(f"--checks {name}: needs a run to generate with, found a file or a bundle: leave it out")
        if name in NEED_A_RUN and run_folder.experiment().members:
            raise ConfigError(f"--checks {name}: needs a run of one generator, found a split: check a member's folder")
        need = NEED_OF_DETECTOR.get(name)
        if need is not None and need not in detector.provides:
            known = " or ".join(known.name for known in DETECTORS.values() if need in known.provides)
            raise ConfigError(
                f"--checks {name}: needs showers of {known}, found detector {detector.name!r}: leave it out"
            )
        if name in NEED_A_RUN and detector.nominal_energy_mev:
            raise ConfigError(
                f"--checks {name}: needs incident energies, found detector {detector.name!r}, whose jets have none: "
                "leave it out"
            )
    if not all(isinstance(layer, CellLayer) for layer in detector.layers):
        raise ConfigError(f"--checks: need layers of rectangular cells, found detector {detector.name!r}: leave it out")
    return names


def run_checks(
    names: Iterable[str],
    run_folder: RunFolder | None,
    reference: ShowerSet,
    out_dir: Path,
    seed: int,
    generated: ShowerSet,
    generator: ShowerSampler | None,
) -> str:
    """Measure, and write ``checks/checks.json`` and ``checks/plots/`` into ``out_dir``.

    Parameters
    ----------
    names : iterable of str
        From :func:`chosen_checks`.
    run_folder : RunFolder or None
    reference : ShowerSet
    out_dir : Path
        Folder of the report, which exists.
    seed : int
        Of latents and choices.
    generated : ShowerSet
        Showers of the particles of ``reference``.
    generator : ShowerSampler or None
        That made them, of a run.

    Returns
    -------
    str
        A table for the terminal.
    """
    from calosim_tf.plots.style import plot_style, save_picture
    from calosim_tf.report.folder import report_folder

    subject = Subject(generated, reference, run_folder, generator, seed)
    document: dict[str, Any] = {"schema": 1, "generated": generated.source, "reference": reference.source, "seed": seed}
    lines = []
    with report_folder(out_dir / "checks") as folder, plot_style():
        for name in names:
            checked = CHECKS[name](subject)
            document[name] = checked.numbers
            lines += [name, *(f"  {line}" for line in checked.lines)]
            for picture, figure in checked.figures.items():
                save_picture(figure, folder / "plots" / f"{picture}.png")
        text = json.dumps(_plain(document), indent=1, allow_nan=False)
        (folder / "checks.json").write_text(text + "\n", encoding="utf-8")
    return "\n".join(lines)


def _plain(value: Any) -> Any:
    """Content that JSON knows: arrays as lists, numbers that are not defined as null."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
