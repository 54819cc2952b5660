"""A process that loaded torch ends without destructors: threads of its libraries abort in them."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.pipeline.world import environment

# What is left of a module is taken apart last of all, when nothing can be waited for any more.
ENDS = """
    import atexit, os, sys, types

    class Destroyed:
        def __del__(self, write=os.write):
            write(1, b"destructor\\n")

    torch = sys.modules[sys.argv.pop(1)] = types.ModuleType("torch")
    torch.threads = Destroyed()
    atexit.register(print, "exit function")
    import seedbed
    seedbed.main()
"""


@pytest.mark.parametrize(("arguments", "code"), [(["--version"], 0), (["run", "no.yaml"], 2)])
def test_the_command_keeps_its_code_and_runs_no_destructors(
    arguments: list[str], code: int, tmp_path: Path
) -> None:
    told = {}
    for module in ("torch", "torch_of_others"):
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(ENDS), module, *arguments],
            cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        told[module] = done.stdout.splitlines()[-2:]
    assert told["torch_of_others"] == ["exit function", "destructor"]
    assert told["torch"][-1] == "exit function"
