"""The command line: `seedbed run | plan | explain | gc` and one command a stage.

Stage commands are generated from the stages' parameters and docstrings; what they check, the
recipe checks too, with the same sentences. Exit codes: 0 done, 1 a bug of ours, 2 a mistake in
recipe or call, 3 a stage failed or kept nothing, 75 stopped by SIGTERM or SIGHUP, 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn, get_args

import seedbed  # first: ends here when another `stages` would be imported
import stages
from pipeline import signals
from pipeline.terminal import screens
from pipeline.trouble import told
from stages import check, user_code
from stages.errors import Preempted, StageFailed, UsageError
from stages.secrets import masked, problem_in

VERBS = {
    "run": "run a recipe: from raw files to whatever its last step makes",
    "plan": "check a recipe and show what it would do, without doing it",
    "explain": "tell one record's life, from the source bytes to the tokens",
    "gc": "remove from a store what its last runs do not name",
}


def main(arguments: Sequence[str] | None = None, early: Sequence[int] = ()) -> NoReturn:
    """The entry point; exits with one of the codes above. early: signals that came before it."""
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
    return int(options.do(options))


def _complain(*messages: str) -> None:
    """Each message on a line of its own; what a message breaks itself is indented."""
    for message in messages:
        first, *more = message.strip().split("\n") if message.strip() else [""]
        for text in [first, *("  " + rest for rest in more)]:
            print(f"seedbed: {text}", file=sys.stderr)


def _bug(trace: str) -> int:
    last = trace.strip().splitlines()[-1]
    _complain(f"this is a bug of seedbed, not of your data: {last}")
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
        _complain(f"the trace is in {file.name}; please report it")
    except OSError as error:
        _complain(f"please report it; its trace cannot be kept in a file ({error}):")
        _complain(trace)
    return 1


def _check_words(words: Sequence[str]) -> None:
    """UsageError for words that no file of ours can hold, and for passwords."""
    for word in words:
        if wrong := check.problem_with_text(word):
            raise UsageError(f"{word[:60]!a} {wrong}")
        if not os.path.exists(word) and (wrong := problem_in(word)):
            raise UsageError(f"an argument {wrong}")


def _parsed(arguments: Sequence[str]) -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    parser = _Parser(
        prog="seedbed",
        description="From raw files to a corpus, an adapter, and explained learning curves.",
        epilog="stages: " + " ".join(stages.TABLE) + "; `seedbed STAGE --help` tells parameters",
    )
    parser.add_argument("--version", action="version", version=f"seedbed {_version()}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB | STAGE", parser_class=_Parser)
    for name, text in VERBS.items():
        _VERB_OPTIONS[name](verbs.add_parser(name, help=text, description=text))
    wanted = next((word for word in arguments if not word.startswith("-")), None)
    if wanted in stages.TABLE:  # only the module of the named stage is imported
        _stage_options(verbs.add_parser(wanted, **_stage_help(wanted)), wanted)
    elif wanted is not None and wanted not in VERBS:
        known = [*VERBS, *stages.TABLE]
        raise UsageError(f"there is no verb or stage {wanted!r}{check.nearest(wanted, known)}")
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        chosen = verbs.choices.get(options.verb, parser)
        known = [name for action in chosen._actions for name in action.option_strings]
        word = unknown[0].partition("=")[0]
        raise UsageError(
            f"{chosen.prog} has no argument {word!r}{check.nearest(word, known)} "
            f"(`{chosen.prog} --help` tells more)"
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


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("seedbed")
    except PackageNotFoundError:
        return "(not installed)"


# --- the verbs ----------------------------------------------------------------------------------


def _run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", type=Path, help="the recipe, a YAML file")
    parser.add_argument("--workers", type=int, help="processes; default: what the recipe says")
    parser.add_argument("--store", type=Path, help="the store's folder; default: the recipe's")
    parser.add_argument("--out", type=Path, help="the folder of runs; default: the recipe's")
    parser.add_argument("--part-bytes", type=int, help="bytes of raw input in one piece, about")
    parser.set_defaults(do=_run)


def _plan_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", type=Path, help="the recipe, a YAML file")
    parser.set_defaults(do=_plan)


def _explain_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="ID|FILE:LINE", help="a record's id, or a line of a file")
    parser.add_argument("--run", type=Path, help="the run's folder; default: the newest in runs/")
    parser.set_defaults(do=_explain)


def _gc_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--store", type=Path, default=Path(".seedbed"), help="default: .seedbed")
    parser.add_argument("--keep", type=int, default=3, help="runs whose pieces stay; default: 3")
    parser.add_argument(
        "--verify",
        action="store_true",
        help="compare all content of the store with its hashes, and remove only what is damaged",
    )
    parser.set_defaults(do=_gc)


_VERB_OPTIONS = {
    "run": _run_options,
    "plan": _plan_options,
    "explain": _explain_options,
    "gc": _gc_options,
}


def _look_in(folder: Path) -> None:
    """Find the user's modules in a folder; nothing else that lies there is imported."""
    seedbed.keep_off_path(str(folder))
    user_code.look_in(folder)


