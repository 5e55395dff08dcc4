"""Command line: ``calosim <command>``.

Exit codes: 0 done, 1 the run failed, 2 bad input, 75 stopped by a signal and resumable.  Results go to stdout,
messages to stderr.
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
import resource
import signal
import sys
import time
import traceback

from calosim_tf import __version__, messages, surroundings
from calosim_tf.commands import (
    bench,
    compare,
    data,
    doctor,
    evaluate,
    export,
    fleet,
    generate,
    import_weights,
    info,
    list_experiments,
    reproduce,
    study,
    train,
)
from calosim_tf.errors import CalosimError
from calosim_tf.quiet import import_tensorflow_quietly

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
    fleet,
    reproduce,
    doctor,
)
EPILOG = """examples:
  calosim train photon_quick                      train and judge on the bundled EGSnrc sample
  calosim generate pretrained:photon --energies 1024 65536 --events 1000 --out showers.hdf5
  calosim evaluate showers.hdf5 --reference dataset_1_photons_2.hdf5 --out report
"""

WELCOME = f"""calosim_tf {__version__}: showers of calorimeters from generative networks. To begin with:

  calosim generate pretrained:photon --energies 1024 65536 --events 1000 --out showers.hdf5
      2000 photon showers of 1 and 66 GeV, within seconds; the file has the layout of the CaloChallenge
  calosim train photon_factorised
      train the generator of these showers anew on bundled Monte Carlo and judge it, about 10 minutes on two cores
  calosim evaluate showers.hdf5 --reference MONTE_CARLO.hdf5 --out report
      compare showers with Monte Carlo of the same energies: numbers with errors, and pictures
  calosim list
      every experiment that can be trained; `calosim info NAME` shows its networks and settings
  calosim doctor
      is this installation complete, and is this machine fast enough?

From Python: import calosim_tf; calosim_tf.load("pretrained:photon").generate(1024.0, events=1000)
All commands: calosim --help; all options of one: calosim COMMAND --help
"""


class _OneLineParser(argparse.ArgumentParser):
    """Reports a wrong command line in one line, like every other error a user can cause."""

    def error(self, message: str):
        messages.error(f"{message} (see `{self.prog} --help`)")
        raise SystemExit(2)


def build_parser() -> argparse.ArgumentParser:
    """The parser of all sub-commands; imports nothing slow."""
    parser = _OneLineParser(
        prog="calosim",
        description="Showers of calorimeters from generative networks: train, judge, generate, export.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"calosim_tf {__version__}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_OneLineParser)
    for command in COMMANDS:
        command.add_parser(subparsers)
    _add_loudness(parser, messages.NORMAL)
    return parser


def _add_loudness(parser: argparse.ArgumentParser, default: int | str) -> None:
    """``--quiet`` and ``--verbose``, before the command or after it."""
    group = parser.add_mutually_exclusive_group()
    for options, level, words in (
        (("-q", "--quiet"), messages.QUIET, "warnings and errors only, no progress"),
        (("-v", "--verbose"), messages.VERBOSE, "also versions, time and memory, and the notes of TensorFlow"),
    ):
        group.add_argument(*options, dest="loudness", action="store_const", const=level, default=default, help=words)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _add_loudness(command, argparse.SUPPRESS)


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    # a file name that cannot be encoded in this locale must not end the command when it is printed
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if not (sys.argv[1:] if argv is None else argv):
        # somebody's first start, most of the time: what to do next is worth more to them than a refusal
        print(WELCOME, end="")
        return 0
    surroundings.shut_out()
    args = build_parser().parse_args(argv)
    messages.set_verbosity(args.loudness)
    terminated = signal.signal(signal.SIGTERM, _terminate)
    # TensorFlow's start-up notes (three "errors" on every machine without a GPU) would bury ours; setting the
    # variable shows them
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "0" if messages.is_verbose() else "3")
    if not messages.is_verbose():
        import_tensorflow_quietly()
        # Keras' remarks on slow callbacks and retracing go through Python's logging
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
    start = time.monotonic()
    try:
        return args.run(args)
    except CalosimError as error:
        return _report(error, error.exit_code, args.debug)
    except BrokenPipeError:
        # the reader of our output went away (`calosim list | head`); keep the interpreter from complaining at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        # a full disk, a folder without write permission, no place for temporary files: failures without a message of
        # their own
        reason = (error.strerror or str(error)).lower()
        where = f"{error.filename}: " if error.filename is not None else ""
        return _report(CalosimError(f"{where}{reason} (calosim --debug shows where)"), 1, args.debug)
    except MemoryError:
        return _report(CalosimError("out of memory: use fewer showers or a smaller batch"), 1, args.debug)
    except KeyboardInterrupt:
        messages.error("interrupted")
        return 130
    finally:
        signal.signal(signal.SIGTERM, terminated)
        _account(args.command, time.monotonic() - start)


def _report(error: CalosimError, exit_code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    messages.error(str(error))
    return exit_code


def _account(command: str, seconds: float) -> None:
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    messages.detail(
        f"calosim_tf {__version__}, Python {platform.python_version()}: {command} took {seconds:.1f} s, "
        f"peak memory {peak_mib:.0f} MiB"
    )


def _terminate(number: int, frame) -> None:
    """End cleanly, so that unfinished files are removed (``train`` has its own handlers)."""
    raise SystemExit(128 + number)
