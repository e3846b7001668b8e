"""Builds HTML and SVG from tags whose text is always escaped, and the page around a report."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from twin.core.errors import InputError


class Raw(str):
    """Markup that is safe as it stands, since `tag` made it."""

    __slots__ = ()


def tag(name: str, /, *content: object, **attributes: Any) -> Raw:
    """Return an element; strings are escaped unless they are `Raw`, `None` is left out.

    A trailing underscore of an attribute's name is dropped (`class_`), others become hyphens.
    """
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_text(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if not content and name in _EMPTY:
        return Raw(f"<{name}{said}/>")
    return Raw(f"<{name}{said}>{join(content)}</{name}>")


def join(content: Iterable[object]) -> Raw:
    """Return the markup of several pieces after one another."""
    return Raw(
        "".join(
            piece if isinstance(piece, Raw) else escape(_text(piece))
            for piece in content
            if piece is not None
        )
    )


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Raw:
    """Return a table whose first column is text and whose others are figures.

    On a narrow screen each row becomes a block: its name, and every figure under its column's name.
    """
    return tag("div", _table(head, rows), class_="scroll")


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Raw:
    return tag(
        "table",
        tag("thead", tag("tr", *(tag("th", h, scope="col") for h in head))),
        tag(
            "tbody",
            *(
                tag(
                    "tr",
                    tag("th", first, scope="row"),
                    *(
                        tag("td", cell, data_label=name)
                        for name, cell in zip(head[1:], cells, strict=True)
                    ),
                )
                for first, *cells in rows
            ),
        ),
        class_="blocks",
    )


def at_both_widths(wide: Raw, narrow: Raw) -> Raw:
    """Return two drawings of one thing, of which a wide and a narrow screen each show one."""
    return tag("div", tag("div", wide, class_="wide"), tag("div", narrow, class_="narrow"))


def section(title: str, *content: object) -> Raw:
    """Return a part of the report under a heading."""
    return tag("section", tag("h2", title), *content)


def folded(title: str, *content: object) -> Raw:
    """Return content that is folded away under its title until it is asked for."""
    return tag("details", tag("summary", title), *content)


def key_figures(figures: Iterable[tuple[str, str]]) -> Raw:
    """Return a strip of (value, what it is), all of one size: the largest that fits every value."""
    figures = list(figures)
    long = any(len(value) > _LONGEST_FIGURE for value, _ in figures)
    return tag(
        "dl",
        *(
            tag(
                "div",
                tag("dt", what),
                tag("dd", value),
            )
            for value, what in figures
        ),
        class_="figures long" if long else "figures",
    )


def page(title: str, *content: object) -> str:
    """Return a whole document that asks nothing of the network."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        # Nothing outside this file may be asked for, whatever a name in the data holds.
        tag(
            "meta",
            http_equiv="Content-Security-Policy",
            content="default-src 'none'; style-src 'unsafe-inline'; img-src data:",
        ),
        tag("title", title),
        tag("style", Raw(_STYLE)),
    )
    body = tag("body", tag("main", *content))
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def write_page(file: Path, text: str) -> Path:
    """Write a document whole or not at all.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    hidden = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        hidden.write_text(text, "utf-8")
        hidden.replace(file)
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", file=file) from error
    return file


def _text(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


_LONGEST_FIGURE = 11
_EMPTY = frozenset({"meta", "path", "line", "circle", "rect", "polyline", "polygon", "br"})
_STYLE = """
:root{color-scheme:light;--ink:#1b2430;--soft:#5b6675;--line:#d9dee5;--paper:#fff;--wash:#f4f6f9;
--warn:#8a4b00;--warnbg:#fff4e0;--accent:#1f5fa8}
*{box-sizing:border-box}
body{margin:0;background:var(--wash);color:var(--ink);
font:15px/1.5 system-ui,"Noto Sans KR","Apple SD Gothic Neo",sans-serif;word-break:keep-all}
main{max-width:1060px;margin:0 auto;padding:28px 22px 60px}
header h1{font-size:27px;line-height:1.2;margin:0 0 4px}
header .ko{color:var(--soft);margin:0 0 10px}
header .question{font-size:17px;margin:10px 0}
header .facts{color:var(--soft);margin:6px 0 0}
ul.notice{background:var(--warnbg);color:var(--warn);border-left:4px solid #e19a2d;
padding:9px 14px 9px 30px;margin:14px 0;border-radius:4px;font-size:14px}
.reading{font-size:19px;font-weight:600;border-left:4px solid var(--accent);padding:8px 16px;
background:#e9f1fb;border-radius:4px;margin:18px 0}
section{background:var(--paper);border:1px solid var(--line);border-radius:8px;
padding:16px 20px 20px;margin:18px 0;break-inside:avoid}
h2{font-size:18px;margin:0 0 10px}
h3{font-size:15px;margin:16px 0 6px}
p{margin:8px 0}
summary{cursor:pointer;color:var(--soft);margin:10px 0 6px}
.note{color:var(--soft);font-size:13px}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(112px,1fr));gap:12px;
margin:18px 0}
.figures div{background:var(--paper);border:1px solid var(--line);border-radius:8px;
padding:10px 11px;display:flex;flex-direction:column;justify-content:space-between}
.figures dt{color:var(--soft);font-size:13px}
.figures dd{margin:0;font-size:19px;font-weight:600;font-variant-numeric:tabular-nums;
white-space:nowrap}
.figures.long dd{font-size:15px;line-height:1.4}
.legend{color:var(--soft);font-size:13px;display:flex;flex-wrap:wrap;gap:4px 16px;margin:8px 0}
.legend span{display:inline-flex;align-items:center;gap:5px;white-space:nowrap}
.legend svg{width:16px;height:16px;flex:none}
table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}
th,td{padding:5px 7px;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
.scroll{overflow-x:auto}
th:first-child{text-align:left;font-weight:500;white-space:normal}
thead th{white-space:normal;vertical-align:bottom;
color:var(--soft);font-weight:600;border-bottom:2px solid var(--line)}
svg{display:block;width:100%;height:auto;max-height:820px}
svg.chart{max-width:620px}
svg text{font:12px system-ui,"Noto Sans KR",sans-serif;fill:var(--ink)}
svg text.soft{fill:var(--soft)}
svg text.halo{paint-order:stroke;stroke:#fff;stroke-width:3.5px;stroke-linejoin:round}
svg.map text{font-size:15px;font-weight:600;fill:#3b4653}
svg.map text.new{fill:#b0006d}
.narrow{display:none}
table.origin{table-layout:fixed}
table.origin th{white-space:normal;width:30%}
ul.sources{font-size:14px}
ul.sources small{color:var(--soft);font-size:11.5px;overflow-wrap:anywhere}
.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(400px,1fr));gap:18px;margin:18px 0}
.two section{margin:0}
ul.fields{columns:3 250px;list-style:none;padding:0;margin:0;font-size:13px}
td.mono{text-align:left;white-space:normal}
code,.mono{font:12.5px ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere}
ul{margin:6px 0;padding-left:20px}
@media (max-width:760px){.figures{grid-template-columns:repeat(auto-fill,minmax(132px,1fr))}
.two{grid-template-columns:minmax(0,1fr)}main{padding:16px 10px 40px}
section{padding:14px 13px 16px}.wide{display:none}.narrow{display:block}
.legend span{white-space:normal}svg.map text{font-size:23px}
table.blocks thead{display:none}table.blocks,table.blocks tbody{display:block}
table.blocks tr{display:grid;grid-template-columns:repeat(auto-fill,minmax(98px,1fr));gap:2px 10px;
padding:8px 0;border-bottom:1px solid var(--line)}
table.blocks th{grid-column:1/-1;border:none;padding:0;font-weight:600;white-space:normal}
table.blocks td{border:none;padding:0;text-align:left;white-space:normal;font-size:13px}
table.blocks td::before{content:attr(data-label);display:block;color:var(--soft);font-size:11.5px;
line-height:1.25}
table.blocks td:last-child:nth-child(3n){grid-column:span 2}
table.blocks td:last-child:nth-child(3n+2){grid-column:1/-1}
table.origin tr,table.origin th,table.origin td{display:block;width:auto;text-align:left}
table.origin th{border:none;padding-bottom:0}}
@media (min-width:3200px){body{zoom:2.2}}
@media print{body{background:#fff;font-size:11px}main{max-width:none;padding:0}
section{border:none;padding:6px 0;margin:10px 0}.two{grid-template-columns:1fr 1fr}
th,td{padding:2px 6px}*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
"""
