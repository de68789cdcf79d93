"""Importing the user's jobs: `-r app.jobs` or `-r app/jobs.py`."""

from __future__ import annotations

import importlib
import os
import sys
import sysconfig
import traceback
from pathlib import Path

from pyresque.cli.folders import here
from pyresque.errors import ImportFailed
from pyresque.failure.describe import related
from pyresque.log import Log
from pyresque.usercode.safely import cut, is_a, name_of, notes_of, text_of, trace_of

logger = Log("pyresque.cli")

_RELATED = 10
"""Causes, and members of exception groups, that are shown."""
_TEXT = 4_000
"""Characters of an error that are shown: pydantic's names each field on lines of its own."""
_LIBRARIES = tuple(
    f"{folder}{os.sep}"
    for folder in {sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")}
)
_OURS = str(Path(__file__).parents[1])


def import_jobs(names: list[str], folder: Path | None = None) -> None:
    """Import modules by their names or files, in order; the current directory is looked at first.

    Args:
        names: module names, and paths of files.
        folder: where to look first instead: that of the settings file that names the modules.

    Raises:
        ImportFailed: one cannot be imported; the text says why and where, and what has led to it.
    """
    if not names:
        return
    current = here()
    first = folder or current
    is_here = "" in sys.path and first == current
    if not is_here and str(first) not in sys.path:
        sys.path.insert(0, str(first))
    for name in names:
        _import(name, first)


def _import(name: str, first: Path) -> None:
    is_file = name.endswith(".py") or os.sep in name
    module = _module_of(name, first) if is_file else name
    try:
        imported = importlib.import_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        logger.debug("cannot import %s", name, exc_info=True)
        raise ImportFailed(_why(name, module, error)) from error
    if is_file and not _is_at(imported.__file__, name):
        raise ImportFailed(
            f"cannot import {name}: another module is called {module} ({imported.__file__}); rename the file"
        )


def _module_of(name: str, first: Path) -> str:
    """The module name of a file; its folder becomes importable where it is not below the first one."""
    path = Path(name)
    if os.path.isdir(path):
        raise ImportFailed(f"cannot import {name}: it is a folder; write for example -r {path}/jobs.py")
    if not os.path.isfile(path):
        raise ImportFailed(f"cannot import {name}: there is no such file in {here()}")
    path = path.resolve()
    folder = first.resolve()
    parts = path.relative_to(folder).with_suffix("").parts if path.is_relative_to(folder) else ()
    if parts and all(part.isidentifier() for part in parts):
        return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
    sys.path.insert(0, str(path.parent))
    return path.stem


def _is_at(file: str | None, name: str) -> bool:
    return file is not None and Path(file).resolve() == Path(name).resolve()


def _why(name: str, module: str, error: BaseException) -> str:
    missing = error.name if is_a(error, ModuleNotFoundError) else None
    if missing is not None and (module == missing or module.startswith(f"{missing}.")):
        return (
            f"cannot import {name}: there is no module {missing} in {here()} or on Python's path; "
            "write it as in an import statement, for example -r app.jobs"
        )
    if (is_a(error, ValueError) or is_a(error, TypeError)) and not _place(error):
        return (
            f"cannot import {name}: that is not a module name; write for example -r app.jobs or "
            "-r app/jobs.py"
        )
    lines = [f"cannot import {name}: {_told(error)}"]
    for how, related_error in related(error)[:_RELATED]:
        first, *more = _told(related_error).splitlines()
        lines += [f"  {how}{first}", *(f"  {line}" for line in more)]
    return "\n".join(lines)


def _told(error: BaseException) -> str:
    """What it is and says, with all its lines, and where it happened."""
    text = text_of(error.msg if is_a(error, SyntaxError) else error)
    first, *more = cut("\n".join([text, *notes_of(error)]), _TEXT).splitlines() or [""]
    name = name_of(type(error))
    return "\n".join([f"{name}: {first}{_place(error)}" if first else f"{name}{_place(error)}", *more])


def _place(error: BaseException) -> str:
    """Where it happened: ` (file:line)`, in the user's own code if it can be; empty if it was in no file."""
    if is_a(error, SyntaxError) and error.filename and error.lineno:
        return f" ({error.filename}:{error.lineno})"
    frames = [
        frame
        for frame in traceback.extract_tb(trace_of(error), limit=-1_000)
        if not frame.filename.startswith((_OURS, "<frozen", os.path.dirname(importlib.__file__)))
    ]
    own_frames = [frame for frame in frames if not _is_of_a_library(frame.filename)] or frames
    return f" ({own_frames[-1].filename}:{own_frames[-1].lineno})" if own_frames else ""


def _is_of_a_library(file: str) -> bool:
    return file.startswith(("<", *_LIBRARIES)) or "/site-packages/" in file or "/dist-packages/" in file
