"""Checks of the Conditional CaloGAN paper on a run or a file of showers, for detectors of cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from calosim_tf.data.schema import ShowerSet
    from calosim_tf.inference.sampler import ShowerSampler
    from calosim_tf.training.run_folder import RunFolder

# Held-out showers, and as many generated ones, whose nearest training shower is searched for: our choice
MEMORISATION_EVENTS = 2_000
# Showers per set in the attribute check: an error of the bias below a hundredth of the resolution
CONTROL_EVENTS = 20_000


@dataclass(frozen=True, eq=False)
class Checked:
    """Result of one check: content for ``checks.json``, lines for the terminal, plots by name."""

    numbers: dict[str, Any]
    lines: list[str]
    figures: dict[str, Figure]


@dataclass(frozen=True, eq=False)
class Subject:
    """What is checked; ``run_folder`` and ``generator``, that of its judged checkpoint, are None for a file."""

    generated: ShowerSet
    reference: ShowerSet
    run_folder: RunFolder | None
    generator: ShowerSampler | None
    seed: int

    def rng(self) -> np.random.Generator:
        """The random stream of one check."""
        from calosim_tf.physics.observables.bootstrap import bootstrap_rng

        return bootstrap_rng(self.seed)


def _images(subject: Subject) -> Checked:
    from calosim_tf.physics.papers.mean_images import mean_images
    from calosim_tf.plots.calogan import plot_mean_images

    images = mean_images(subject.generated, subject.reference)
    keys = ("energy_ratio", "difference", "reference_vs_reference")
    numbers = {f"layer_{image.layer_id}": {key: getattr(image, key) for key in keys} for image in images}
    lines = [
        f"layer {image.layer_id}: energy {image.energy_ratio:.3f} of the real one, pictures differ by "
        f"{100 * image.difference:.1f} % (halves of the real showers {100 * image.reference_vs_reference:.1f} %)"
        for image in images
    ]
    names = (subject.reference.source, subject.generated.source)
    return Checked(numbers, lines, {"mean_images": plot_mean_images(subject.reference.detector, images, names)})


def _neighbours(subject: Subject) -> Checked:
    from calosim_tf.physics.distances.nearest_neighbours import chosen_showers, layer_neighbours
    from calosim_tf.plots.calogan import plot_neighbours

    reference, generated = subject.reference, subject.generated
    rows = chosen_showers(len(reference), subject.rng())
    rows = rows[np.argsort(reference.incident_energy_mev[rows])]
    found = layer_neighbours(reference.showers_mev, generated.showers_mev, reference.detector, rows)
    numbers: dict[str, Any] = {"reference_rows": rows, "incident_energy_mev": reference.incident_energy_mev[rows]}
    lines = []
    for item in found:
        distances = (item.generated.distance, item.reference.distance)
        numbers[f"layer_{item.layer_id}"] = {
            "generated_rows": item.generated.rows,
            "distance_mev": distances[0],
            "distance_to_nearest_real_mev": distances[1],
        }
        made, real = (np.median(values) for values in distances)
        lines.append(f"layer {item.layer_id}: nearest generated shower {made:.4g} MeV, nearest real one {real:.4g} MeV")
    pictures = {
        "neighbours": plot_neighbours(
            reference.detector, found, reference.showers_mev, generated.showers_mev, reference.incident_energy_mev
        )
    }
    memory = _memorisation(subject)
    return Checked(numbers | memory.numbers, lines + memory.lines, pictures | memory.figures)


def _memorisation(subject: Subject) -> Checked:
    """Whether generated showers lie nearer to training showers than held-out ones do."""
    if subject.run_folder is None:
        reason = "memorisation: left out, a file does not tell what its generator was trained on"
        return Checked({"memorisation": None, "memorisation_left_out": reason}, [reason], {})
    from calosim_tf.physics.distances.nearest_neighbours import in_blocks, memorisation, nearest, per_incident_energy
    from calosim_tf.plots.calogan import plot_memorisation
    from calosim_tf.training.inspection.recorded_data import training_source

    source = training_source(subject.run_folder)
    if source is None:
        reason = "memorisation: left out, the training data are no longer where the run found them"
        return Checked({"memorisation": None, "memorisation_left_out": reason}, [reason], {})
    held_out = source.holdout_set(MEMORISATION_EVENTS)
    energy = held_out.incident_energy_mev
    made = np.concatenate(list(subject.generator.blocks(energy, subject.seed, attributes=held_out.attributes)))
    points = np.concatenate([per_incident_energy(made, energy), per_incident_energy(held_out.showers_mev, energy)])
    blocks = (
        per_incident_energy(source.read(rows), source.incident_energy_mev[rows])
        for rows in in_blocks(source.train_rows, held_out.showers_mev.shape[1])
    )
    generated_distance, held_out_distance = np.split(nearest(points, blocks).distance, 2)
    result = memorisation(generated_distance, held_out_distance, subject.rng())
    line = (
        f"memorisation: median distance to training showers {result.ratio:.3f} +- {result.ratio_error:.3f} of that of "
        f"held-out ones; {100 * result.fraction_below:.2f} +- {100 * result.fraction_below_error:.2f} % nearer than "
        f"1 % of them (+- {100 * result.expected_fraction_error:.2f} %)"
    )
    numbers = {"memorisation": {**asdict(result), "n_training": len(source.train_rows)}}
    return Checked(numbers, [line], {"memorisation": plot_memorisation(generated_distance, held_out_distance, result)})


def _traversal(subject: Subject) -> Checked:
    from calosim_tf.checks.walks import showers_along
    from calosim_tf.physics.observables.features import shower_features
    from calosim_tf.physics.papers.traversal import along, paths, walk
    from calosim_tf.plots.calogan import plot_walk_curves, plot_walk_images
    from calosim_tf.training.untrained import untrained_generator

    reference, trained = subject.reference, subject.generator
    generators = {"trained": trained, "untrained": untrained_generator(subject.run_folder)}
    features = shower_features(reference)
    numbers, lines, figures = {}, [], {}
    for path in paths(reference.detector, trained.trained_range_mev, reference.attributes):
        walks = {
            name: walk(path, showers_along(generator, path, subject.seed), reference.detector)
            for name, generator in generators.items()
        }
        curves = {name: walked.curves for name, walked in walks.items()}
        curves["real"] = along(path, reference, features)
        numbers[path.quantity] = _walk_numbers(path, curves)
        lines += _walk_lines(path.quantity, curves)
        angle = path.quantity.endswith("_rad")
        figures[f"traversal_{path.quantity}"] = plot_walk_images(reference.detector, path, walks, difference=angle)
        curves_figure = plot_walk_curves(reference.detector, path, walks, curves["real"])
        figures[f"traversal_{path.quantity}_curves"] = curves_figure
    return Checked(numbers, lines, figures)


def _walk_numbers(path, curves: dict[str, dict]) -> dict[str, Any]:
    fields = ("mean", "error", "change", "change_error", "steps_up", "monotonic")
    found = {
        name: {quantity: {field: getattr(curve, field) for field in fields} for quantity, curve in by_quantity.items()}
        for name, by_quantity in curves.items()
    }
    return {"values": path.values, "latents": path.n_latents, "fixed_energy_mev": path.fixed_energy_mev, **found}


def _walk_lines(quantity: str, curves: dict[str, dict]) -> list[str]:
    """Total energy and, along an attribute, the centre that moves most in real showers: last minus first point."""
    from calosim_tf.physics.papers.traversal import ENERGY
    from calosim_tf.report.number_text import with_error

    real = curves["real"]
    shown = [("total_energy", "MeV")]
    if quantity != ENERGY:
        centres = [name for name in real if name.startswith("centre_") and np.isfinite(real[name].change)]
        shown += [(max(centres, key=lambda name: abs(real[name].change) / real[name].change_error), "mm")]
    lines = []
    for name, unit in shown:
        parts = [
            f"{who} {with_error(found[name].change, found[name].change_error)}"
            f"{' (monotonic)' if found[name].monotonic else ''}"
            for who, found in curves.items()
        ]
        lines.append(f"{quantity}: change of {name} in {unit}: {', '.join(parts)}")
    return lines


def _attributes(subject: Subject) -> Checked:
    from calosim_tf.data.schema import holdout_rows
    from calosim_tf.physics.observables.features import shower_features
    from calosim_tf.physics.papers.attribute_control import ENERGY, calibrate, control, differences
    from calosim_tf.plots.calogan import plot_attribute_control

    half = holdout_rows(subject.reference.incident_energy_mev, 0.5)
    features = shower_features(subject.reference)
    reference = subject.reference
    calibration = calibrate(features, reference.incident_energy_mev, reference.attributes, half)
    samples = {"real": _thin(reference.take(~half)), "generated": _thin(subject.generated)}
    estimates: dict[str, dict[str, tuple[np.ndarray, np.ndarray]]] = {}
    for name, showers in samples.items():
        measured = shower_features(showers)
        pairs = {ENERGY: (showers.incident_energy_mev, calibration.energy_mev(measured))}
        by_centres = calibration.attributes(measured)
        for column, attribute in enumerate(reference.detector.attributes):
            pairs[f"{attribute}, centres"] = (showers.attributes[:, column], by_centres[:, column])
        for title, pair in pairs.items():
            estimates.setdefault(title, {})[name] = pair
    left_out = _critic_estimates(subject, samples, estimates)
    trained_on = _share_trained_on(subject.run_folder, samples["real"])
    numbers: dict[str, Any] = {
        "critic_left_out": left_out,
        "calibrated_on": int(half.sum()),
        "share_of_real_trained_on": trained_on,
    }
    lines = [f"critic's attribute head: left out, {left_out}"] if left_out else []
    if trained_on and not left_out:
        lines.append(f"the critic was trained on {100 * trained_on:.0f} % of these real showers")
    drawn = {}
    for title, by_sample in estimates.items():
        relative = title == ENERGY
        results = {name: control(*pair, subject.rng(), relative=relative) for name, pair in by_sample.items()}
        numbers[title] = {name: asdict(result) for name, result in results.items()}
        lines += _control_lines(title, results)
        drawn[f"{title}{' (relative)' if relative else ''}"] = {
            name: (pair[0], differences(*pair, relative)) for name, pair in by_sample.items()
        }
    return Checked(numbers, lines, {"attribute_control": plot_attribute_control(drawn)})


def _thin(showers: ShowerSet) -> ShowerSet:
    """At most ``CONTROL_EVENTS`` showers, evenly over the energies."""
    from calosim_tf.data.schema import holdout_rows

    if len(showers) <= CONTROL_EVENTS:
        return showers
    return showers.take(holdout_rows(showers.incident_energy_mev, CONTROL_EVENTS / len(showers)))


def _critic_estimates(subject: Subject, samples: dict[str, ShowerSet], estimates: dict) -> str | None:
    """Add the estimates of the critic's attribute head; or say why there are none."""
    from calosim_tf.training.inspection.attribute_head import AttributeHead

    head = AttributeHead(subject.run_folder)
    if head.missing is not None:
        return head.missing
    for name, showers in samples.items():
        by_critic = head.estimate(showers.showers_mev, showers.incident_energy_mev, showers.attributes)
        for column, attribute in enumerate(showers.detector.attributes):
            pair = (showers.attributes[:, column], by_critic[:, column])
            estimates.setdefault(f"{attribute}, critic", {})[name] = pair
    return None


def _share_trained_on(run_folder: RunFolder, showers: ShowerSet) -> float | None:
    """Share of real showers that the run was trained on; None if its training data are gone."""
    from calosim_tf.physics.observables.features import total_energy_mev
    from calosim_tf.training.inspection.recorded_data import training_source

    source = training_source(run_folder)
    if source is None:
        return None
    # the sum of all cells tells showers apart
    known = source.total_energy_mev(source.train_rows)
    return float(np.isin(total_energy_mev(showers.showers_mev), known).mean())


def _control_lines(title: str, results: dict) -> list[str]:
    from calosim_tf.report.number_text import with_error

    return [
        f"{title}, {name}: bias {with_error(found.bias, found.bias_error)}, "
        f"resolution {with_error(found.resolution, found.resolution_error)}, "
        f"slope {with_error(found.slope, found.slope_error)}"
        for name, found in results.items()
    ]


CHECKS: dict[str, Callable[[Subject], Checked]] = {
    "neighbours": _neighbours,
    "traversal": _traversal,
    "images": _images,
    "attributes": _attributes,
}
