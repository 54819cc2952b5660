"""The user's modules: loaded from files, with what lies beside them, and seen by nobody else."""

from __future__ import annotations

import importlib.util
import json
import pickle
import py_compile
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.engine.keys import user_module_hash
from stages import user_code
from stages.apply.apply import Apply
from stages.errors import UsageError

FILES = {
    "mine.py": (
        "from __future__ import annotations\n"
        "import dataclasses, json, pickle\n"
        "import helper\n"
        "import pkg.deep.leaf\n"
        "from pkg import near\n"
        "from loose import bits as b\n"
        "@dataclasses.dataclass\n"
        "class Point:\n"
        "    x: int\n"
        "def f(record):\n"
        "    from later import LATE\n"
        "    point = pickle.loads(pickle.dumps(Point(3)))\n"
        "    told = [helper.who(), pkg.deep.leaf.NAME, near.up(), b.BITS, LATE, str(point.x)]\n"
        "    return {**record, 'text': ' '.join(told)}\n"
    ),
    "helper.py": "import circle\ndef who():\n    return 'helper' + circle.name()\n",
    "circle.py": "import helper\ndef name():\n    return '/' + helper.__file__.split('/')[-1]\n",
    "later.py": "LATE = 'late'\n",
    "pkg/__init__.py": "TOP = 'top'\n",
    "pkg/near.py": (
        "from . import TOP\nfrom .deep import leaf\ndef up():\n    return TOP + leaf.NAME\n"
    ),
    "pkg/deep/__init__.py": "",
    "pkg/deep/leaf.py": "from ..side import SIDE\nNAME = 'leaf' + SIDE\n",
    "pkg/side.py": "SIDE = '!'\n",
    "loose/bits.py": "BITS = 'bits'\n",
    "other.py": "X = 1\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder of the user's with modules and packages that import one another."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    user_code.look_in(tmp_path)
    yield tmp_path
    user_code.look_in()


def test_modules_beside_it_work_in_every_way_they_are_imported(folder: Path) -> None:
    (found,) = Apply(function="mine:f")([{"text": "a"}])
    assert found["text"] == "helper/helper.py leaf! topleaf! bits late 3"


def test_nobody_else_sees_them_and_no_bytecode_is_left(folder: Path) -> None:
    Apply(function="mine:f")([{"text": "a"}])
    for name in ("mine", "helper", "pkg", "later", "loose"):
        assert name not in sys.modules and importlib.util.find_spec(name) is None
    assert not [path for path in sys.path if Path(path or ".").resolve() == folder.resolve()]
    assert not list(folder.rglob("__pycache__"))


def test_a_module_called_like_an_installed_one_is_theirs_for_the_recipe_alone(
    folder: Path,
) -> None:
    (folder / "json.py").write_text("def f(record):\n    return {**record, 'text': 'theirs'}\n")
    (folder / "yaml2.py").write_text(
        'import json\ndef f(r):\n    return json.loads(\'{"text":"x"}\')\n'
    )
    (folder / "numpy.py").write_text("raise RuntimeError('the wrong one')\n")
    (folder / "sum.py").write_text("import numpy\ndef f(r):\n    return {'text': numpy.__name__}\n")
    user_code.look_in(folder)
    assert Apply(function="json:f")([{"text": "a"}])[0]["text"] == "theirs"
    assert sys.modules["json"] is json and json.loads("1") == 1
    assert Apply(function="yaml2:f")([{"text": "a"}])[0]["text"] == "x"
    assert Apply(function="sum:f")([{"text": "a"}])[0]["text"] == "numpy"


def test_a_folder_of_data_hides_no_installed_module(folder: Path) -> None:
    (folder / "pyarrow").mkdir()
    (folder / "torch2data").mkdir()
    (folder / "uses.py").write_text(
        "import pyarrow\ndef f(r):\n    return {'text': pyarrow.__file__}\n"
    )
    (folder / "lost.py").write_text("import torch2data\ndef f(r):\n    return r\n")
    user_code.look_in(folder)
    assert "site-packages" in Apply(function="uses:f")([{"text": "a"}])[0]["text"]
    (problem,) = Apply(function="lost:f").contradictions()
    assert "No module named 'torch2data'" in problem


def test_stored_bytecode_is_never_run(folder: Path) -> None:
    """A compiled file may say of itself that its source need not be looked at."""
    (folder / "evil.py").write_text("def f(r):\n    return {'text': 'evil'}\n")
    (folder / "good.py").write_text("def f(r):\n    return {'text': 'good'}\n")
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    target = importlib.util.cache_from_source(str(folder / "good.py"))
    py_compile.compile(str(folder / "evil.py"), target, invalidation_mode=mode)
    (folder / "only.pyc").write_bytes(Path(target).read_bytes())
    assert Apply(function="good:f")([{"text": "a"}])[0]["text"] == "good"
    assert "only cannot be imported: no module" in Apply(function="only:f").contradictions()[0]


# --- keys ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in FILES if name != "other.py"])
def test_the_key_covers_every_file_that_is_imported(folder: Path, name: str) -> None:
    before = user_module_hash("mine")
    assert before == user_module_hash("mine")
    (folder / name).write_text(FILES[name] + "\nCHANGED = 1\n")
    assert user_module_hash("mine") != before


def test_the_key_covers_nothing_else(folder: Path) -> None:
    before = user_module_hash("mine")
    (folder / "other.py").write_text("X = 2\n")
    (folder / "pkg/unused.py").write_text("X = 2\n")
    assert user_module_hash("mine") == before


def test_a_star_covers_the_whole_package(folder: Path) -> None:
    (folder / "star.py").write_text("from pkg import *\ndef f(r):\n    return r\n")
    before = user_module_hash("star")
    (folder / "pkg/extra.py").write_text("X = 2\n")
    assert user_module_hash("star") != before


@pytest.mark.parametrize("line", ["h = __import__('oth' + 'er')", "exec('import other')"])
def test_what_the_key_cannot_see_is_refused(folder: Path, line: str) -> None:
    (folder / "sly.py").write_text(f"{line}\ndef f(r):\n    return r\n")
    (problem,) = Apply(function="sly:f").contradictions()
    assert "other is loaded by name, which keys cannot see" in problem
    assert problem.endswith(f"({folder}/sly.py:1)")


# --- what cannot be imported --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\ndef f(:\n", "SyntaxError: invalid syntax ({}:2)"),
        ("import sys\nsys.exit('done')\n", "SystemExit: done ({}:2)"),
        ("\n\nraise ValueError('a\\nb')\n", "ValueError: a b ({}:3)"),
        ("import nothing_called_so\n", "No module named 'nothing_called_so' ({}:1)"),
        ("from helper import nobody\n", "cannot import name 'nobody' from 'helper'"),
        ("class E(BaseException): pass\nraise E(1)\n", "E: 1 ({}:2)"),
        ("x = " + "(" * 20_000 + "\n", "cannot be imported: "),
        ("x = 1\0\n", "null bytes"),
        ("def f(r):\n    import broken\n", "broken cannot be imported: SyntaxError"),
        ("def g(r): return r\n", "bad has no function 'f'"),
        ("f = 5\n", "bad:f is no function"),
    ],
)
def test_a_module_that_cannot_be_used_is_one_sentence(folder: Path, text: str, said: str) -> None:
    (folder / "broken.py").write_text("def (\n")
    (folder / "bad.py").write_text(text)
    (problem,) = Apply(function="bad:f").contradictions()
    assert said.format(folder / "bad.py") in problem
    assert "\n" not in problem and user_code.PRIVATE not in problem
    with pytest.raises(UsageError):
        Apply(function="bad:f")([{"text": "a"}])


