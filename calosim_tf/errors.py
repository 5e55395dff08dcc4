"""One exception per kind of failure that a user can cause.

Every message is one line that says what is wrong, where, what was found, what was expected and what to do.  The
command line prints it without a traceback and ends with ``exit_code``.
"""


class CalosimError(Exception):
    """Base of all failures that are reported in one line."""

    exit_code = 1

    def __init__(self, message: str):
        # names and values come from files and command lines: nothing of them may move the cursor of a terminal
        line = " ".join(message.split())
        super().__init__("".join(c if c.isprintable() else ascii(c)[1:-1] for c in line))


class CalosimWarning(UserWarning):
    """What the command line prints as a warning, for programs that call the package."""


class InputError(CalosimError):
    """An input of the user cannot be used."""

    exit_code = 2


class DataError(InputError):
    """A data file is missing, damaged, or not in the layout it is said to be in."""


class ConfigError(InputError):
    """A configuration key, value or combination of values is not allowed."""


class RunFolderError(InputError):
    """A run folder or bundle cannot be read, or must not be written over."""


class StorageError(CalosimError):
    """The disk is full, a quota is used up, or a folder may not be written to, in the middle of the work."""


class CheckpointError(CalosimError):
    """No sound checkpoint is left."""


class UnfitCheckpointError(CheckpointError):
    """A sound checkpoint belongs to other networks than those it is to be read into."""

    exit_code = 2


class ExportError(CalosimError):
    """An exported network gives other numbers than the one it came from."""


class BenchmarkError(CalosimError):
    """What is to be timed does not run."""


class NonFiniteError(CalosimError):
    """A loss, gradient or weight is no longer a finite number."""


class WorkerLostError(CalosimError):
    """Another process of a distributed training is gone."""


class StoppedBySignal(CalosimError):
    """A signal asked the run to stop; its state is saved and it can be resumed."""

    exit_code = 75
