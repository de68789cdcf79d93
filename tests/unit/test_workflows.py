"""The files for GitHub and pre-commit call what a contributor calls, on every version that we claim."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
MAJOR = re.compile(r"v\d+|release/v\d+")


def loaded(path: Path) -> Any:
    """A YAML file; in a workflow the key `on` reads as True."""
    return yaml.safe_load(path.read_text("utf-8"))


def rows() -> list[dict[str, str]]:
    """The rows of the covering set."""
    workflow = loaded(ROOT / ".github/workflows/ci.yml")
    return list(workflow["jobs"]["tests"]["strategy"]["matrix"]["include"])


def steps(path: Path) -> list[dict[str, Any]]:
    """Every step of every job of a workflow."""
    return [step for job in loaded(path)["jobs"].values() for step in job["steps"]]


def commands() -> list[str]:
    """Every command line of the workflows, those of the rows included."""
    lines = [step["run"] for path in WORKFLOWS for step in steps(path) if "run" in step]
    return [line.strip() for text in [*lines, *(row["run"] for row in rows())] for line in text.splitlines()]


def targets() -> set[str]:
    """The targets of the Makefile."""
    found = re.findall(r"^([a-z][a-z ]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    return {target for targets in found for target in targets.split()}


def test_every_target_and_script_that_is_called_exists() -> None:
    """`make WORD ...`, `bash FILE` and `python FILE`."""
    made = [word for line in commands() if line.startswith("make ") for word in line.split()[1:]]
    called = [match[1] for line in commands() if (match := re.match(r"(?:bash|python) (\.?\w\S*)", line))]
    assert {"test", "newest"} <= set(made) <= targets()
    assert {".ci/run", ".ci/release.py"} <= set(called)
    assert [name for name in called if not (ROOT / name).is_file()] == []


def test_every_python_that_we_claim_is_tried() -> None:
    """The classifiers of pyproject.toml, no more and no fewer."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    claimed = {one.rsplit(" ", 1)[1] for one in project["classifiers"] if re.search(r":: 3\.\d+$", one)}
    assert {row["python"] for row in rows()} == claimed


def test_every_redis_and_ruby_that_we_claim_is_tried() -> None:
    """Redis 6.2 to 8 and, in the row without a Redis, Valkey; each age of gems that the Gemfile knows."""
    assert {row.get("redis") for row in rows()} == {"6.2", "7", "8", None}
    known = set(re.findall(r'^when "(\w+)"', (ROOT / "Gemfile").read_text("utf-8"), re.MULTILINE))
    assert {row["gems"] for row in rows() if "gems" in row} == known == {"newest", "middle", "oldest"}
    assert all(("ruby" in row) == ("gems" in row) for row in rows())


def test_the_lowest_and_the_newest_packages_are_tried() -> None:
    """.ci/run tries the lowest, with the oldest Python; `make newest` is called with the newest one."""
    by_python = {row["python"]: row["run"] for row in rows()}
    assert by_python["3.11"] == "bash .ci/run"
    assert "newest" in by_python["3.14"].split()


def test_every_row_has_a_reason() -> None:
    """A comment stands above each."""
    lines = (ROOT / ".github/workflows/ci.yml").read_text("utf-8").splitlines()
    named = [
        number
        for number, line in enumerate(lines)
        if line.strip().startswith("- name: ") and "          -" in line
    ]
    begins = [
        number
        for number in named
        if lines[number].strip().removeprefix("- name: ") in {row["name"] for row in rows()}
    ]
    assert len(begins) == len(rows())
    assert all(lines[number - 1].strip().startswith("# ") for number in begins)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_do_no_more_than_it_must(path: Path) -> None:
    """It reads the code; one job alone may show PyPI who it is. Each job has an end."""
    workflow = loaded(path)
    assert workflow["permissions"] == {"contents": "read"}
    further = {name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job}
    assert further == ({"publish": {"id-token": "write"}} if path.name == "release.yml" else {})
    assert all("timeout-minutes" in job for job in workflow["jobs"].values())


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_their_major_version(path: Path) -> None:
    """So that mends come by themselves, and what changes ways does not."""
    used = [step["uses"] for step in steps(path) if "uses" in step]
    assert used
    assert [name for name in used if not MAJOR.fullmatch(name.partition("@")[2])] == []


def test_what_dependabot_looks_at_exists() -> None:
    """Each folder has a file of its kind."""
    kinds = {
        "pip": ("pyproject.toml", "locked.txt"), "bundler": ("Gemfile",), "docker": ("Dockerfile",),
        "docker-compose": ("docker-compose.yml",), "github-actions": (".github/workflows/ci.yml",),
    }  # fmt: skip
    updates = loaded(ROOT / ".github/dependabot.yml")["updates"]
    assert {one["package-ecosystem"] for one in updates} == set(kinds)
    for one in updates:
        for folder in one.get("directories", [one.get("directory")]):
            place = ROOT / folder.strip("/")
            assert any((place / name).is_file() for name in kinds[one["package-ecosystem"]]), folder


def test_pre_commit_runs_the_programs_of_the_lock() -> None:
    """Local hooks of the project's environment, each a program that is locked: nothing is downloaded."""
    locked = (ROOT / "requirements/locked.txt").read_text("utf-8")
    [repo] = loaded(ROOT / ".pre-commit-config.yaml")["repos"]
    assert repo["repo"] == "local"
    programs = [hook["entry"].split()[0] for hook in repo["hooks"]]
    assert {Path(program).name for program in programs} == {"ruff", "mypy"}
    assert all(hook["language"] == "system" for hook in repo["hooks"])
    assert all(re.search(rf"^{Path(program).name}==", locked, re.MULTILINE) for program in programs)


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")), ids=lambda path: path.name
)
def test_an_issue_form_asks_for_what_is_needed(path: Path) -> None:
    """It has a name and a description, and each question must be answered."""
    form = loaded(path)
    assert form["name"]
    assert form["description"]
    assert [part["attributes"]["label"] for part in form["body"] if not part["validations"]["required"]] == []
