"""``calosim bench generate``: all back ends of one generator, the network alone and the whole job."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calosim_tf.errors import ConfigError
from calosim_tf.messages import note

if TYPE_CHECKING:
    from calosim_tf.api.generator_source import GeneratorSource
    from calosim_tf.benchmark.generation import TimedGenerator, Way
    from calosim_tf.benchmark.roofline import NetworkCost

# (batch, showers of the whole job): start-up is part of the job, so small batches get fewer showers
JOB_EVENTS = {1: 1_000, 100: 10_000}
LARGE_JOB_EVENTS = 121_000  # the public photon file, and the talk's own timing
DEFAULT_BATCHES = "1,100,10000"
DEFAULT_READINGS = 12
MATRIX_READINGS = 3
# Calls that an export for the benchmark is made for: one shower, the CaloChallenge's batch on two cores and on one, and
# what fits a cache
EXPORT_BATCHES = (1, 50, 100, 512)


def run_generate(args: argparse.Namespace) -> int:
    """Time generation: networks in this process, whole jobs in separate processes."""
    from calosim_tf.commands.bench_numbers import positive_integer, require_positive

    if len(args.names) > 1:
        raise ConfigError(
            f"bench generate: found {len(args.names)} names, expected one, or --protocol or --table for several"
        )
    batches = [positive_integer("--batch", item) for item in (args.batch or DEFAULT_BATCHES).split(",")]
    readings = DEFAULT_READINGS if args.steps is None else args.steps
    require_positive("--steps", readings)
    ways = requested_ways(args.backend, args.precision)
    threads = args.threads or len(os.sched_getaffinity(0))
    with ExitStack() as clean_up:
        source = _source(args.names[0], threads, clean_up)
        result = _measured(source, ways, batches, readings, threads, args, clean_up)
    if args.out:
        Path(args.out).write_text(json.dumps(result, indent=2) + "\n")
    if args.plot:
        from calosim_tf.benchmark.chart import save_chart

        save_chart(result, Path(args.plot))
    print(json.dumps(result, indent=2) if args.json else format_generate(result))
    return 0


def requested_ways(backends: str | None, precisions: str | None) -> list[Way]:
    """Requested back ends and precisions; without ``--backend`` all whose extra is installed."""
    from importlib.util import find_spec

    from calosim_tf.benchmark.generation import Way
    from calosim_tf.inference.backends import BACKENDS, FORMAT_OF, PACKAGES, PRECISIONS

    chosen = list(dict.fromkeys(backends.split(","))) if backends else list(BACKENDS)
    wanted = list(dict.fromkeys(precisions.split(","))) if precisions else list(PRECISIONS)
    for option, given, known in (("--backend", chosen, BACKENDS), ("--precision", wanted, PRECISIONS)):
        for item in given:
            if item not in known:
                raise ConfigError(f"{option}: found {item!r}, expected some of {','.join(known)}")
    for backend, package in PACKAGES.items():
        if backend in chosen and find_spec(package) is None:
            if backends:
                raise ConfigError(
                    f"--backend {backend}: found no package {package}, expected the extra: "
                    f"pip install 'calosim-tf[{backend}]'"
                )
            chosen.remove(backend)
            note(f"{backend} is left out: pip install 'calosim-tf[{backend}]'")
    ways = [Way(*way) for way in FORMAT_OF if way[0] in chosen and way[1] in wanted]
    if not ways:
        raise ConfigError(f"--precision: found {precisions} with back ends {','.join(chosen)}, expected float32")
    return ways


def _source(name: str, threads: int, clean_up: ExitStack) -> GeneratorSource:
    """A bundle, run or pretrained generator; an experiment whose network none of them has gets a temporary run."""
    from calosim_tf.api.generator_source import GeneratorSource
    from calosim_tf.data.bundled import PRETRAINED_PREFIX, pretrained_names
    from calosim_tf.experiments import EXPERIMENTS

    if name not in EXPERIMENTS:
        return GeneratorSource.named(name)
    for pretrained in pretrained_names():
        source = GeneratorSource.named(f"{PRETRAINED_PREFIX}{pretrained}")
        if source.run_folder.experiment().to_dict().get("network") == EXPERIMENTS[name].to_dict().get("network"):
            return source
    return _untrained(name, threads, Path(clean_up.enter_context(tempfile.TemporaryDirectory())))


def _untrained(name: str, threads: int, folder: Path) -> GeneratorSource:
    """A run of an experiment with initial weights: what a network takes does not depend on them."""
    from calosim_tf.api.generator_source import GeneratorSource
    from calosim_tf.data_prep.default_data import source_of
    from calosim_tf.experiments import get_experiment
    from calosim_tf.training.run_folder import RunFolder
    from calosim_tf.training.strategies.devices import set_threads
    from calosim_tf.training.untrained import write_untrained

    set_threads(threads)
    note(f"{name} is timed with initial weights, which take as long as trained ones")
    experiment = get_experiment(name)
    run = RunFolder(folder / name)
    write_untrained(experiment, source_of(experiment.data), run)
    return GeneratorSource(name, run.path)


def _measured(
    source: GeneratorSource,
    ways: list[Way],
    batches: list[int],
    readings: int,
    threads: int,
    args: argparse.Namespace,
    clean_up: ExitStack,
) -> dict[str, Any]:
    from calosim_tf.benchmark.clocks import in_turn
    from calosim_tf.benchmark.generation import bench_networks
    from calosim_tf.benchmark.machine import description, matrix_flops, matrix_products

    bundle, ways = _bundle(source, ways, threads, clean_up)
    subject = _loaded(bundle, ways, threads)
    products = matrix_products(threads)
    seconds = {name: statistics.median(found) for name, found in in_turn(products, MATRIX_READINGS, 0.01).items()}
    fastest = min(seconds, key=seconds.get)
    results = []
    for batch in batches:
        one = bench_networks(subject, batch, readings, products[fastest], threads)
        if args.jobs > 0:
            _add_jobs(one, bundle, args, threads)
        results.append(one)
    return {
        "generator": source.name,
        "experiment": source.experiment,
        "machine": description(threads),
        "matrix_library": fastest,
        "matrix_gflop_per_s": {name: matrix_flops() / value / 1e9 for name, value in seconds.items()},
        "multiply_adds_per_shower": subject.cost.multiply_adds,
        "readings": readings,
        "jobs": args.jobs,
        "batches": results,
    }


def _bundle(
    source: GeneratorSource, ways: list[Way], threads: int, clean_up: ExitStack
) -> tuple[GeneratorSource, list[Way]]:
    """The bundle to time and the ways that it can be run; a run is exported, so that all have the same network."""
    from calosim_tf.inference.backends import WITH_TENSORFLOW, format_of

    if source.sidecar is None or any(way.backend in WITH_TENSORFLOW for way in ways):
        from calosim_tf.training.strategies.devices import set_threads

        set_threads(threads)
    if source.sidecar is None and (reason := _why_not_exported(source)):
        found = [way for way in ways if way.backend in WITH_TENSORFLOW and way.precision == "float32"]
        if not found:
            raise ConfigError(f"{source.name}: {reason}, expected --backend {','.join(WITH_TENSORFLOW)}")
        note(f"{source.name} is timed in TensorFlow alone: {reason}")
        return source, found
    if source.sidecar is None:
        source = _exported(source, ways, Path(clean_up.enter_context(tempfile.TemporaryDirectory())))
    held = source.sidecar.formats
    found = [way for way in ways if format_of(*way) in held]
    for way in ways:
        if way not in found:
            note(f"{way} is left out: {format_of(*way)} is not in the bundle")
    if not found:
        raise ConfigError(f"{source.name}: found {', '.join(held)}, expected a format of the back ends asked for")
    return source, found


def _why_not_exported(source: GeneratorSource) -> str:
    """Why no format holds the network of a run; empty where one does."""
    experiment = source.run_folder.experiment()
    return next(
        filter(None, (getattr(one.network, "why_not_exported", "") for one in experiment.members or (experiment,))), ""
    )


def _cost(source: GeneratorSource) -> NetworkCost:
    """What the networks take, from the sidecar of a bundle or counted in those of a run."""
    from calosim_tf.benchmark.roofline import NetworkCost

    if source.sidecar is not None:
        return NetworkCost.of_bundle(source.sidecar)
    from calosim_tf.commands.bench_networks import networks_of

    return NetworkCost.mean([one.cost() for one in networks_of(str(source.path))])


def _loaded(bundle: GeneratorSource, ways: list[Way], threads: int) -> TimedGenerator:
    """All ways in memory."""
    from calosim_tf.benchmark.generation import TimedGenerator, default_session

    samplers = {way: bundle.load(*way, threads)[0] for way in ways}
    with_reference = any(way.backend == "onnx" for way in ways) and len(bundle.sidecar.networks) == 1
    reference = default_session(bundle.path, bundle.sidecar) if with_reference else None
    return TimedGenerator(samplers, _cost(bundle), reference)


def _exported(source: GeneratorSource, ways: list[Way], folder: Path) -> GeneratorSource:
    """A bundle of a run with the formats that these ways take, in a temporary folder."""
    from calosim_tf.api.generator_source import GeneratorSource
    from calosim_tf.export.options import ExportOptions
    from calosim_tf.export.write import export
    from calosim_tf.inference.backends import format_of

    formats = tuple(dict.fromkeys(format_of(*way) for way in ways))
    out = folder / "bundle"
    note(f"exporting {source.name} as {', '.join(formats)}")
    export(source.run_folder, out, ExportOptions(formats, EXPORT_BATCHES, skip_unsupported=True))
    return GeneratorSource.named(str(out))


def _add_jobs(one: dict[str, Any], bundle: GeneratorSource, args: argparse.Namespace, threads: int) -> None:
    """The whole job of each back end, and its share of the roofline of the network."""
    from calosim_tf.benchmark.generation import REFERENCE, Way
    from calosim_tf.benchmark.jobs import bench_job

    for row in one["rows"]:
        way = Way(row["backend"], row["precision"])
        if way == REFERENCE:
            continue
        events = args.events or JOB_EVENTS.get(one["batch"], LARGE_JOB_EVENTS)
        job = bench_job(str(bundle.path), way.backend, one["batch"], events, args.jobs, way.precision, threads)
        job["roofline_share"] = one["roofline_seconds_per_shower"] / job["seconds_per_shower"]["median"]
        row["job"] = job


def format_generate(result: dict[str, Any]) -> str:
    """The table for the terminal."""
    machine = result["machine"]
    rates = ", ".join(f"{name} {value:.0f}" for name, value in result["matrix_gflop_per_s"].items())
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    lines = [
        f"{result['generator']} ({result['experiment']}), {result['multiply_adds_per_shower']:,.0f} multiply-adds per "
        "shower",
        f"{machine['cpu']}, {machine['cores']} cores, {machine['threads']} threads, load "
        f"{machine['load_average']:.1f}; {packages}",
        f"float32 matrix products, GFLOP/s: {rates}; the roofline takes {result['matrix_library']}, in turn",
        f"network: median of {result['readings']} readings (min - max), then GFLOP/s, share of the matrix-product rate "
        "and of the roofline; job: process start to closed HDF5 file, "
        f"median of {result['jobs']}, peak memory, network roofline over job",
    ]
    for one in result["batches"]:
        lines.append(
            f"batch {one['batch']}: matrix product {one['matrix_gflop_per_s']['median']:.0f} GFLOP/s, copy of "
            f"{one['call_bytes'] / 1e6:.3g} MB {one['copy_gb_per_s']['median']:.0f} GB/s, roofline "
            f"{1e6 * one['roofline_seconds_per_shower']:.3f} us per shower ({one['limit']})"
        )
        lines += [_row_text(row) for row in one["rows"]]
        lines += _verdict(one)
    return "\n".join(lines)


def _row_text(row: dict[str, Any]) -> str:
    from calosim_tf.commands.bench_numbers import seconds_text

    name = row["backend"] if row["precision"] == "float32" else f"{row['backend']} {row['precision']}"
    line = (
        f"  {name:20} {seconds_text(row['network_seconds_per_shower'], 1e6, 'us')} "
        f"{row['gflop_per_s']['median']:7.1f} {100 * row['matrix_share']['median']:5.1f} % "
        f"{100 * row['roofline_share']['median']:5.1f} %"
    )
    if "job" in row:
        job = row["job"]
        line += (
            f"   job of {job['events']} {seconds_text(job['seconds'], 1.0, 's')}, {job['peak_memory_mib']} MiB, "
            f"{100 * job['roofline_share']:.1f} %"
        )
    return line


def _verdict(one: dict[str, Any]) -> list[str]:
    backend, precision = one["best"]["any"]
    lines = [f"  best back end at batch {one['batch']}: {backend} {precision}"]
    if one["best"]["float32"] and precision != "float32":
        lines[0] += f"; in float32: {one['best']['float32'][0]}"
    over = one.get("onnxruntime_default_over_best_float32")
    if over:
        lines.append(
            f"  ONNX Runtime with default settings over {one['best']['float32'][0]}: {over['median']:.2f} x "
            f"({over['min']:.2f} - {over['max']:.2f}), round by round"
        )
    return lines
