"""Jinja for templates of strangers: sandboxed, and every bit of work is paid from a budget.

A template is a program. Loops, macros, filters, operators and calls are charged by what they read
and make, before they make it, so that the same template and messages always end in the same way.
Prices are set into the template's syntax tree, where no text of it can reach them. What is left
(a single slow call of Python's own) is ended by a timer of CPU and a limit of memory.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import string
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from stages.errors import UsageError
from stages.require import require

SOURCE = 1 << 18  # characters of a template, at most; the longest in use have about 30,000
# Characters, or steps of a loop at 10 and more, for a rendering, for each character of the messages
# and for each pair of them; a real template spends under 100 and 10 of the first two (20 models).
WORK = 10_000_000
WORK_PER_CHARACTER = 64
WORK_PER_PAIR, MOST_MESSAGES = 100, 2_000
STEP = 10
LARGEST = 1_000_000  # of a number that says how much is to be made
BITS = 8192  # of an integer
SECONDS = 30  # of CPU without a finished rendering
MEMORY = 2 << 30  # bytes more than the process has

_PERCENT = re.compile(r"%(?:\([^)]*\))?[#0\- +]*(\*|\d+)?(?:\.(\*|\d+))?")
_FREE = {"default", "d", "length", "count", "first", "last", "safe", "attr"}
_LAZY = {"map", "select", "reject", "selectattr", "rejectattr", "items", "list", "reverse"}
_SQUARE = {"striptags", "urlize"}
_TESTS = "eq == equalto ne != gt > greaterthan ge >= lt < lessthan le <= in upper lower"


class TooMuch(Exception):
    """A template has used up what a rendering may cost."""


class Meter:
    """What a rendering may still cost. `renderings`: how many were begun."""

    def __init__(self) -> None:
        self.left = WORK
        self.renderings = 0

    def begin(
        self, messages: Sequence[Mapping[str, Any]], beside: Mapping[str, Any] | None = None
    ) -> int:
        """A new budget; returns the size of the messages, and what is beside, in characters."""
        size = _characters(beside) if beside else 0
        for message in messages:
            size += len(message["content"] or "")
            if len(message) > 2:
                size += _characters([v for k, v in message.items() if k != "content"])
        pairs = min(len(messages), MOST_MESSAGES) ** 2
        self.left = WORK + WORK_PER_CHARACTER * size + WORK_PER_PAIR * pairs
        self.renderings += 1
        return size

    def pay(self, cost: int) -> None:
        """Take a cost from what is left; TooMuch when that is not enough."""
        self.left -= cost
        if self.left < 0:
            raise TooMuch

    def weigh(self, value: object) -> int:
        """Pay for all that a value holds, as often as it holds it; returns the price."""
        before = self.left
        waiting = [value]
        while waiting:
            one = waiting.pop()
            if isinstance(one, str | bytes):
                self.pay(len(one) + 1)
            elif isinstance(one, Mapping):
                self.pay(1 + len(one))
                waiting.extend(one)
                waiting.extend(one.values())
            elif isinstance(one, list | tuple | set | frozenset):
                self.pay(1 + len(one))
                waiting.extend(one)
            elif type(one).__name__ == "Namespace":
                waiting.append(object.__getattribute__(one, "_Namespace__attrs"))
                self.pay(20)
            else:
                self.pay(20)
        return before - self.left

    def shown(self, value: Any) -> Any:
        """A value whose text is to be made."""
        if type(value) is str:
            self.left -= len(value)
            if self.left < 0:
                raise TooMuch
        elif value is not None and type(value) is not int:
            self.weigh(value)
        return value

    def compared(self, value: Any) -> Any:
        """A value that is to be compared: a text costs a fraction of its length."""
        if type(value) is str:
            self.left -= len(value) >> 4
            if self.left < 0:
                raise TooMuch
        elif isinstance(value, list | tuple | dict):
            self.weigh(value)
        elif isinstance(value, range):
            self.pay(len(value))
        return value

    def made(self, value: Any) -> Any:
        """What a call or a filter has made; a generator pays when it is asked."""
        if isinstance(value, str | bytes):
            self.pay(len(value))
        elif isinstance(value, list | tuple | dict):
            self.pay(STEP + 8 * len(value))
        elif isinstance(value, Iterator):
            return self._paying(value)
        elif isinstance(value, int) and value.bit_length() > BITS:
            raise TooMuch
        return value

    def _paying(self, items: Iterator[Any]) -> Iterator[Any]:
        for item in items:
            self.pay(STEP)
            yield item

    def step(self, cost: int) -> bool:
        """A turn of a loop, a call of a macro; a template cannot give back what it has spent."""
        self.pay(cost if cost > STEP else STEP)
        return True

    def number(self, value: object, most: int = LARGEST) -> int:
        """A number that says how much is made, checked."""
        if not isinstance(value, int):
            return len(value) if isinstance(value, str) else 0
        if abs(value) > most:
            raise TooMuch
        return abs(value)

    # --- operators ---

    def add(self, parts: tuple[Any, ...]) -> Any:
        """`a + b + …` from left to right."""
        size = 0
        for part in parts:
            if type(part) is not str:
                break
            size += len(part)
        else:
            self.pay(size)
            return "".join(parts)
        total, *rest = parts
        for part in rest:
            for side in (total, part):
                if isinstance(side, str | list | tuple):
                    self.pay(len(side))
            total = total + part
            if isinstance(total, int) and total.bit_length() > BITS:
                raise TooMuch
        return total

    def multiply(self, left: Any, right: Any) -> Any:
        """`a * b`."""
        for one, times in ((left, right), (right, left)):
            if isinstance(one, str | bytes | list | tuple) and isinstance(times, int):
                self.pay(len(one) * max(times, 0) + 1)
        if isinstance(left, int) and isinstance(right, int):
            self._bits(left.bit_length() + right.bit_length())
        return left * right

    def power(self, left: Any, right: Any) -> Any:
        """`a ** b`."""
        if isinstance(left, int) and isinstance(right, int) and right > 0:
            self._bits(max(left.bit_length(), 1) * right)
        return left**right

    def modulo(self, left: Any, right: Any) -> Any:
        """`a % b`, of numbers or of a text with places to fill."""
        if isinstance(left, str):
            self.percent(left, right)
        return left % right

    def _bits(self, number: int) -> None:
        if number > BITS:
            raise TooMuch

    # --- texts that are filled ---

    def percent(self, text: str, given: Any) -> None:
        """Pay for what `text % given` makes, at most."""
        weight = self.weigh(given)
        numbers = [v for v in (given if isinstance(given, tuple) else ()) if isinstance(v, int)]
        for match in _PERCENT.finditer(text):
            self.pay(weight + 400)
            for width in match.groups():
                if width == "*":
                    self.pay(max((self.number(n) for n in numbers), default=0))
                elif width:
                    self._width(width)

    def format(self, text: str, args: Sequence[Any], named: Any) -> None:
        """Pay for what `text.format(…)` makes, at most."""
        weight = self.weigh(args) + self.weigh(named)
        given = [*args, *(named.values() if isinstance(named, Mapping) else ())]
        for _, field, spec, _ in string.Formatter().parse(text):
            if field is None:
                continue
            self.pay(weight + 400)
            for width in re.findall(r"\d+", spec or ""):
                self._width(width)
            if "{" in (spec or ""):
                for value in given:
                    if isinstance(value, str):
                        for width in re.findall(r"\d+", value):
                            self._width(width)
                    else:
                        self.pay(self.number(value))

    def _width(self, digits: str) -> None:
        if len(digits) > 7:
            raise TooMuch
        self.pay(int(digits))

    def replaced(self, text: str, args: Sequence[Any]) -> None:
        """Pay for what replacing makes."""
        self.pay(len(text))
        if len(args) > 1 and isinstance(args[0], str) and isinstance(args[1], str):
            self.pay(text.count(args[0]) * len(args[1]))

    # --- calls ---

    def before_call(self, function: Any, args: list[Any], named: Mapping[str, Any]) -> None:
        """Pay for a call of a method of Python's own; `args` may be changed."""
        method = getattr(function, "__wrapped__", function)  # the sandbox's own `format`
        owner = getattr(method, "__self__", None)
        name = getattr(method, "__name__", "")
        if isinstance(owner, str):
            self.pay(len(owner) + STEP)
            if name == "join" and args:
                args[0] = list(args[0])
                self.pay(len(args[0]) * (len(owner) + STEP))
                self.weigh(args[0])
            elif name == "replace":
                self.replaced(owner, args)
            elif name == "format":
                self.format(owner, args, named)
            elif name == "format_map":
                self.format(owner, (), args[0] if args else {})
            elif name in _SQUARE or (name == "encode" and (args or named)):
                self.pay(len(owner) ** 2 // 1000)
            elif name == "translate":
                self.pay(len(owner) * sum(self.weigh(arg) for arg in args))
            else:
                for value in (*args, *named.values()):
                    self.pay(self.number(value) * (1 + owner.count("\t")))
        elif isinstance(owner, int | float | bytes):
            if isinstance(owner, bytes):
                self.pay(len(owner) ** 2 // 1000)
            for value in (*args, *named.values()):
                self.pay(self.number(value))
        elif owner is not None or method is dict:
            self.weigh(args)
            if isinstance(owner, list | tuple | range):
                self.compared(owner)
        else:
            self.pay(STEP)

    def before_filter(
        self, name: str, value: Any, args: Sequence[Any], named: Mapping[str, Any]
    ) -> Any:
        """Pay for a filter; returns its value, made a list where it would be gone through twice."""
        given = [*args, *named.values()]
        if isinstance(value, range):
            self.pay(len(value))
        if isinstance(value, str):
            self.pay(len(value) + STEP)
        elif name in _LAZY:
            self.pay(STEP + (len(value) if hasattr(value, "__len__") else 0))
        elif name in ("join", "sum"):
            value = list(value)
        if name == "join":
            self.pay(self.weigh(value) + len(value) * self._longest(given))
        elif name == "sum":
            start = args[1] if len(args) > 1 else named.get("start", 0)
            weight = self.weigh(value)
            self.pay(0 if isinstance(start, int | float) else weight * len(value))
        elif name == "replace" and isinstance(value, str):
            self.replaced(value, [*args, *named.values()])
        elif name == "format" and isinstance(value, str):
            self.percent(value, tuple(args) or dict(named))
        elif name == "indent":
            lines = value.count("\n") + 1 if isinstance(value, str) else 1
            self.pay(lines * max((self.number(one) for one in given), default=4))
        elif name == "tojson":
            self.weigh(value)
            for one in given:
                self.number(one, 64)
                if self._longest([one]) > 64:
                    raise TooMuch
        elif name == "round":
            for one in given:
                self.number(one, 100)
        elif name == "wordwrap":
            self.pay(len(str(value)) * (20 + self._longest(given)))
        elif name in _SQUARE:
            self.pay(len(str(value)) ** 2 // 1000)
        elif name not in _LAZY and not isinstance(value, str):
            self.pay(3 * self.weigh(value))
        for one in given:
            self.pay(self.number(one))
        return value

    def _longest(self, values: Sequence[Any]) -> int:
        return max((self.weigh(value) for value in values), default=0)


def _characters(value: Any) -> int:
    """About how many characters a JSON value has."""
    size, waiting = 0, [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            size += len(one)
        elif isinstance(one, Mapping):
            waiting += one.keys()
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
        size += 2
    return size


def literals_of(source: str) -> set[str]:
    """The texts that a template names in its code: what it may look for in messages."""
    nodes = require("jinja2", "train").nodes
    tree = environment(Meter()).parse(source)
    return {one.value for one in tree.find_all(nodes.Const) if isinstance(one.value, str)}


def environment(meter: Meter) -> Any:
    """Jinja as transformers sets it up, without what is drawn at random; all work is metered."""
    jinja2 = require("jinja2", "train")
    sandbox = require("jinja2.sandbox", "train")
    ext = require("jinja2.ext", "train")

    class Generation(ext.Extension):  # type: ignore[misc, name-defined]
        """`{% generation %}` … `{% endgeneration %}`: marks answers for transformers; no text."""

        tags = frozenset({"generation"})

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return jinja2.nodes.Scope(body, lineno=line)

    class Metered(sandbox.ImmutableSandboxedEnvironment):  # type: ignore[misc, name-defined]
        intercepted_binops = frozenset({"*", "**", "%"})

        def _parse(self, *given: Any) -> Any:
            tree = _Priced(jinja2).visit(super()._parse(*given))
            tree.set_environment(self)
            return tree

        def call(__self, __context: Any, __function: Any, *args: Any, **named: Any) -> Any:
            changed = list(args)
            meter.before_call(__function, changed, named)
            return meter.made(super().call(__context, __function, *changed, **named))

    def raise_exception(message: str) -> None:
        raise jinja2.exceptions.TemplateError(message)

    def tojson(value: object, **options: Any) -> str:
        options.setdefault("ensure_ascii", False)
        return json.dumps(value, **options)

    # Constants are not worked out when a template is read: that would be free of charge.
    made = Metered(
        trim_blocks=True,
        lstrip_blocks=True,
        optimized=False,
        extensions=[Generation, ext.loopcontrols],
    )
    made.binop_table.update({"*": meter.multiply, "**": meter.power, "%": meter.modulo})
    made.filters["tojson"] = tojson
    del made.filters["random"], made.globals["lipsum"]  # what they make differs each time
    for name, function in made.filters.items():
        if name not in _FREE:
            made.filters[name] = jinja2.pass_context(_metered(meter, name, function))
    for name in _TESTS.split():
        made.tests[name] = _metered_test(meter, made.tests[name])

    @jinja2.pass_eval_context  # type: ignore[untyped-decorator]
    def concatenate(eval_ctx: Any, parts: tuple[Any, ...]) -> str:
        for part in parts:
            meter.shown(part)
        join = jinja2.runtime.markup_join if eval_ctx.autoescape else jinja2.runtime.str_join
        text: str = join(parts)
        return text

    # Names that no template can write.
    made.filters.update(
        {
            "+": meter.add,
            "~": concatenate,
            " step": meter.step,
            " shown": meter.shown,
            " compared": meter.compared,
            " made": meter.made,
        }
    )
    made.globals["raise_exception"] = raise_exception
    return made


def _metered(meter: Meter, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    wants = getattr(getattr(function, "jinja_pass_arg", None), "name", "")

    def metered(context: Any, value: Any, *args: Any, **named: Any) -> Any:
        value = meter.before_filter(name, value, args, named)
        if wants == "context":
            made = function(context, value, *args, **named)
        elif wants == "eval_context":
            made = function(context.eval_ctx, value, *args, **named)
        elif wants == "environment":
            made = function(context.environment, value, *args, **named)
        else:
            made = function(value, *args, **named)
        return meter.made(made)

    return metered


def _metered_test(meter: Meter, function: Callable[..., Any]) -> Callable[..., Any]:
    def metered(*args: Any) -> Any:
        for value in args:
            meter.compared(value)
        return function(*args)

    return metered


class _Priced:
    """Puts the prices into a template's syntax tree."""

    def __init__(self, jinja2: Any) -> None:
        self.nodes = jinja2.nodes
        n = jinja2.nodes
        self._shown = (n.TemplateData, n.Const, n.Add, n.Concat)
        self._compared = (n.Name, n.Getattr, n.Getitem, n.Call, n.Filter, n.CondExpr)
        self._bodies = (n.For, n.Macro, n.CallBlock, n.Block)

    def visit(self, node: Any) -> Any:
        """The node with prices, or another in its stead."""
        n = self.nodes
        kind = type(node)
        if kind is n.Add:
            return self._filter("+", n.Tuple(self._terms(node), "load", lineno=node.lineno))
        if kind in self._bodies:
            price = STEP + _size(node, n)
        for field, value in node.iter_fields():
            if isinstance(value, list):
                value[:] = [self.visit(v) if isinstance(v, n.Node) else v for v in value]
            elif isinstance(value, n.Node):
                setattr(node, field, self.visit(value))
        if kind is n.Concat:
            return self._filter("~", n.Tuple(node.nodes, "load", lineno=node.lineno))
        if kind is n.Output:
            node.nodes = [
                one
                if isinstance(one, self._shown) or (type(one) is n.Filter and one.name in "+~")
                else self._filter(" shown", one)
                for one in node.nodes
            ]
        elif kind is n.Compare:
            for side in (node, *node.ops):
                if isinstance(side.expr, self._compared):
                    side.expr = self._filter(" compared", side.expr)
        elif kind is n.Getitem and type(node.arg) is n.Slice:
            return self._filter(" made", node)
        elif kind is n.Getitem and type(node.arg) is not n.Const:
            node.arg = self._filter(" compared", node.arg)  # looked up by its hash
        elif kind is n.Pair and type(node.key) is not n.Const:
            node.key = self._filter(" compared", node.key)
        elif kind in self._bodies:
            line = node.lineno
            node.body.insert(0, n.ExprStmt(self._step(price, line), lineno=line))
            if kind is n.For and node.test is not None:
                node.test = n.And(self._step(price, line), node.test, lineno=line)
        return node

    def _terms(self, node: Any) -> list[Any]:
        """The terms of a sum, from left to right, without going deep into a long one."""
        terms = []
        while type(node) is self.nodes.Add:
            terms.append(node.right)
            node = node.left
        return [self.visit(term) for term in (node, *reversed(terms))]

    def _step(self, price: int, line: int) -> Any:
        return self._filter(" step", self.nodes.Const(price, lineno=line))

    def _filter(self, name: str, node: Any) -> Any:
        return self.nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _size(node: Any, nodes: Any) -> int:
    """What a body costs each time: its nodes, and the characters of its text."""
    texts = node.find_all(nodes.TemplateData)
    return 2 * sum(1 for _ in node.find_all(nodes.Node)) + sum(len(text.data) for text in texts)


# --- the last resort ----------------------------------------------------------------------------


@contextlib.contextmanager
def last_resort(meter: Meter, origin: str) -> Iterator[None]:
    """End what no price foresaw: too much CPU without a finished rendering, too much memory.

    Only in the main thread, where Python delivers signals; elsewhere the prices stand alone.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    seen, stuck = meter.renderings, 0

    def ring(number: int, frame: object) -> None:
        nonlocal seen, stuck
        stuck = stuck + 1 if seen == meter.renderings else 0
        seen = meter.renderings
        if stuck >= SECONDS:
            raise UsageError(refusal(origin, f"takes more than {SECONDS} CPU seconds"))

    before = signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, 1, 1)
    try:
        with _memory(MEMORY):
            yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@contextlib.contextmanager
def _memory(more: int) -> Iterator[None]:
    """No more address space than the process has now and `more` bytes (Linux)."""
    try:
        import resource

        with open("/proc/self/statm") as file:
            size = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE") + more
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    except (ImportError, OSError, ValueError):
        yield
        return
    if soft == resource.RLIM_INFINITY or size < soft:
        resource.setrlimit(resource.RLIMIT_AS, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def refusal(origin: str, what: str) -> str:
    """The sentence for a template that is not to be used."""
    return (
        f"{origin}: the chat template {what}; name another model, mend the template, or use "
        "chat: plain"
    )
