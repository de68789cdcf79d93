"""The wheel: what is in it, and that it works outside of the checkout; the sdist, and what both ask for."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from pyresque import __version__

ROOT = Path(__file__).parents[2]


def run(*command, **settings):
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100, **settings)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this checkout, built without network."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=ROOT)
    [path] = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The wheel, installed into a folder of its own."""
    folder = tmp_path_factory.mktemp("installed")
    options = ["--no-deps", "--no-index", "--disable-pip-version-check", "--target", str(folder)]
    run(sys.executable, "-m", "pip", "install", *options, str(wheel))
    return folder


def outside(installed, *command):
    """Run Python outside of the checkout, with the installed package in front of everything."""
    env = {**os.environ, "PYTHONPATH": str(installed)}
    return run(sys.executable, *command, cwd=installed.parent, env=env)


def names(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


KINDS = (".py", ".lua", ".json", ".typed", ".tmpl", ".html", ".css", ".js", ".svg")


def test_the_wheel_holds_the_whole_package(wheel):
    """Every module, script, table and template, the style of the dashboard, the marker for type checkers."""
    sources = [path for path in (ROOT / "pyresque").rglob("*") if path.suffix in KINDS]
    expected = {path.relative_to(ROOT).as_posix() for path in sources if "__pycache__" not in path.parts}
    assert "pyresque/py.typed" in expected
    assert any(name.endswith(".lua") for name in expected)
    assert {name for name in names(wheel) if ".dist-info/" not in name} == expected


def test_the_wheel_holds_nothing_else(wheel):
    """No tests, no Ruby, no docs; one licence."""
    assert {name.split("/")[0] for name in names(wheel)} == {"pyresque", f"pyresque-{__version__}.dist-info"}
    assert [name for name in names(wheel) if name.endswith("licenses/LICENSE")]


def test_the_entry_points(wheel):
    """The command and the pytest fixtures are found by their entry points."""
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"pyresque-{__version__}.dist-info/entry_points.txt").decode()
        metadata = archive.read(f"pyresque-{__version__}.dist-info/METADATA").decode()
    assert "[console_scripts]\npyresque = pyresque.cli:main" in text
    assert "[pytest11]\npyresque = pyresque.testing.pytest_plugin" in text
    assert f"Version: {__version__}" in metadata
    assert "Requires-Python: >=3.11" in metadata


def test_every_module_can_be_imported_from_the_wheel(installed):
    """Outside of the checkout nothing is missing."""
    code = (
        "import importlib, pathlib, pkgutil, pyresque\n"
        "for one in pkgutil.walk_packages(pyresque.__path__, 'pyresque.'):\n"
        "    if not one.name.endswith('__main__'): importlib.import_module(one.name)\n"
        "print(pathlib.Path(pyresque.__file__).parent)"
    )
    assert outside(installed, "-W", "error", "-c", code).strip() == str(installed / "pyresque")


def test_the_command_runs_from_the_wheel(installed):
    """`python -m pyresque --version` names the version."""
    assert __version__ in outside(installed, "-m", "pyresque", "--version")


# --- the sdist ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    """The names in the sdist of this checkout, without its own folder."""
    folder = tmp_path_factory.mktemp("sdist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(folder), cwd=ROOT)
    [path] = folder.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def test_the_sdist_can_run_its_own_tests(sdist):
    """What tests, Makefile and CI ask for is in it: each file of these folders, and these files."""
    folders = (".ci", ".github", "benchmarks", "docs", "interop", "pyresque", "requirements", "tests")
    files = {
        ".dockerignore", ".gitignore", ".pre-commit-config.yaml", "CHANGELOG.md", "CONTRIBUTING.md",
        "Gemfile", "LICENSE", "Makefile", "README.md", "SECURITY.md", "docker-compose.yml", "mkdocs.yml",
        "pyproject.toml",
    }  # fmt: skip
    for folder in folders:
        files.update(
            path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*") if path.is_file()
        )
    made = ("__pycache__", ".hypothesis", ".mypy_cache", ".ruff_cache", ".pytest_cache")
    expected = {name for name in files if not any(part in made for part in Path(name).parts)}
    assert expected - sdist == set()
    assert sdist - expected == {"PKG-INFO"}


# --- other people's packages -------------------------------------------------------------------------


def pins(name):
    """The versions in a file of requirements/, by package."""
    lines = (ROOT / "requirements" / name).read_text("utf-8").splitlines()
    return dict(line.lower().split("==") for line in lines if not line.startswith("#"))


def test_the_lowest_versions_that_are_tried_are_those_that_we_ask_for():
    """What pyproject.toml asks for, its extra web and croniter are in requirements/lowest.txt, exactly."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    croniter = [one for one in project["optional-dependencies"]["dev"] if one.startswith("croniter")]
    web = project["optional-dependencies"]["web"]
    names = project["dependencies"] + web + croniter
    asked = [re.fullmatch(r"([a-z]+)>=([\d.]+)(?:,<\d+)?", one) for one in names]
    assert pins("lowest.txt") == {one[1]: one[2] for one in asked}


def test_every_package_that_we_ask_for_is_locked():
    """Directly or by one of the extras that the tests use."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    names = {
        re.match(r"[\w-]+", one)[0].lower()
        for one in project["dependencies"] + extras["demo"] + extras["web"] + extras["docs"] + extras["dev"]
    }
    assert names - {"pyresque"} <= set(pins("locked.txt"))
