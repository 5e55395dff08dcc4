"""A process that has imported everything and forks a child for each command: a real process without the slow start.

Run as a script.  Each line on stdin is a JSON request, each line on stdout its answer: ``start`` gives a pid, ``wait``
gives an exit code (negative for a signal) or ``stopped``.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
from pathlib import Path


def child(request: dict) -> None:
    """Become ``calosim`` with the arguments, variables and output file of the request."""
    import calosim_tf
    from calosim_tf import fault_points
    from calosim_tf.cli import main

    for descriptor, name, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, request["stdout"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        (2, request["stderr"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    ):
        os.dup2(os.open(name, flags, 0o600), descriptor)
    os.environ.pop("TF_CPP_MIN_LOG_LEVEL", None)
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    # what a run records as its command
    sys.argv = [str(Path(calosim_tf.__file__).with_name("__main__.py")), *request["arguments"]]
    fault_points.arm()
    code = 1
    try:
        for name in request["imports"]:
            importlib.import_module(name)
        code = main(request["arguments"])
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def answer(request: dict) -> dict:
    if request["do"] == "start":
        pid = os.fork()
        if pid == 0:
            child(request)
        return {"pid": pid}
    _, status = os.waitpid(request["pid"], os.WUNTRACED)
    return {"code": "stopped" if os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status)}


def warm_up() -> None:
    """Import what a training imports; no tensor is made, so that TensorFlow starts its threads in the children."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    for name in ("commands.train", "data.source", "data_prep.default_data", "training.train", "training.run_lock"):
        __import__(f"calosim_tf.{name}")
    assert threading.active_count() == 1, "a fork would leave threads behind"


def serve() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    warm_up()
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    serve()
