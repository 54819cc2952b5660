"""Pages and parts of them from jinja2 templates: every value is escaped, nothing is loaded.

A template is named `package:file`; it is data of that package. Values that are `Markup` were
made here or by `stages.charts` and stay as they are.
"""

from __future__ import annotations

import importlib.resources
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from stages.words import duration, number, short, size

if TYPE_CHECKING:
    from jinja2 import Environment


def rendered(template: str, **values: Any) -> Markup:
    """The template `package:file` with these values."""
    return Markup(_environment().get_template(template).render(values))


def text_of(template: str) -> str:
    """A file of a package: a template or a style sheet."""
    package, _, name = template.partition(":")
    return importlib.resources.files(package).joinpath(name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        autoescape=True,
        loader=FunctionLoader(text_of),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "duration": duration, "size": size, "short": short}
    return environment
