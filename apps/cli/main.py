"""The `twin` command: finds the verb, runs it, and turns every error into one sentence.

Only the module of the verb that was asked for is imported, so `twin --help` answers at once.
"""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import typer

from twin.core.errors import InputError, TwinError, did_you_mean
from twin.core.paths import cache_dir

VERBS = {
    "run": "Run a scenario.",
    "replay": "Replay recorded calls of a city's day.",
    "rehearse": "Play choices of people in the place of rules, and review them.",
    "assign": "Let the drivers of a scenario learn their routes.",
    "compare": "Compare a what-if with its base over several replications.",
    "score": "Hold a run against response standards.",
    "why": "List the calls of a run; say why the units of one were sent.",
    "site": "Find where ambulances should stand.",
    "report": "Write the report of a run or of a comparison.",
    "city": "Build, import, export, show and list cities.",
    "traffic": "Let the vehicles of SUMO route files drive in a city.",
    "scenario": "List and show scenarios.",
    "serve": "Show the page.",
    "demo": "Compare a base with a what-if in a few minutes, then show the page.",
}
"""Every verb and its line in `twin --help`; module `apps.cli.<verb>` holds it."""

_OF_THE_MACHINE = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EISDIR,
        errno.ENOTDIR,
        errno.ENAMETOOLONG,
    }
)
"""What the system refuses and only the user can put right: rights, space, names."""

_ABOUT = "A city that you can run: traffic, ambulance and fire dispatch, what-ifs with intervals."


def build(verb: str | None) -> typer.Typer:
    """Return the command with one verb loaded and the others as lines of the help."""
    app = typer.Typer(
        name="twin", help=_ABOUT, no_args_is_help=True, add_completion=False,
        rich_markup_mode=None, pretty_exceptions_enable=False,
    )  # fmt: skip

    @app.callback()
    def top(
        *,
        show_version: bool = typer.Option(False, "--version", help="Print the version."),
    ) -> None:
        if show_version:
            print(version("twin-city"))
            raise typer.Exit

    for name, line in VERBS.items():
        if name != verb:
            app.command(name, help=line)(_elsewhere)
            continue
        module = import_module(f"apps.cli.{name}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name, help=line)
        else:
            app.command(name, help=line)(getattr(module, name))
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status.

    0: done; 1: an error of ours, whose traceback is kept in a file; 2: something that the user can
    put right, told in one sentence; 130: interrupted.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    verb = next((word for word in words if not word.startswith("-")), None)
    try:
        code = build(verb if verb in VERBS else None)(
            args=words, prog_name="twin", standalone_mode=False
        )
    except InputError as error:
        return max(_say(each.sentence, 2) for each in error.all)
    except TwinError as error:
        return _say(str(error), 2)
    except typer.Exit as done:
        return done.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return _say("interrupted", 130)
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more while shutting down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno not in _OF_THE_MACHINE:
            return _unforeseen(error)
        return _say(f"{error.filename or 'the system'}: {error.strerror}", 2)
    except Exception as error:  # noqa: BLE001 - the last resort: nobody is shown a traceback
        if type(error).__name__ == "NoArgsIsHelpError":
            print(error, file=sys.stderr)
            return 2
        if hasattr(error, "format_message"):
            return _say(_usage(error), 2)
        return _unforeseen(error)
    return code if isinstance(code, int) else 0


def _elsewhere() -> None:
    """Stand for a verb that was not asked for."""


def _usage(error: Any) -> str:
    """Return what is wrong with the words of a command, and what would be right."""
    said = error.format_message().rstrip(".")
    context: Any = getattr(error, "ctx", None)
    path = "twin" if context is None else context.command_path
    legal = f"`{path} --help` shows what is legal"
    if told := _number(error):
        return f"{told}; {legal}"
    if not said.startswith("No such command"):
        return f"{said}; {legal}"
    wrong = said.split("'")[1]
    near = did_you_mean(wrong, context.command.list_commands(context))
    return f"`{path}` has no command '{wrong}'; {near or legal}"


def _number(error: Any) -> str | None:
    """Return what is wrong with an option that is to be a number, with an example."""
    option, cause = getattr(error, "param", None), error.__cause__
    if option is None or not hasattr(cause, "errors"):
        return None
    problem = cause.errors()[0]
    name, said, limits = option.opts[0], problem["input"], problem.get("ctx", {})
    usual = option.default if isinstance(option.default, int | float) else 1
    match problem["type"]:
        case "int_parsing" | "int_from_float":
            return f"{name}: {said!r} is not a whole number in digits, as in `{name} {usual:g}`"
        case "float_parsing":
            return f"{name}: {said!r} is not a number in digits, as in `{name} {usual:g}`"
        case "greater_than_equal":
            return f"{name}: {said} is too small, it should be {limits['ge']} or more"
        case "less_than_equal":
            return f"{name}: {said} is too large, it should be {limits['le']} or less"
    return None


def _say(sentence: str, code: int) -> int:
    print(f"twin: {' '.join(sentence.split())}", file=sys.stderr)
    return code


def _unforeseen(error: Exception) -> int:
    return _say(
        f"this should not have happened ({type(error).__name__}); "
        f"the traceback is in {_keep_traceback()}",
        1,
    )


def _keep_traceback() -> Path:
    folder = cache_dir() / "logs"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="twin-"))
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    file = folder / f"{stamp}-{os.getpid()}.txt"
    file.write_text(f"{sys.argv}\n{traceback.format_exc()}", "utf-8")
    return file
