"""``calosim reproduce --table``: every published number next to ours, and the status of the comparison."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from calosim_tf.errors import CalosimError, ConfigError

BEGIN = "<!-- made by `calosim reproduce --table --docs docs`; never edited by hand -->"
END = "<!-- end of what is made by `calosim reproduce` -->"
SUMMARY_PAGE = "reproduction.md"


class StalePageError(CalosimError):
    """A page of the documentation is not what the command would write."""


def add_parser(subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "reproduce",
        help="published numbers next to ours",
        description="Every number of the source documents, ours beside it, the command and the status. Counts and "
        "settings are read again; measurements come from the record of the package and from RUNs, which go first.",
    )
    parser.add_argument("runs", nargs="*", metavar="RUN", help="run folders, or scores of `calosim compare`")
    parser.add_argument("--table", action="store_true", help="print the rows (without it: how many have which status)")
    parser.add_argument("--paper", metavar="NAME", help="of one source document only")
    parser.add_argument("--docs", metavar="DIR", help="write the tables into the pages of this folder instead")
    parser.add_argument("--check", action="store_true", help="with --docs: write nothing, exit 1 if a page is stale")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Compare, then print or write."""
    from calosim_tf.reproduction.documents import DOCUMENTS, get_document
    from calosim_tf.reproduction.measurements import committed_measurements, measurements_of
    from calosim_tf.reproduction.numbers import Context
    from calosim_tf.reproduction.table import markdown, rows_of, summary

    if args.check and not args.docs:
        raise ConfigError("--check: found no --docs, expected the folder of the pages to check")
    if args.docs and args.paper:
        raise ConfigError("--paper: found with --docs, expected one of them: --docs writes all pages")
    documents = [get_document(args.paper)] if args.paper else list(DOCUMENTS.values())
    measurements = committed_measurements() | measurements_of(Path(path) for path in args.runs)
    context = Context(_networks, measurements)
    rows = {document.name: rows_of(document, context) for document in documents}
    everything = [row for own in rows.values() for row in own]
    if args.docs:
        pages = {Path("papers") / f"{name}.md": markdown(own) for name, own in rows.items()}
        pages[Path(SUMMARY_PAGE)] = summary(everything)
        _update(Path(args.docs), pages, check=args.check)
    elif args.json:
        print(json.dumps([vars(row) for row in everything], indent=2))
    elif args.table:
        print("\n\n".join(f"## {document.title}\n\n{markdown(rows[document.name])}" for document in documents))
    else:
        print(summary(everything))
    return 0


@cache
def _networks(experiment: str) -> Mapping[str, Any]:
    """Networks of an experiment, built and counted."""
    from calosim_tf.commands.info import describe
    from calosim_tf.experiments import get_experiment

    return describe(get_experiment(experiment))["networks"]


def _update(folder: Path, pages: Mapping[Path, str], *, check: bool) -> None:
    """Replace the text between the marks of each page; with ``check`` only compare."""
    from calosim_tf.files import write_atomically

    texts = {}
    for name, table in pages.items():
        path = folder / name
        try:
            old = path.read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read ({error.strerror}), expected a page of the docs") from error
        before, begin, rest = old.partition(BEGIN)
        _, end, after = rest.partition(END)
        if not (begin and end):
            raise ConfigError(f"{path}: found no two marks, expected {BEGIN} and {END} around the place of the table")
        new = f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"
        if new != old:
            texts[path] = new
    if check and texts:
        names = ", ".join(map(str, texts))
        raise StalePageError(f"{names}: not what the code gives now, run `calosim reproduce --table --docs {folder}`")
    for path, text in texts.items():
        write_atomically(path, text)
        print(path)
