"""Write the page that makes showers in a browser: `make page`, or `.venv/bin/python docs/page/build.py [NAME ...]`.

NAME is a factorised generator of `pretrained:NAME`.  The folder holds everything that the page loads: its own files,
the generators as ONNX, Monte Carlo's means, and onnxruntime-web, which npm installs as package-lock.json says.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from monte_carlo import reference_of
from page_records import record_of

from calosim_tf import __version__, messages
from calosim_tf.data.bundled import PRETRAINED_PREFIX, run_path
from calosim_tf.data.layer_energies import SMALLEST_MEV
from calosim_tf.errors import CalosimError, ConfigError
from calosim_tf.files import whole_folder, write_json
from calosim_tf.geometry import get_detector
from calosim_tf.latents import normal_quantiles
from calosim_tf.quiet import import_tensorflow_quietly

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NAMES = ("photon", "pion", "lhcb")
OWN_FILES = ("index.html", "style.css", "icon.svg", "js")
RUNTIME = "onnxruntime-web"
RUNTIME_FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
GENERATORS = "generators.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the folder; returns the exit code."""
    parser = argparse.ArgumentParser(
        description="Write the page that makes showers in a browser, as one static folder."
    )
    parser.add_argument("names", nargs="*", default=NAMES, metavar="NAME", help=f"default: {' '.join(NAMES)}")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "_build" / "page", metavar="DIR")
    parser.add_argument(
        "--packages", type=Path, default=ROOT / "build" / "page", metavar="DIR", help="where npm installs"
    )
    args = parser.parse_args(arguments)
    try:
        build(args.names, args.out, args.packages)
    except CalosimError as error:
        messages.error(str(error))
        return error.exit_code
    return 0


def build(names: Sequence[str], out: Path, packages: Path) -> None:
    """Write the folder of the page; an earlier page is replaced when all is there.

    Parameters
    ----------
    names : sequence of str
        Generators, as in ``pretrained:NAME``.
    out : Path
    packages : Path
        Where npm installs; kept, so that the next call needs no network.

    Raises
    ------
    CalosimError
        npm is missing or fails, a generator is unknown or no factorised one, or ``out`` holds something else.
    """
    runs = {name: run_path(f"{PRETRAINED_PREFIX}{name}") for name in names}
    require_page_or_nothing(out)
    runtime = installed_runtime(packages)
    with whole_folder(out) as folder:
        for name in OWN_FILES:
            copy = shutil.copytree if (HERE / name).is_dir() else shutil.copy
            copy(HERE / name, folder / name)
        records, abouts = [], []
        for name, run in runs.items():
            messages.note(f"{PRETRAINED_PREFIX}{name}: exporting as ONNX, Monte Carlo's means ...")
            record, about = add_generator(name, run, folder)
            records.append(record)
            abouts.append(about)
        add_runtime(runtime, folder / "ort")
        (folder / "normal_16bit.f32").write_bytes(normal_quantiles().astype("<f4").tobytes())
        write_json(
            folder / GENERATORS,
            {
                "version": __version__,
                "runtime": f"{RUNTIME} {package_of(runtime)['version']} (MIT licence)",
                "smallest_mev": float(SMALLEST_MEV),
                "about": f"Monte Carlo is the bundled sample of each detector, {'; '.join(abouts)}. None of it is "
                "experiment data.",
                "generators": records,
            },
        )
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 1e6
    messages.note(f"{out}: {len(records)} generators, {size:.0f} MB")
    print(f"python3 -m http.server --bind 127.0.0.1 --directory {out}   # then open http://127.0.0.1:8000")


def require_page_or_nothing(out: Path) -> None:
    """:class:`ConfigError` unless ``out`` is new, empty or an earlier page."""
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not (out / GENERATORS).is_file()):
        raise ConfigError(f"{out}: found files that are no earlier page, expected a new or empty folder for --out")


def installed_runtime(packages: Path) -> Path:
    """Folder of onnxruntime-web, which npm installs where its pinned version is not there yet.

    Raises
    ------
    ConfigError
        npm is missing, or fails.
    """
    found = packages / "node_modules" / RUNTIME
    wanted = (HERE / "package-lock.json").read_bytes()
    # written last: an installation that was broken off is begun anew
    done = packages / ".installed"
    if done.is_file() and done.read_bytes() == wanted:
        return found
    npm = shutil.which("npm")
    if npm is None:
        raise ConfigError(
            "npm: found no such program, expected that of Node.js 18 or newer, which brings onnxruntime-web: install "
            "it (Debian: apt-get install nodejs npm), then give the command again"
        )
    messages.note(f"{RUNTIME}: npm installs it into {packages} (once) ...")
    packages.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, packages / name)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    answer = subprocess.run(
        command, cwd=packages, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if answer.returncode:
        lines = [line for line in answer.stderr.splitlines() if line.strip()] or ["no message"]
        raise ConfigError(
            f"npm ci in {packages}: ended with {answer.returncode} ({lines[0][:200]}): is there a network?"
        )
    done.write_bytes(wanted)
    return found


def package_of(runtime: Path) -> dict[str, Any]:
    """The description of an installed package."""
    return json.loads((runtime / "package.json").read_text(encoding="utf-8"))


def add_runtime(runtime: Path, folder: Path) -> None:
    """Copy the files of onnxruntime-web that the page loads; :class:`ConfigError` where one is missing."""
    folder.mkdir()
    for name in RUNTIME_FILES:
        source = runtime / "dist" / name
        if not source.is_file():
            raise ConfigError(f"{source}: found no such file: remove {runtime.parents[1]}, then give the command again")
        shutil.copy(source, folder / name)


def add_generator(name: str, run: Path, folder: Path) -> tuple[dict[str, Any], str]:
    """Export a generator and write what Monte Carlo has beside it; its record, and the sample in words."""
    import_tensorflow_quietly()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    from calosim_tf.export.options import ExportOptions
    from calosim_tf.export.write import export
    from calosim_tf.training.run_folder import RunFolder

    sidecar = export(RunFolder(run), folder / name, ExportOptions(("onnx",)))
    reference = reference_of(get_detector(sidecar.detector))
    write_json(folder / name / "reference.json", reference)
    record = record_of(name, sidecar, reference)
    return record, f"{reference['sample']} ({reference['showers']} {record['energy']['particle_words']}s)"


if __name__ == "__main__":
    sys.exit(main())
