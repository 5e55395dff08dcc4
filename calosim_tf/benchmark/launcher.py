"""Runs a command and prints its time and memory: ``python -m calosim_tf.benchmark.launcher COMMAND ...``.

It is a separate process because Linux counts the memory of the parent towards the peak of the child: a job started from
a benchmark that holds TensorFlow would seem to need as much.  Imports nothing large.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time


def main(command: list[str]) -> int:
    """Run the command; JSON with ``seconds``, ``peak_memory_mib``, ``exit_code`` and ``stderr`` on stdout."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    message = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    result = {
        "seconds": seconds,
        "peak_memory_mib": usage.ru_maxrss / 1024,
        "exit_code": process.returncode,
        "stderr": message,
    }
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
