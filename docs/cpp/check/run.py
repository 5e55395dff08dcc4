"""Build the C++ library's example and check, run them, and print the times: what ``make cpp`` does.

    python docs/cpp/check/run.py

Results are in ``docs/_build/cpp``: the two builds, the bundles, and ``times.md``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE, OUT = HERE.parent, HERE.parents[1] / "_build" / "cpp"
BUNDLES = OUT / "bundles"
FORMATS = {"dense": "lwtnn", "onnx": "onnx", "litert": "tflite"}
SANITIZER_OPTIONS = {
    # TensorFlow keeps its global objects to the end of the process, and allocates in libraries that are not watched
    "ASAN_OPTIONS": "detect_leaks=0:alloc_dealloc_mismatch=0:detect_odr_violation=0",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}
# What a user can get wrong: options, and a word that the message must have
WRONG = {
    "no bundle": (["nowhere", "--energies", "1024"], "sidecar.json"),
    "no energy": (["BUNDLE"], "--energies"),
    "an energy of 0": (["BUNDLE", "--energies", "0"], "above 0"),
    "an energy beyond the range": (["BUNDLE", "--energies", "1e9"], "trained on"),
    "not a number": (["BUNDLE", "--energies", "much"], "expected a number"),
    "more threads than cores": (["BUNDLE", "--energies", "1024", "--threads", "9999"], "cores"),
    "an unknown back end": (["BUNDLE", "--energies", "1024", "--backend", "abacus"], "abacus"),
    "a format that is not in the bundle": (["SAVED", "--energies", "1024", "--backend", "dense"], "lwtnn"),
    "an unknown option": (["BUNDLE", "--energies", "1024", "--colour"], "--help"),
    "a folder that cannot be written": (["BUNDLE", "--energies", "1024", "--out", "/nowhere/showers.csv"], "--out"),
}


def run(*command: str | Path, **options) -> subprocess.CompletedProcess:
    """A command that must end with 0."""
    done = subprocess.run([str(item) for item in command], stdin=subprocess.DEVNULL, check=False, **options)
    if done.returncode != 0:
        raise SystemExit(f"make cpp: {command[0]} ended with {done.returncode}")
    return done


def configure(name: str, *options: str) -> Path:
    """A build folder of CMake."""
    (tensorflow,) = find_spec("tensorflow").submodule_search_locations
    folder = OUT / name
    run("cmake", "-S", SOURCE, "-B", folder, f"-DCALOSIM_TENSORFLOW={tensorflow}", *options, stdout=subprocess.PIPE)
    return folder


def require_refusals(example: Path) -> None:
    """Every wrong command line ends with 2 and one line."""
    places = {"BUNDLE": str(BUNDLES / "photon_calo_shower_gan"), "SAVED": str(BUNDLES / "photon")}
    for what, (arguments, word) in WRONG.items():
        command = [str(example), *(places.get(item, item) for item in arguments)]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        lines = [line for line in done.stderr.splitlines() if line.startswith("calosim_example:")]
        if done.returncode != 2 or len(lines) != 1 or word not in lines[0]:
            raise SystemExit(f"make cpp: {what}: ended with {done.returncode}: {done.stderr[-500:]}")
    print(f"{len(WRONG)} wrong command lines: one line and exit code 2 each")


def table(check: Path) -> str:
    """Microseconds per shower of C++ and Python as Markdown."""
    rows = []
    for language, command in (("C++", [check]), ("Python", [sys.executable, HERE / "reference.py"])):
        done = run(*command, BUNDLES, "--times", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        rows += [(language, json.loads(line)) for line in done.stdout.splitlines()]
    found: dict[tuple[str, str], dict[int, float]] = {}
    for language, row in rows:
        if row["bundle"] != "rings":
            found.setdefault((row["bundle"], f"{language}, {row['backend']}"), {})[row["batch"]] = row["us"]
    batches = (1, 10, 100)
    lines = ["| bundle | run by | 1 | 10 | 100 |", "|---|---|---|---|---|"]
    for (bundle, by), values in sorted(found.items()):
        lines.append(f"| `pretrained:{bundle}` | {by} | {' | '.join(f'{values[batch]:.3g}' for batch in batches)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Build, compare, print."""
    begin = time.monotonic()
    # notes that the library prints while it is loaded
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    OUT.mkdir(parents=True, exist_ok=True)
    # instructions of the last ten years: those of AVX-512 take three times as long to compile
    release = configure("release", "-DCALOSIM_ARCH=x86-64-v3", "-DCMAKE_CXX_FLAGS_RELEASE=-O2 -DNDEBUG")
    compiled = (release / "backends.txt").read_text().split()
    print(f"back ends compiled: {', '.join(compiled)}; not: {', '.join({*FORMATS, 'tensorflow'} - {*compiled}) or '-'}")
    formats = ",".join(FORMATS[name] for name in compiled if name in FORMATS)
    log = OUT / "reference.log"
    with log.open("w") as output:
        python = subprocess.Popen(
            [sys.executable, str(HERE / "reference.py"), str(BUNDLES), "--formats", formats],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        checked = configure("sanitized", "-DCALOSIM_SANITIZE=ON")
        builds = [
            subprocess.Popen(
                ["cmake", "--build", str(folder), "--target", *targets],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
            for folder, targets in (
                (checked, ["calosim_check"]),
                (release, ["calosim_check", "calosim_example"]),
            )
        ]
        if max(build.wait() for build in builds):
            raise SystemExit("make cpp: the build failed")
        print(f"built in {time.monotonic() - begin:.0f} s", flush=True)
        if python.wait() != 0:
            raise SystemExit(f"make cpp: the reference ended with {python.returncode}: {log.read_text()[-1000:]}")
    print(f"bundles and showers of Python: {time.monotonic() - begin:.0f} s", flush=True)
    answers = SOURCE / "known_answers.json"
    command = [str(checked / "calosim_check"), str(BUNDLES), str(answers)]
    options = {**os.environ, **SANITIZER_OPTIONS}
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=options) as watched:
        run(release / "calosim_check", BUNDLES, answers)
        text, _ = watched.communicate()
    print(f"with address and undefined-behaviour sanitizers:\n{text}", end="", flush=True)
    if watched.returncode != 0:
        raise SystemExit(f"make cpp: the check with sanitizers ended with {watched.returncode}")
    require_refusals(release / "calosim_example")
    text = table(release / "calosim_check")
    (OUT / "times.md").write_text(text)
    print("microseconds per shower in calls of 1, 10 and 100, one thread, fastest of five rounds, ", end="")
    print(f"tensorflow {version('tensorflow')}\n\n{text}")
    print(f"make cpp: {time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    main()
