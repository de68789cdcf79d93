"""Importing the user's jobs: `-r app.jobs` or `-r app/jobs.py`."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from pathlib import Path

from pyresque.errors import ImportFailed
from pyresque.log import Log
from pyresque.safely import cut, is_a, name_of, text_of, trace_of

logger = Log("pyresque.cli")

_OURS = str(Path(__file__).parents[1])


def import_jobs(names: list[str]) -> None:
    """Import modules by their names or files, in order; the current directory is looked at first.

    Raises:
        ImportFailed: one cannot be imported; one line says why and where.
    """
    here = str(Path.cwd())
    if names and "" not in sys.path and here not in sys.path:
        sys.path.insert(0, here)
    for name in names:
        _import(name)


def _import(name: str) -> None:
    is_file = name.endswith(".py") or os.sep in name
    module = _module_of(name) if is_file else name
    try:
        found = importlib.import_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        logger.debug("cannot import %s", name, exc_info=True)
        raise ImportFailed(_why(name, module, error)) from error
    if is_file and not _is_at(found.__file__, name):
        raise ImportFailed(
            f"cannot import {name}: another module is called {module} ({found.__file__}); rename the file"
        )


def _module_of(name: str) -> str:
    """The module name of a file; its folder becomes importable where it is not below the current one."""
    path = Path(name)
    if path.is_dir():
        raise ImportFailed(f"cannot import {name}: it is a folder; write for example -r {path}/jobs.py")
    if not path.is_file():
        raise ImportFailed(f"cannot import {name}: there is no such file in {Path.cwd()}")
    path = path.resolve()
    folder = Path.cwd().resolve()
    parts = path.relative_to(folder).with_suffix("").parts if path.is_relative_to(folder) else ()
    if parts and all(part.isidentifier() for part in parts):
        return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
    sys.path.insert(0, str(path.parent))
    return path.stem


def _is_at(found: str | None, name: str) -> bool:
    return found is not None and Path(found).resolve() == Path(name).resolve()


def _why(name: str, module: str, error: BaseException) -> str:
    missing = error.name if is_a(error, ModuleNotFoundError) else None
    if missing is not None and (module == missing or module.startswith(f"{missing}.")):
        return (
            f"cannot import {name}: there is no module {missing} in {Path.cwd()} or on Python's path; "
            "write it as in an import statement, for example -r app.jobs"
        )
    if (is_a(error, ValueError) or is_a(error, TypeError)) and not _place(error):
        return (
            f"cannot import {name}: that is no module name; write for example -r app.jobs or -r app/jobs.py"
        )
    said = text_of(error.msg if is_a(error, SyntaxError) else error)
    text, name = cut(next(iter(said.splitlines()), ""), 500), name_of(type(error))
    what = f"{name}: {text}" if text else name
    return f"cannot import {name}: {what}{_place(error)}"


def _place(error: BaseException) -> str:
    """Where it happened: ` (file:line)`, innermost; empty where it was not in anybody's file."""
    if is_a(error, SyntaxError) and error.filename and error.lineno:
        return f" ({error.filename}:{error.lineno})"
    frames = [
        frame
        for frame in traceback.extract_tb(trace_of(error), limit=-1_000)
        if not frame.filename.startswith((_OURS, "<frozen", os.path.dirname(importlib.__file__)))
    ]
    return f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
