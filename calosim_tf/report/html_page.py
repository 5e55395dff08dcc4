"""The pieces of all pages: one self-contained HTML file without script or network, images embedded."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; margin: 0 auto;
 max-width: 72rem; padding: 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; } h2 { font-size: 1.2rem; margin-top: 2rem; border-bottom: 1px solid #bbb; }
h1, h2, p, li, td, th, figcaption { overflow-wrap: anywhere; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #ddd; text-align: right; vertical-align: top;
 overflow-wrap: normal; }
th:first-child, td:first-child { text-align: left; } td.text, th.text { text-align: left; }
thead th { border-bottom: 2px solid #888; } small { color: #555; display: block; }
.numbers td + td { white-space: nowrap; } .numbers small { white-space: normal; max-width: 14rem; margin-left: auto; }
.matrix td, .matrix th { white-space: nowrap; padding: .25rem .4rem; font-size: .8rem; }
.matrix th:first-child { position: sticky; left: 0; background: #fff; min-width: 10rem; max-width: 14rem;
 white-space: normal; }
.matrix .foreign th, .matrix .foreign td { font-style: italic; color: #555; background: #f4f4f4; }
figure { margin: 1.5rem 0; } img { max-width: 100%; height: auto; display: block; }
figcaption { font-size: .9rem; color: #444; }
@media (max-width: 40rem) { body { padding: .6rem; } th, td { padding: .2rem .35rem; } table { font-size: .82rem; }
 .wide img { max-width: none; width: 46rem; } .matrix th:first-child { min-width: 6rem; max-width: 8rem; }
 .numbers td:first-child { min-width: 9rem; overflow-wrap: anywhere; } }
@media print { body { max-width: none; font-size: 10pt; padding: 0; } figure, tr { break-inside: avoid; }
 h2 { break-after: avoid; } .wide { overflow: visible; } .wide img { max-width: 100%; width: auto; }
 .numbers td + td { white-space: normal; }
 .matrix td, .matrix th { font-size: 5.5pt; padding: 1pt 1pt; white-space: normal; overflow-wrap: anywhere; }
 .matrix { table-layout: fixed; width: 100%; } .matrix th:first-child { min-width: 0; }
 .numbers td:first-child { overflow-wrap: anywhere; } }
"""


@dataclass(frozen=True)
class ReportPicture:
    """A PNG file with its title and caption."""

    path: Path
    title: str
    caption: str


def page(title: str, sections: Iterable[str]) -> str:
    """The whole page; ``title`` is plain text, ``sections`` are HTML."""
    heading = escape(title)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{heading}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{heading}</h1>\n"
        + "".join(sections)
        + "</body>\n</html>\n"
    )


def section(title: str, body: str) -> str:
    """A headed part of the page; nothing for an empty body."""
    return f"<section>\n<h2>{escape(title)}</h2>\n{body}</section>\n" if body else ""


def row(cells: Iterable[str], tag: str = "td") -> str:
    """A table row; the cells are HTML already."""
    return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>\n"


def headed_row(heading: str, cells: Iterable[str], css_class: str = "") -> str:
    """A table row that begins with a heading; the cells are HTML already."""
    opening = f'<tr class="{css_class}">' if css_class else "<tr>"
    return f"{opening}<th>{heading}</th>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>\n"


def table(header: Sequence[str], rows: Iterable[str], css_class: str = "") -> str:
    """A table that scrolls sideways on a narrow screen; the header is plain text, the rows are HTML."""
    head = row((escape(cell) for cell in header), "th")
    return (
        f'<div class="wide"><table class="{css_class}">\n<thead>{head}</thead>\n<tbody>{"".join(rows)}</tbody>\n'
        "</table></div>\n"
    )


def paragraph(text: str) -> str:
    """Plain text as a paragraph."""
    return f"<p>{escape(text)}</p>\n"


def bullets(items: Sequence[str]) -> str:
    """Plain sentences as a list; nothing for none."""
    return "<ul>\n" + "".join(f"<li>{escape(item)}</li>\n" for item in items) + "</ul>\n" if items else ""


def figure(picture: ReportPicture) -> str:
    """A section with the embedded image; a phone scrolls it sideways instead of shrinking its text."""
    data = base64.b64encode(picture.path.read_bytes()).decode("ascii")
    title, caption = escape(picture.title), escape(picture.caption)
    return section(
        picture.title,
        f'<figure><div class="wide"><img alt="{title}" src="data:image/png;base64,{data}"></div>\n'
        f"<figcaption>{caption}</figcaption></figure>\n",
    )
