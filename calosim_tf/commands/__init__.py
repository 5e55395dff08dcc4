"""One module per sub-command: ``add_parser(subparsers)`` describes it, ``run(args)`` returns the exit code."""
