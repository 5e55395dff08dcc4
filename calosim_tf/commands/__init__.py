"""One module per sub-command: ``add_parser(subparsers)`` describes it, ``run(args)`` does it and returns the exit code."""
