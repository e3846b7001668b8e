"""What stands in the place of the map when there is nothing to show."""

from __future__ import annotations

from html import escape

COMMANDS = ("twin run seoul-evening-peak", "twin run sf-2017-01-04", "twin demo")

_STYLE = """
<style>
.note { max-width: 46em; margin: 12vh auto 0; padding: 0 1.5em; color: #e8edf7;
  font: clamp(16px, 1.1vw, 34px)/1.55 system-ui, "Noto Sans KR", "Noto Sans CJK KR", sans-serif; }
.note h1 { font-size: 1.5em; margin: 0 0 0.5em; }
.note p { color: #c9d5ee; margin: 0 0 1em; overflow-wrap: anywhere; word-break: keep-all; }
.note code { display: block; padding: 0.6em 1em; margin: 0.4em 0; border-radius: 0.5em;
  background: #1a2440; border: 1px solid #2a3657; color: #8cc4ff; font-family: monospace; }
</style>
"""


def no_runs(text: dict[str, str], folder: str) -> str:
    """Return the empty page: what to do to see something."""
    commands = "".join(f"<code>{escape(command)}</code>" for command in COMMANDS)
    return (
        f'{_STYLE}<div class="note" data-note="no-runs"><h1>{escape(text["no_runs_title"])}</h1>'
        f"<p>{escape(text['no_runs'].format(folder=folder))}</p>{commands}</div>"
    )


def broken(text: dict[str, str], problem: str) -> str:
    """Return the page that says why a run cannot be shown."""
    return (
        f'{_STYLE}<div class="note" role="alert" data-note="broken">'
        f"<h1>{escape(text['broken_title'])}</h1><p>{escape(problem)}</p></div>"
    )


def loading(text: dict[str, str]) -> str:
    """Return the page that stands while a run is read."""
    return (
        f'{_STYLE}<div class="note" role="status" data-note="loading">'
        f"<p>{escape(text['loading'])}</p></div>"
    )