def _recipe(options: argparse.Namespace) -> Any:
    from pipeline.recipe.checked import read_recipe

    _look_in(options.recipe.resolve().parent)
    changes: dict[str, Any] = {
        name: str(value.resolve()) if isinstance(value, Path) else value
        for name in ("workers", "store", "out", "part_bytes")
        if (value := getattr(options, name, None)) is not None
    }
    for name in ("workers", "part_bytes"):
        if changes.get(name, 1) < 1:
            raise UsageError(f"--{name.replace('_', '-')} must be at least 1")
    return read_recipe(options.recipe, changes)


def _run(options: argparse.Namespace) -> int:
    from pipeline.engine.run import run_recipe
    from pipeline.views.summary import tell

    result = run_recipe(_recipe(options))
    tell(result.folder)
    return 0


def _plan(options: argparse.Namespace) -> int:
    from pipeline.engine.places import check_recipe
    from pipeline.views.plan import show_plan

    recipe = _recipe(options)
    check_recipe(recipe)
    print(show_plan(recipe))
    return 0


def _explain(options: argparse.Namespace) -> int:
    from pipeline.views.explain import explain, newest_run

    print(explain(options.what, options.run or newest_run(Path("runs"))))
    return 0


def _gc(options: argparse.Namespace) -> int:
    from pipeline.engine.gc import collect, verify
    from stages.words import number, size

    if options.keep < 0:
        raise UsageError("--keep must be at least 0")
    if options.verify:
        entries, checked, damaged = verify(options.store)
        for path in damaged:
            print(f"{path}: not what was written")
        print(f"compared {number(entries)} entries, {size(checked)}, with their hashes")
        if damaged:
            raise StageFailed(
                f"{number(len(damaged))} files were damaged; their entries are removed: run the "
                "same commands again, and they are made anew"
            )
        return 0
    entries, freed = collect(options.store, options.keep)
    print(f"removed {number(entries)} entries, {size(freed)}")
    return 0


# --- the stages ---------------------------------------------------------------------------------


def _stage_help(name: str) -> dict[str, Any]:
    summary = check.summary(stages.stage(name))
    return {"help": summary, "description": summary}


def _stage_options(parser: argparse.ArgumentParser, name: str) -> None:
    from stages.base import Source

    cls = stages.stage(name)
    parser.add_argument("input", help="what to read: files, a folder, a pattern, a URL, a corpus")
    parser.add_argument("-o", "--out", type=Path, required=True, help="the folder to make")
    parser.add_argument("--workers", type=int, default=1, help="processes; default: 1")
    if issubclass(cls, Source):
        parser.add_argument("--source-name", default=name, help="the source's name, part of ids")
        parser.add_argument("--license", help="the licence of what is read")
    group = parser.add_argument_group("parameters")
    lines = check.help_lines(cls)
    for field, (kind, about) in check.parameters(cls).items():
        default = "none" if about.default is None else about.default
        group.add_argument(
            "--" + field.replace("_", "-"),
            dest="parameter_" + field,
            metavar=_metavar(check.type_name(kind)),
            action="append" if _is_list(kind) else "store",
            help=f"{lines.get(field, '')} Default: {default}.".replace("%", "%%"),
        )
    parser.set_defaults(do=_stage, stage=name)


