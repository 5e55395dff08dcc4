"""Command line: ``calosim <command>``.

Exit codes: 0 done, 1 the run failed, 2 bad input, 75 stopped by a signal and resumable.  Results go to stdout,
messages to stderr.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import traceback

from calosim_tf import __version__
from calosim_tf.commands import (
    bench,
    compare,
    data,
    doctor,
    evaluate,
    export,
    generate,
    import_weights,
    info,
    list_experiments,
    reproduce,
    study,
    train,
)
from calosim_tf.errors import CalosimError

COMMANDS = (
    list_experiments,
    info,
    data,
    train,
    generate,
    evaluate,
    compare,
    study,
    export,
    import_weights,
    bench,
    reproduce,
    doctor,
)
EPILOG = """examples:
  calosim train photon_quick                      train and judge on the bundled EGSnrc sample
  calosim generate pretrained:photon --energies 1024 65536 --events 1000 --out showers.hdf5
  calosim evaluate showers.hdf5 --reference dataset_1_photons_2.hdf5 --out report
"""


class _OneLineParser(argparse.ArgumentParser):
    """Reports a wrong command line in one line, like every other error a user can cause."""

    def error(self, message: str):
        print(f"calosim: error: {message} (see `{self.prog} --help`)", file=sys.stderr)
        raise SystemExit(2)


def build_parser() -> argparse.ArgumentParser:
    """The parser of all sub-commands; imports nothing slow."""
    parser = _OneLineParser(
        prog="calosim",
        description="GAN-based calorimeter shower simulation.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"calosim_tf {__version__}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_OneLineParser)
    for command in COMMANDS:
        command.add_parser(subparsers)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    # a file name that is no text in this locale must not end the command when it is printed
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    args = build_parser().parse_args(argv)
    terminated = signal.signal(signal.SIGTERM, _terminate)
    # TensorFlow's start-up notes (three "errors" on every machine without a GPU) would bury ours; setting the
    # variable shows them
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        return args.run(args)
    except CalosimError as error:
        return _report(error, error.exit_code, args.debug)
    except BrokenPipeError:
        # the reader of our output went away (`calosim list | head`); keep the interpreter from complaining at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        # a disk that is full, a folder that may not be written to, no place for temporary files: what has no message
        # of its own
        reason = (error.strerror or str(error)).lower()
        where = f"{error.filename}: " if error.filename is not None else ""
        return _report(CalosimError(f"{where}{reason} (calosim --debug shows where)"), 1, args.debug)
    except MemoryError:
        return _report(CalosimError("out of memory: use fewer showers or a smaller batch"), 1, args.debug)
    except KeyboardInterrupt:
        print("calosim: interrupted", file=sys.stderr)
        return 130
    finally:
        signal.signal(signal.SIGTERM, terminated)


def _report(error: CalosimError, exit_code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    print(f"calosim: error: {error}", file=sys.stderr)
    return exit_code


def _terminate(number: int, frame) -> None:
    """End in order, so that files begun are removed (``train`` has handlers of its own)."""
    raise SystemExit(128 + number)
