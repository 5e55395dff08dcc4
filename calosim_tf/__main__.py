"""Entry point of ``calosim`` and ``python -m calosim_tf``."""

from __future__ import annotations

import sys

from calosim_tf import messages
from calosim_tf.errors import CalosimError


def main() -> int:
    """Run the command line; a mistake in an experiment file, read before any command, is also reported in one line."""
    try:
        from calosim_tf import cli
    except CalosimError as error:
        messages.error(str(error))
        return error.exit_code
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
