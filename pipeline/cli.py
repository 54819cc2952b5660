"""The command line: what words it has, and how every command ends.

A verb is a file in `pipeline/verbs`, or a tool that a room or a package brings; a stage's command
is made of its class. Exit codes: 0 done, 1 a bug of ours, 2 a mistake in recipe or call, 3 a stage
failed or kept nothing, or a check has findings, 75 stopped by SIGTERM or SIGHUP, 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import textwrap
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import seedbed
from pipeline import signals, verbs
from pipeline.recipe.opened import shield
from pipeline.terminal import screens
from pipeline.trouble import bug, told
from pipeline.verbs import stage
from stages import check, registry, tools
from stages.errors import Preempted, StageFailed, UsageError
from stages.pandas_later import load_pandas_later
from stages.secrets import masked, problem_in


def main(arguments: Sequence[str] | None = None, early: Sequence[int] = ()) -> NoReturn:
    """The entry point; exits with one of the codes above. early: signals that came before it."""
    load_pandas_later()
    code = command(sys.argv[1:] if arguments is None else list(arguments), early)
    signals.ignore()  # all is done, and stays what it is
    sys.exit(code)


def command(arguments: Sequence[str], early: Sequence[int] = ()) -> int:
    """Do what the arguments say; returns the exit code."""
    with screens():
        try:
            signals.listen(early)
            code = _done(arguments)
            sys.stdout.flush()  # a full disk below stdout is told, too
            signals.rest()
            return code
        except BaseException as error:
            signals.rest()
            return _failed(error)


def _failed(error: BaseException) -> int:
    """Say why the command ends; its exit code."""
    stopped = signals.outcome()
    if isinstance(error, Preempted):  # it knows how far it came
        stopped = error.exit_code, str(error)
    elif stopped is None and isinstance(error, KeyboardInterrupt):  # a handler of another's
        stopped = 130, "interrupted"
    if stopped is not None:  # whatever a library made of the signal's exception
        code, message = stopped
        _complain(message)
        return code
    if not isinstance(error, Exception):
        raise error
    known = told(error)
    if known is None:
        return _bug("".join(traceback.format_exception(error)))
    _complain(*known.messages)
    return known.exit_code


def _done(arguments: Sequence[str]) -> int:
    _check_words(arguments)
    try:
        parser, options = _parsed(arguments)
    except SystemExit as end:  # argparse after --help or --version
        return int(end.code or 0)
    if options.verb is None:
        parser.print_help()
        return 2
    return int(options.act(options))


def _complain(*messages: str) -> None:
    """Each message on a line of its own; what a message breaks itself is indented."""
    for message in messages:
        first, *more = message.strip().split("\n") if message.strip() else [""]
        for text in [first, *("  " + rest for rest in more)]:
            print(f"seedbed: {text}", file=sys.stderr)


def _bug(trace: str) -> int:
    theirs = registry.culprit(trace)
    _complain(bug(trace))
    try:
        with tempfile.NamedTemporaryFile(
            "w",
            prefix="seedbed-",
            suffix=".trace",
            delete=False,
            encoding="utf-8",
            errors="replace",
        ) as file:
            file.write(masked(trace))
        _complain(f"the trace is in {file.name}" + ("" if theirs else "; please report it"))
    except OSError as error:
        _complain(f"its trace cannot be kept in a file ({error}); please report it:")
        _complain(trace)
    return StageFailed.exit_code if theirs else 1


def _check_words(words: Sequence[str]) -> None:
    """UsageError for words that no file of ours can hold, and for passwords."""
    for word in words:
        if wrong := check.problem_with_text(word):
            raise UsageError(f"{word[:60]!a} {wrong}")
        if not os.path.exists(word) and (wrong := problem_in(word)):
            raise UsageError(f"an argument {wrong}")


def _parsed(arguments: Sequence[str]) -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    known = verbs.names()
    wanted = next((word for word in arguments if not word.startswith("-")), None)
    parser = _Whole(
        prog="seedbed",
        description="From raw files to a corpus, an adapter, and explained learning curves.",
    )
    parser.add_argument("--version", action="version", version=f"seedbed {seedbed.__version__}")
    choices = parser.add_subparsers(dest="verb", metavar="VERB | STAGE", parser_class=_Parser)
    for name in known if wanted is None else {wanted} & {*known}:  # no module more than needed
        try:
            verb = verbs.load(name)
        except UsageError:  # a package's that is broken hides no other: the help says what it is
            if name == wanted:
                raise
            continue
        verb.options(own := choices.add_parser(name, help=verb.ABOUT, description=verb.ABOUT))
        own.set_defaults(act=verb.act)
    if wanted is not None and wanted not in known:
        shield(Path.cwd())  # where `module:Class` is looked for
        if ":" not in wanted and wanted not in registry.names():
            words = [*known, *registry.names()]
            raise UsageError(f"there is no verb or stage {wanted!r}{check.nearest(wanted, words)}")
        registry.find(wanted)
        stage.options(own := choices.add_parser(wanted), wanted)
        own.set_defaults(act=stage.act)
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        chosen = choices.choices.get(options.verb, parser)
        names = [name for action in chosen._actions for name in action.option_strings]
        word = unknown[0].partition("=")[0]
        bare = word.lstrip("-")  # the dashes alone make no word like another
        near = check.nearest(word, names) if check.nearest(bare, [n[2:] for n in names]) else ""
        if wanted is not None and wanted not in known:
            other = registry.find(wanted).other_names.get(word.lstrip("-").replace("-", "_"))
            near = f"; it is called '--{other.replace('_', '-')}' here" if other else near
        raise UsageError(
            f"{chosen.prog} has no argument {word!r}{near} (`{chosen.prog} --help` tells more)"
        )
    return parser, options


class _Parser(argparse.ArgumentParser):
    """Like argparse's, but a mistake is a UsageError and words are never abbreviated."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **options
        )

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (`{self.prog} --help` tells more)")


class _Whole(_Parser):
    """The parser of all words; its help lists the stages, which takes loading them."""

    def format_help(self) -> str:
        self.epilog = "\n".join([*_stages(), *_unusable(), *tools.clashes(verbs.own())])
        return super().format_help()


def _unusable() -> list[str]:
    """What is wrong with tools of packages, a sentence each."""
    found = []
    for name in verbs.names():
        try:
            verbs.load(name)
        except UsageError as error:
            found.append(str(error))
    return found


def _stages() -> list[str]:
    """The stages, a line each, and what is wrong with those of packages."""
    lines = ["stages (`seedbed STAGE --help` tells more; `module:Class` is one of yours):"]
    room = max(map(len, registry.names())) + 2
    for name in registry.names():
        try:
            about = check.summary(registry.find(name))
        except UsageError as error:
            lines.append(f"  {error}")
            continue
        lines.append(f"  {name:<{room}}{textwrap.shorten(about, 90 - room, placeholder=' …')}")
    return [*lines, *registry.clashes()]