def test_a_function_that_ends_the_program_fails_its_record(folder: Path) -> None:
    (folder / "quits.py").write_text("import sys\ndef f(r):\n    sys.exit(3)\n")
    rejects: list[dict[str, str]] = []
    assert Apply(function="quits:f")([{"text": "a"}], rejects) == []
    assert rejects[0]["reason"] == "error" and "SystemExit: 3" in rejects[0]["evidence"]


@pytest.mark.parametrize("name", ["../x", "a..b", ".mine", "a b", "pkg/near", "x\0y", "mine."])
def test_a_name_that_is_no_module_s_is_one_sentence(folder: Path, name: str) -> None:
    (problem,) = Apply(function=f"{name}:f").contradictions()
    assert "cannot be imported" in problem or f"{name} is a file: name its module" in problem
    with pytest.raises(UsageError, match="no module"):
        user_module_hash(name)


def test_another_folder_forgets_the_first(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    (tmp_path / "second/mine.py").write_text("def f(r):\n    return {'text': 'second'}\n")
    first = user_code.load("mine")
    assert pickle.loads(pickle.dumps(first.Point(1))) == first.Point(1)
    user_code.look_in(tmp_path / "second")
    assert Apply(function="mine:f")([{"text": "a"}])[0]["text"] == "second"
    user_code.look_in()
    assert "mine cannot be imported: no module" in Apply(function="mine:f").contradictions()[0]
