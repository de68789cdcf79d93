"""What a release needs, checked before anything is published.

python .ci/release.py check v1.2.3     is this tag the version, and has the change log a section of it?
python .ci/release.py tag              the same for this checkout's version; makes the tag, pushes nothing
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHANGES = "CHANGELOG.md"


class NotReady(Exception):
    """Why this cannot be released, and what to do."""


def version(root: Path) -> str:
    """The version, from where the build takes it."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    path = project["tool"]["hatch"]["version"]["path"]
    found = re.search(r'^__version__ = "([^"]+)"$', (root / path).read_text("utf-8"), re.MULTILINE)
    if found is None:
        raise NotReady(f'{path} has no line __version__ = "..."')
    return found[1]


def sections(root: Path) -> dict[str, str]:
    """The sections of the change log by their headings, without the brackets: "1.2.3 - 2026-11-24"."""
    parts = re.split(r"^## (.+)$", (root / CHANGES).read_text("utf-8"), flags=re.MULTILINE)
    return {
        heading.replace("[", "").replace("]", ""): text.strip()
        for heading, text in zip(parts[1::2], parts[2::2], strict=True)
    }


def check(root: Path, tag: str) -> str:
    """What the change log says of this tag's version; NotReady says what is missing."""
    ours = version(root)
    if tag != f"v{ours}":
        raise NotReady(f"the tag is {tag}, the version of this checkout {ours}: the tag must be v{ours}")
    logged = sections(root)
    for heading, text in logged.items():
        if re.fullmatch(rf"{re.escape(ours)} - \d{{4}}-\d\d-\d\d", heading):
            if not text:
                raise NotReady(f"the section {heading} of {CHANGES} is empty")
            if logged.get("Unreleased"):
                raise NotReady(
                    f"{CHANGES} has changes under Unreleased: move them below {heading}, or release later"
                )
            return text
    raise NotReady(f"{CHANGES} has no section of {ours}: head it ## [{ours}] - YEAR-MONTH-DAY")


def git(root: Path, *words: str) -> str:
    """What a git command prints."""
    return subprocess.run(
        ["git", *words], cwd=root, capture_output=True, text=True, check=True
    ).stdout.strip()


def make_tag(root: Path) -> str:
    """Tag the commit that is checked out, with what the change log says as the message; returns the tag."""
    tag = f"v{version(root)}"
    text = check(root, tag)
    if git(root, "status", "--porcelain"):
        raise NotReady("there are changes that no commit has: commit them, or put them away")
    if git(root, "tag", "--list", tag):
        raise NotReady(f"there is a tag {tag} already: raise the version first")
    # Else git would take the headings of the change log for comments.
    git(root, "tag", "--annotate", "--cleanup=verbatim", "--message", f"{tag}\n\n{text}\n", tag)
    return tag


def main(words: list[str]) -> int:
    """Run one of the two commands; returns the exit code."""
    try:
        if len(words) == 2 and words[0] == "check":
            print(check(ROOT, words[1]))
        elif words == ["tag"]:
            tag = make_tag(ROOT)
            print(f"made the tag {tag}; to release it: git push origin {tag}")
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except NotReady as error:
        print(f"not ready: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
