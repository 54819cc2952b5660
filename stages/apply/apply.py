"""A function of the user's over records: change, drop, or make several of one.

Runs the function in this process and guards nothing but its exceptions and what it returns.
"""

from __future__ import annotations

import hashlib
import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, ClassVar

import pyarrow as pa

from stages import records, user_code
from stages.base import Map
from stages.errors import UsageError
from stages.records import CORE
from stages.verdicts import Verdicts

TYPES: Mapping[str, pa.DataType] = {
    "float": pa.float64(),
    "int": pa.int64(),
    "str": pa.string(),
    "bool": pa.bool_(),
}
FIXED = ("id", "source", "place")

Record = dict[str, Any]


@dataclass(frozen=True)
class Apply(Map):
    """Call a function of yours with each record, a dict without the empty columns.

    It returns a dict (the record, changed or not; `meta` is a dict, `id`, `source` and `place`
    stay), None or False (drop it), or a list of dicts (several in its stead, each with an id of
    its own made of the record's and its number). It should depend on nothing but the record:
    pieces are not made again when something else changed.

    function: the function as module:name. The module is a file beside the recipe (for a single
        stage: in the working folder), else an installed one; it may import others beside it.
    columns: columns that the function sets, as name:type with the types float, int, str
        and bool; others than these and the record's own are refused.
    """

    name: ClassVar[str] = "apply"
    cuts: ClassVar[Mapping[str, str]] = {"changed": "what the function took away"}
    reasons: ClassVar[Mapping[str, str]] = {
        "function": "the function returned None, False or an empty list",
        "error": "the function raised an exception",
        "invalid": "what the function returned is no record",
    }

    function: str = ""
    columns: tuple[str, ...] = ()

    def makes(self) -> Mapping[str, pa.DataType]:
        """The columns of columns."""
        pairs = (text.partition(":") for text in self.columns)
        return {name: TYPES.get(kind, pa.string()) for name, _, kind in pairs}

    def modules(self) -> tuple[str, ...]:
        """The function's module: its code is part of what the output depends on."""
        module = self.function.partition(":")[0]
        return (module,) if module else ()

    def contradictions(self) -> tuple[str, ...]:
        """A function that cannot be found, columns that cannot be declared."""
        found = []
        if problem := self._problem():
            found.append(problem)
        for text in self.columns:
            name, _, kind = text.partition(":")
            if kind not in TYPES or not name.isidentifier():
                found.append(f"apply.columns: {text!r} is not name:type ({', '.join(TYPES)})")
            elif name in CORE:
                found.append(f"apply.columns: {name} is a column of every record")
        return tuple(found)

    def judge(self, verdicts: Verdicts) -> None:
        """Call the function on each row, then check and set what it returned."""
        function = self._function()
        schema = self.schema(verdicts.table.schema)
        for row, record in enumerate(verdicts.table.to_pylist()):
            try:
                answer = function(_shown(record))
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # the border around the user's code, which may sys.exit
                verdicts.fail(row, "error", **_evidence(error))
                continue
            answers = answer if isinstance(answer, list) else [answer]
            if answer is None or answer is False or not answers:
                verdicts.drop(row, "function", returned=repr(answer))
            elif problem := _problem_with(answers, record, schema, isinstance(answer, list)):
                verdicts.fail(row, "invalid", error=problem)
            elif isinstance(answer, list):
                verdicts.replace(
                    row, [_made(one, record, number) for number, one in enumerate(answers)]
                )
            else:
                verdicts.replace(row, [_made(answer, record, None)])

    def _problem(self) -> str | None:
        try:
            self._function()
        except UsageError as error:
            return str(error)
        return None

    def _function(self) -> Callable[[Record], Any]:
        module, colon, name = self.function.partition(":")
        if not (module and colon and name):
            raise UsageError(f"apply.function must be module:function, not {self.function!r}")
        if "/" in module or module.endswith(".py"):
            named = f"{PurePath(module).stem}:{name}"
            raise UsageError(
                f"apply.function: {module} is a file: name its module, {named!r}, with the file "
                "beside the recipe (for a single stage: in the working folder)"
            )
        try:
            found: Any = user_code.load(module)
        except UsageError as error:
            raise UsageError(f"apply.function: {error}") from None
        for word in name.split("."):
            found = getattr(found, word, None)
        if found is None:
            raise UsageError(f"apply.function: {module} has no function {name!r}")
        if not callable(found):
            raise UsageError(f"apply.function: {self.function} is no function")
        function: Callable[[Record], Any] = found
        return function


def _made(answer: Record, record: Record, number: int | None) -> Record:
    """The record that an answer is: one of several by number, or the record itself, changed."""
    made = {**answer, **{name: record[name] for name in FIXED}}
    if number is not None:
        made["id"] = _id(record["id"], number)
    elif "meta" in made and _meta(record.get("meta")) == made["meta"]:
        made["meta"] = record.get("meta")  # as it was written
    return made


def _meta(text: str | None) -> Any:
    try:
        return json.loads(text) if text else {}
    except ValueError:
        return text


def _shown(record: Mapping[str, Any]) -> Record:
    """A copy for the user: no empty columns, `meta` as a dict."""
    shown = {name: value for name, value in record.items() if value is not None}
    if "meta" in shown:
        shown["meta"] = _meta(shown["meta"])
    if "messages" in shown:
        shown["messages"] = [
            {key: value for key, value in message.items() if key != "extra" or value is not None}
            for message in shown["messages"]
        ]
    return shown


def _problem_with(
    answers: list[Any], record: Mapping[str, Any], schema: pa.Schema, several: bool
) -> str | None:
    """Why an answer is no record, or None."""
    for one in answers:
        if not isinstance(one, dict):
            return f"expected a dict, got {type(one).__name__}"
        changed = [name for name in FIXED if name in one and one[name] != record.get(name)]
        if changed and not several:
            return f"{', '.join(changed)} may not be changed"
        for name in ("text", "prompt", "completion"):
            if not isinstance(one.get(name), str | None):
                return f"{name} must be text, not {type(one[name]).__name__}"
        pair = one.get("prompt") is not None or one.get("completion") is not None
        forms = pair + sum(one.get(name) is not None for name in ("text", "messages"))
        if forms > 1 or (not forms and records.form_of(record) is not None):
            return "a record has exactly one of text, messages, prompt with completion"
        try:
            records.to_table([{**one, "id": record["id"]}], schema)
        except (ValueError, TypeError, AttributeError, pa.ArrowException) as error:
            return f"{type(error).__name__}: {str(error)[:300]}"
    return None


def _evidence(error: BaseException) -> Record:
    frames = traceback.extract_tb(error.__traceback__)
    return {"error": f"{type(error).__name__}: {str(error)[:300]}", "line": frames[-1].lineno}


def _id(parent: str, number: int) -> str:
    return hashlib.blake2b(f"{parent}.{number}".encode(), digest_size=16).hexdigest()
