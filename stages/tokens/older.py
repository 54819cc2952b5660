"""tokenizer.json of older files, made by transformers in a process of its own that has limits."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path

from stages.child import die_with_parent, python
from stages.errors import UsageError

SECONDS, MEMORY = 300, 16 << 30  # of CPU, and bytes of address space; the largest take 60 s, 4 GB


def convert(folder: Path, out: Path) -> None:
    """Write the tokenizer of `folder` into `out`; UsageError when that cannot be done."""
    command, environment = python("stages.tokens.older")
    done = subprocess.run(
        [*command, str(folder.resolve()), str(out)], env=environment, capture_output=True
    )
    if (out / "tokenizer.json").is_file() and done.returncode == 0:
        return
    lines = done.stdout.decode(errors="replace").splitlines()
    told = f"its reader ended with status {done.returncode}, at {SECONDS} CPU seconds at most"
    with contextlib.suppress(ValueError, IndexError):
        told = str(json.loads(lines[-1]))
    raise UsageError(
        f"{folder} has no tokenizer.json and none can be made of its other files ({told}); get the "
        "model's files anew, or one with tokenizer.json"
    )


def main() -> None:
    """The process's side."""
    die_with_parent()
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    folder, out = sys.argv[1:]
    try:
        from stages.require import require

        made = require("transformers", "train").AutoTokenizer.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True
        )
        made.save_pretrained(out)
    except BaseException as error:  # anything that a foreign file can do to a parser
        print(json.dumps(f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"))
        sys.exit(1)