def _metavar(type_name: str) -> str:
    """A type in a usage line: `drop|tag` as it is, kinds of values in capitals."""
    name = type_name.removesuffix(" or none")
    return name.replace(" ", "") if "|" in name else name.replace(" ", "-").upper()


def _is_list(kind: Any) -> bool:
    return any(getattr(arg, "__origin__", arg) is tuple for arg in (kind, *get_args(kind)))


def _stage(options: argparse.Namespace) -> int:
    from pipeline.engine.run import run_stage
    from pipeline.views.summary import tell_stage
    from stages.call import PART_BYTES

    _look_in(Path.cwd())
    if options.workers < 1:
        raise UsageError("--workers must be at least 1")
    name = getattr(options, "source_name", options.stage)
    if wrong := check.problem_with_name(name, nested=True):
        raise UsageError(f"--source-name {wrong}")
    stage = _built(options)
    report = run_stage(stage, _input(stage, options), options.out, options.workers, PART_BYTES)
    tell_stage(stage, report, options.out)
    return 0


def _built(options: argparse.Namespace) -> Any:
    """The stage that the options ask for; every mistake in one message."""
    cls = stages.stage(options.stage)
    given: dict[str, Any] = {}
    for field, (kind, _) in check.parameters(cls).items():
        value = getattr(options, "parameter_" + field)
        if value is None:
            continue
        given[field] = _read(value, kind)
    problems = check.problems_of(cls, given)
    if problems:
        raise UsageError(*problems.values())
    stage = check.build(cls, given)
    contradictions = stage.contradictions()
    if contradictions:
        raise UsageError(*(f"{stage.name}: {text}" for text in contradictions))
    return stage


def _read(value: str | list[str], kind: Any) -> Any:
    """The value of an option, by its parameter's type: a word that fits as it is stays text."""
    if isinstance(value, str):
        return _value(value, kind)
    words = [part for item in value for part in item.split(",")]
    if words == ["none"] and type(None) in get_args(kind):
        return None
    one = next(get_args(part)[0] for part in (kind, *get_args(kind)) if _is_list(part))
    return [_value(word, one) for word in words]


def _value(text: str, kind: Any) -> Any:
    from pipeline.recipe.yaml import scalar

    if text == "none" and type(None) in get_args(kind):
        return None
    if check.problem_with(text, kind, None) is None:
        return text
    return text == "yes" if text in ("yes", "no") else scalar(text)


def _input(stage: Any, options: argparse.Namespace) -> Any:
    """What the stage is to work on: raw input, a corpus, or a file read as records first."""
    from pipeline.recipe.checked import SourceStep, absolute, missing, problem_with_path
    from stages.base import Source
    from stages.corpus import Corpus

    path = absolute(options.input, Path.cwd())
    if wrong := problem_with_path(options.input, path):
        raise UsageError(wrong)
    if missing(path):
        raise UsageError(f"{options.input}: not found")
    if isinstance(stage, Source):
        return SourceStep(
            stage,
            path=path,
            name=options.source_name,
            license=options.license,
            shown=options.input,
        )
    if Corpus.at(path):
        found = Corpus(path)
        if found.kind != stage.consumes.name:
            raise UsageError(f"{stage.name} works on {stage.consumes}; {path} holds {found.kind}")
        return Path(path)
    from stages.base import End

    if isinstance(stage, End) and stage.consumes != Source.kind:
        return Path(path)
    reader = stages.reader_of(path)
    if reader is None:
        raise UsageError(
            f"{options.input} is no corpus and no file of records; make a corpus of it first with "
            "one of the source stages"
        )
    if isinstance(stage, End):
        raise UsageError(f"{stage.name} works on a corpus: make one of {options.input} first")
    return SourceStep(reader(), path=path, name=reader.name, shown=options.input)


if __name__ == "__main__":
    main()
