"""The change log has its form, and a release is made only of a version that it tells of."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}

CHANGES = """\
# Changelog

## [Unreleased]

## [1.2.0] - 2026-11-24

### Added

- Something.

## [1.1.0] - 2026-10-01

### Fixed

- Something else.
"""


@pytest.fixture(scope="module")
def release() -> ModuleType:
    """.ci/release.py as a module."""
    spec = importlib.util.spec_from_file_location("release", ROOT / ".ci/release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def git(folder: Path, *words: str) -> str:
    """What git prints there; nobody's own settings have a say."""
    own = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *own, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small project of version 1.2.0, committed."""
    if shutil.which("git") is None:
        pytest.skip("there is no git here")
    for name in ("NAME", "EMAIL"):  # of who makes a tag
        monkeypatch.setenv(f"GIT_COMMITTER_{name}", "somebody@example.org")
    (tmp_path / "pyproject.toml").write_text('[tool.hatch.version]\npath = "version.py"\n')
    (tmp_path / "version.py").write_text('"""The version."""\n\n__version__ = "1.2.0"\n')
    (tmp_path / "CHANGELOG.md").write_text(CHANGES)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "Version 1.2.0")
    return tmp_path


def test_the_change_log_has_the_form_of_keep_a_changelog(release: ModuleType) -> None:
    """Unreleased, then each version with its date, the newest first; only the six kinds of changes."""
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    first, *versions = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert first == "[Unreleased]"
    found = [re.fullmatch(r"\[(\d+)\.(\d+)\.(\d+)\] - (\d{4}-\d\d-\d\d)", heading) for heading in versions]
    assert None not in found, versions
    numbers = [(tuple(map(int, one.groups()[:3])), one[4]) for one in found if one]
    assert numbers == sorted(numbers, reverse=True)
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= KINDS
    assert f"{release.version(ROOT)} - " in "\n".join(release.sections(ROOT))


def test_a_tag_with_the_version_and_its_section_may_be_released(project: Path, release: ModuleType) -> None:
    """The text of the section is what is returned, and nothing of another version."""
    assert release.check(project, "v1.2.0") == "### Added\n\n- Something."


@pytest.mark.parametrize(
    ("tag", "changes", "said"),
    [
        ("v1.3.0", CHANGES, "the tag must be v1.2.0"),
        ("1.2.0", CHANGES, "the tag must be v1.2.0"),
        ("v1.2.0", CHANGES.replace("[1.2.0]", "[1.2.01]"), "has no section of 1.2.0"),
        ("v1.2.0", CHANGES.replace("1.2.0] - 2026-11-24", "1.2.0] - soon"), "has no section of 1.2.0"),
        ("v1.2.0", CHANGES.replace("### Added\n\n- Something.\n", ""), "is empty"),
        (
            "v1.2.0",
            CHANGES.replace("[Unreleased]\n", "[Unreleased]\n\n- More.\n"),
            "changes under Unreleased",
        ),
    ],
)
def test_what_is_not_ready_is_not_released(
    project: Path, release: ModuleType, tag: str, changes: str, said: str
) -> None:
    """Another version, no section, an empty one, or changes that nobody has given a version."""
    (project / "CHANGELOG.md").write_text(changes)
    with pytest.raises(release.NotReady, match=re.escape(said)):
        release.check(project, tag)


def test_make_release_makes_the_tag_once(project: Path, release: ModuleType) -> None:
    """With the section as its message, headings and all; a second time it says that the tag is there."""
    assert release.make_tag(project) == "v1.2.0"
    message = git(project, "tag", "--list", "v1.2.0", "--format=%(contents)")
    assert message.strip() == "v1.2.0\n\n### Added\n\n- Something."
    with pytest.raises(release.NotReady, match=r"a tag v1\.2\.0 already"):
        release.make_tag(project)


def test_what_no_commit_has_is_not_released(project: Path, release: ModuleType) -> None:
    """The tag would stand for something else than what was tried."""
    (project / "more.py").touch()
    with pytest.raises(release.NotReady, match="changes that no commit has"):
        release.make_tag(project)
    assert git(project, "tag", "--list") == ""
