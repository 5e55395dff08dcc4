"""Checks of the 3DGAN papers on a run or a file of showers of (x, y, z) cells (arXiv 2105.08960, section 5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from calosim_tf.checks.calogan import Checked, Subject
from calosim_tf.errors import DataError

if TYPE_CHECKING:
    from calosim_tf.data.schema import ShowerSet

# Section 5: 20 000 showers of 25 x 25 x 25 cells; fewer of larger showers, so that the cubes need as much memory
MOST_CELLS = 20_000 * 25**3
# Pairs per window and kind: an error of the mean similarity below 0.01. Our choice
SIMILARITY_PAIRS = 300
# Authors' code: energy bins of the similarity
SIMILARITY_HALF_WIDTH_GEV = 5.0
# Figure 5 shows an electron of this energy; where the data end below, the one nearest to it
PICTURED_GEV = 400.0
# Section 5.2: below, both published generators miss the spectrum
FAINT_GEV = 1e-3


class Cubes(NamedTuple):
    """Both samples as the papers measure them: (n, x, y, z) and incident energies (n,), GeV."""

    reference: np.ndarray
    generated: np.ndarray
    reference_gev: np.ndarray
    generated_gev: np.ndarray
    names: tuple[str, str]


@lru_cache(maxsize=1)
def _cubes(subject: Subject) -> Cubes:
    """The samples of a subject, at most ``MOST_CELLS`` cells each, evenly over the energies."""
    from calosim_tf.physics.papers.cubes import cubes_gev

    sets = [_thin(showers) for showers in (subject.reference, subject.generated)]
    images = (cubes_gev(showers.showers_mev, showers.detector) for showers in sets)
    energies = (np.asarray(showers.incident_energy_mev, dtype=np.float64) / 1e3 for showers in sets)
    return Cubes(*images, *energies, tuple(showers.source for showers in sets))


def _thin(showers: ShowerSet) -> ShowerSet:
    from calosim_tf.data.schema import holdout_rows

    most = MOST_CELLS // showers.detector.n_voxels
    if len(showers) <= most:
        return showers
    return showers.take(holdout_rows(showers.incident_energy_mev, most / len(showers)))


def _projections(subject: Subject) -> Checked:
    from calosim_tf.data.schema import holdout_rows
    from calosim_tf.physics.papers.three_d_gan import projection_mse, selection_number
    from calosim_tf.plots.three_d import plot_projections

    cubes = _cubes(subject)
    figures = {
        "projections": plot_projections(cubes.reference, cubes.generated, cubes.names),
        "showers_in_space": _showers_in_space(cubes),
    }
    half = holdout_rows(cubes.reference_gev, 0.5)
    pairs = {
        "generated": (cubes.reference, cubes.generated, cubes.reference_gev, cubes.generated_gev),
        "reference_vs_reference": (
            cubes.reference[half],
            cubes.reference[~half],
            cubes.reference_gev[half],
            cubes.reference_gev[~half],
        ),
    }
    numbers: dict[str, Any] = {}
    try:
        for who, (real, other, *energies) in pairs.items():
            selection = selection_number(real, other, *energies)
            numbers[who] = {
                "n": [len(real), len(other)],
                "mse": asdict(projection_mse(real, other)),
                "selection": {**asdict(selection), "clean": selection.clean, "as_coded": selection.as_coded},
            }
    except DataError as error:
        return Checked({"left_out": str(error)}, [f"left out: {error}"], figures)
    return Checked(numbers, _projection_lines(numbers), figures)


def _projection_lines(numbers: dict[str, Any]) -> list[str]:
    made, halves = numbers["generated"], numbers["reference_vs_reference"]
    rows = (
        ("MSE, sum of bin means / GeV^2", "mse", "bin_mean"),
        ("MSE, sum over bins / GeV^2", "mse", "bin_sum"),
        ("MSE, projections scaled to 1", "mse", "unit"),
        ("epoch selection, moments + profiles", "selection", "clean"),
        ("epoch selection, as in the authors' code", "selection", "as_coded"),
    )
    lines = [f"{'':42}{'generated':>12}{'half vs half':>14}"]
    lines += [f"{title:42}{made[part][key]:12.4g}{halves[part][key]:14.4g}" for title, part, key in rows]
    sizes = (f"{a} against {b}" for a, b in (made["n"], halves["n"]))
    return [*lines, "showers: " + ", halves: ".join(sizes)]


def _showers_in_space(cubes: Cubes):
    """A real shower near 400 GeV and the generated one nearest to it in energy."""
    from calosim_tf.plots.panels import shortened
    from calosim_tf.plots.three_d import plot_showers_in_space

    real = int(np.argmin(np.abs(cubes.reference_gev - PICTURED_GEV)))
    made = int(np.argmin(np.abs(cubes.generated_gev - cubes.reference_gev[real])))
    names = [
        f"{shortened(name, 30)}, {energy:.4g} GeV"
        for name, energy in zip(cubes.names, (cubes.reference_gev[real], cubes.generated_gev[made]), strict=True)
    ]
    names[1] += " " * (names[0] == names[1])
    return plot_showers_in_space({names[0]: cubes.reference[real], names[1]: cubes.generated[made]})


def _ssim(subject: Subject) -> Checked:
    from calosim_tf.physics.distances.ssim import PUBLISHED_RANGE_GEV, SCANNED_RANGES_GEV, ssim_scan
    from calosim_tf.physics.papers.three_d_energies import energy_windows
    from calosim_tf.plots.three_d_checks import plot_similarity
    from calosim_tf.report.number_text import with_error

    cubes, rng = _cubes(subject), subject.rng()
    found = energy_windows(cubes.reference_gev, cubes.generated_gev, SIMILARITY_HALF_WIDTH_GEV)
    scans = {}
    for window in found.windows:
        rows = (window.reference_rows[:SIMILARITY_PAIRS], window.generated_rows[:SIMILARITY_PAIRS])
        scans[window.label] = ssim_scan(cubes.reference[rows[0]], cubes.generated[rows[1]], rng)
    chosen = SCANNED_RANGES_GEV.index(PUBLISHED_RANGE_GEV)
    lines = [found.note] if found.note else []
    for label, scan in scans.items():
        values = (
            f"{title} {with_error(scan[name][chosen], scan[f'{name}_error'][chosen])}"
            for name, title in (("mc_mc", "MC-MC"), ("mc_gan", "MC-GAN"), ("gan_gan", "GAN-GAN"))
        )
        lines.append(f"{label}, L = {PUBLISHED_RANGE_GEV:g} GeV: {', '.join(values)}")
    numbers = {"ranges_gev": SCANNED_RANGES_GEV, "note": found.note, "windows": scans}
    return Checked(numbers, lines, {"ssim": plot_similarity(scans, SCANNED_RANGES_GEV)} if scans else {})


def _resolution(subject: Subject) -> Checked:
    from calosim_tf.physics.papers.three_d_energies import response_curve
    from calosim_tf.physics.papers.three_d_gan import sampling_fraction
    from calosim_tf.plots.three_d_checks import plot_response_curve
    from calosim_tf.report.number_text import with_error

    cubes = _cubes(subject)
    points = response_curve(
        sampling_fraction(cubes.reference, cubes.reference_gev),
        cubes.reference_gev,
        sampling_fraction(cubes.generated, cubes.generated_gev),
        cubes.generated_gev,
    )
    numbers, lines = [], ["mu90 and sigma90/mu90 of visible over incident energy, generated (reference)"]
    for point in points:
        cores = {"reference": point.reference, "generated": point.generated}
        record = {
            who: core and {**asdict(core), "relative_width": core.relative_width, "error": core.relative_width_error}
            for who, core in cores.items()
        }
        sizes = {"n_reference": point.n_reference, "n_generated": point.n_generated}
        numbers.append({"low_gev": point.low_gev, "high_gev": point.high_gev, **sizes, **record})
        if all(cores.values()):
            texts = [
                (with_error(core.mean, core.mean_error), with_error(core.relative_width, core.relative_width_error))
                for core in (point.generated, point.reference)
            ]
            parts = (f"{made} ({real})" for made, real in zip(*texts, strict=True))
            lines.append(f"{point.energy_gev:8.4g} GeV: " + "   ".join(parts))
        else:
            lines.append(f"{point.energy_gev:8.4g} GeV: not defined, too few showers or no energy in them")
    return Checked({"points": numbers}, lines, {"resolution": plot_response_curve(points, cubes.names)})


def _spectrum(subject: Subject) -> Checked:
    from calosim_tf.physics.papers.three_d_energies import energy_windows
    from calosim_tf.physics.papers.three_d_gan import (
        SPECTRUM_EDGES_GEV,
        THRESHOLD_GEV,
        cell_spectrum,
        hits,
        total_energy_gev,
    )
    from calosim_tf.plots.three_d_checks import plot_cell_spectrum, plot_windows

    cubes = _cubes(subject)
    samples = (cubes.reference, cubes.generated)
    spectra = [cell_spectrum(images) for images in samples]
    counted = [
        [_per_shower(images, *ends) for images in samples] for ends in ((THRESHOLD_GEV, FAINT_GEV), (FAINT_GEV,))
    ]
    lines = [
        f"cells per shower {title}: {made:.4g} (reference {real:.4g})"
        for title, (real, made) in zip(("from 1e-05 to 0.001 GeV", "above 0.001 GeV"), counted, strict=True)
    ]
    figures = {"cell_spectrum": plot_cell_spectrum(SPECTRUM_EDGES_GEV, *spectra, cubes.names)}
    numbers = {
        "threshold_gev": THRESHOLD_GEV,
        "edges_gev": SPECTRUM_EDGES_GEV,
        "cells_per_shower": dict(zip(("reference", "generated"), spectra, strict=True)),
    }
    found = energy_windows(cubes.reference_gev, cubes.generated_gev)
    quantities = {"hits": hits, "visible energy / GeV": total_energy_gev}
    values: dict[str, list] = {quantity: [] for quantity in quantities}
    by_window = {}
    for window in found.windows:
        rows = (window.reference_rows, window.generated_rows)
        for quantity, function in quantities.items():
            values[quantity].append(tuple(function(images[row]) for images, row in zip(samples, rows, strict=True)))
        by_window[window.label] = {quantity: _moments(*values[quantity][-1]) for quantity in quantities}
        lines.append(_window_line(window.label, by_window[window.label]))
    if found.windows:
        figures["windows"] = plot_windows(values, [window.label for window in found.windows], cubes.names)
    if found.note:
        lines.append(found.note)
    return Checked({**numbers, "note": found.note, "windows": by_window}, lines, figures)


def _per_shower(images: np.ndarray, low_gev: float, high_gev: float = np.inf) -> float:
    """Cells above ``low_gev``, up to ``high_gev``."""
    return float(np.count_nonzero((images > low_gev) & (images <= high_gev)) / len(images))


def _moments(reference: np.ndarray, generated: np.ndarray) -> dict[str, dict[str, float]]:
    """Number, mean and width of both samples, with the errors of mean and width."""
    found = {}
    for who, values in (("reference", reference), ("generated", generated)):
        width = float(values.std(ddof=1))
        found[who] = {
            "n": len(values),
            "mean": float(values.mean()),
            "mean_error": width / np.sqrt(len(values)),
            "width": width,
            "width_error": width / np.sqrt(2 * len(values)),
        }
    return found


def _window_line(label: str, moments: dict[str, dict]) -> str:
    from calosim_tf.report.number_text import with_error

    parts = []
    for quantity, found in moments.items():
        made, real = (with_error(found[who]["mean"], found[who]["mean_error"]) for who in ("generated", "reference"))
        parts.append(f"{quantity} {made} ({real})")
    sizes = moments["hits"]
    counts = f"{sizes['generated']['n']} ({sizes['reference']['n']}) showers"
    return f"{label}, {counts}: mean {', '.join(parts)}"


CLIC_CHECKS: dict[str, Callable[[Subject], Checked]] = {
    "projections": _projections,
    "ssim": _ssim,
    "resolution": _resolution,
    "spectrum": _spectrum,
}
