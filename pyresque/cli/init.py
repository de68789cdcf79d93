"""`pyresque init`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import click

from pyresque.cli.common_options import common
from pyresque.cli.folders import absolute
from pyresque.cli.output import echo
from pyresque.config.settings import current_folder
from pyresque.config.settings_file import OWN, PROJECT, find
from pyresque.errors import ConfigError

TEMPLATES = Path(__file__).parent / "project"
ON_REQUEST = ("systemd", "kubernetes")
OF_THE_EXAMPLE = ("schedule.yml", "tests/test_jobs.py")
"""What is about the jobs of the example: not for a project that keeps a jobs.py of its own."""
_ENDING = ".tmpl"
_PLAIN = re.compile(r"[\w./+-]*")


@click.command()
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option("--systemd", is_flag=True, help="Write units for a worker and a scheduler, too: systemd/.")
@click.option("--kubernetes", is_flag=True, help="Write a manifest with probes and KEDA, too: kubernetes/.")
@click.option("-y", "--yes", is_flag=True, help="Overwrite files that are there without asking.")
@click.option("--dry-run", is_flag=True, help="Only say what would be written.")
@common
def init(folder: Path, systemd: bool, kubernetes: bool, yes: bool, dry_run: bool) -> None:
    """Write a small project that works. Jobs, a schedule, settings, tests, containers.

    A file that is there already is overwritten only if you say so.
    """
    wanted = [name for name, on in zip(ON_REQUEST, (systemd, kubernetes), strict=True) if on]
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise ConfigError(f"{folder} is not a folder; name another one")
    own_jobs = False
    for name, text in _files(folder, wanted):
        if own_jobs and name in OF_THE_EXAMPLE:
            continue
        # Without the example's jobs there is nothing that could be scheduled.
        text = text.partition("\n[scheduler]")[0] if own_jobs and name == OWN else text
        kept = not _write(folder / name, name, text, yes, dry_run)
        own_jobs = own_jobs or (kept and name == "jobs.py")
    if not dry_run:
        _tell_next(folder)


def _files(folder: Path, wanted: list[str]) -> Iterator[tuple[str, str]]:
    """The files, by their path in the project, with their texts."""
    paths = sorted(TEMPLATES.rglob(f"*{_ENDING}"))
    if not paths:
        raise ConfigError(
            f"the templates of `pyresque init` are missing in {TEMPLATES}: install pyresque again"
        )
    for path in paths:
        name = path.relative_to(TEMPLATES).as_posix().removesuffix(_ENDING)
        kind = name.partition("/")[0]
        if kind in ON_REQUEST and kind not in wanted:
            continue
        if name == OWN and _has_settings(folder):
            echo(f"kept   {PROJECT}: it has the settings; add to [tool.pyresque] what is missing")
            continue
        text = path.read_text("utf-8").replace("@name@", _name(folder))
        yield name, text.replace("@folder@", _for_systemd(folder)) if kind == "systemd" else text


def _has_settings(folder: Path) -> bool:
    """Whether the project has settings in its pyproject.toml."""
    if os.path.exists(folder / OWN) or not os.path.isfile(folder / PROJECT):
        return False
    file = find(absolute(folder), {})
    return file is not None and file.path == absolute(folder) / PROJECT


def _name(folder: Path) -> str:
    """A name for images and the like, after the folder."""
    return re.sub(r"[^a-z0-9]+", "-", absolute(folder).name.lower())[:40].strip("-") or "app"


def _for_systemd(folder: Path) -> str:
    path = os.path.normpath(absolute(folder))
    if not _PLAIN.fullmatch(path):
        raise ConfigError(
            f"a systemd unit cannot be written for {path}: use letters, digits and - in its name"
        )
    return path


def _write(path: Path, name: str, text: str, yes: bool, dry_run: bool) -> bool:
    """Write a file, unless another one is there that is to stay; False if it stays."""
    is_there = os.path.lexists(path)
    if is_there and _text_of(path) == text:
        echo(f"same   {name}")
        return True
    if dry_run:
        echo(f"would {'ask before it overwrites' if is_there else 'write'} {name}")
        return True
    if is_there and not yes and not _agreed(name):
        echo(f"kept   {name}")
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w" if is_there else "x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from None
    echo(f"wrote  {name}")
    return True


def _text_of(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _agreed(name: str) -> bool:
    from pyresque.cli.confirm import agreed

    return bool(agreed(f"{name} is there already. Overwrite it?"))


def _missing() -> list[str]:
    """What the tests need and this Python does not have, as pip is told."""
    from importlib.util import find_spec

    from pyresque.testing.redis_server import locate

    needed = (("'pyresque[demo]'", locate() is None), ("pytest", find_spec("pytest") is None))
    return [name for name, is_missing in needed if is_missing]


def _tell_next(folder: Path) -> None:
    is_here = absolute(folder) == current_folder()
    steps = [
        *([] if is_here else [f"cd {folder}"]),
        *([f"pip install {' '.join(missing)}"] if (missing := _missing()) else []),
        "pytest           # tests of the jobs, on a Redis of their own",
        "pyresque dev     # worker, scheduler and dashboard, started anew when a file changes",
    ]
    echo()
    echo("Next:")
    for step in steps:
        echo(f"  {step}")
