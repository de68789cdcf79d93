"""Builds the site of the documents from what is in the checkout; broken links fail.

    python .ci/docs.py            into site/
    python .ci/docs.py stage      only the pages, into build/docs

docs/ is taken as it is. README.md, CONTRIBUTING.md and the like become pages beside it, and their links lead
to the pages. Each public module gets a page of its docstrings. The network is not needed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "build/docs"

BESIDE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "benchmarks/README.md": "benchmarks.md",
}
"""What lies outside of docs/, and the names of its pages."""

MODULES = (
    "pyresque",
    "pyresque.active_job",
    "pyresque.client",
    "pyresque.config",
    "pyresque.errors",
    "pyresque.failure",
    "pyresque.hooks",
    "pyresque.plugins",
    "pyresque.registry",
    "pyresque.scheduler",
    "pyresque.testing",
    "pyresque.web",
    "pyresque.worker",
)
"""The public modules; a test compares them."""

LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)(?=[)#])")


def target(source: str, link: str) -> str:
    """Where a link of this file leads in the pages; a file that is no page keeps its name."""
    path = (ROOT / source).parent.joinpath(link).resolve()
    name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else link
    place = BESIDE.get(name, name.removeprefix("docs/"))
    here = Path(BESIDE.get(source, source.removeprefix("docs/"))).parent
    return Path(*[".."] * len(here.parts), place).as_posix()


def page(source: str) -> str:
    """The text of a file with its links turned."""
    text = (ROOT / source).read_text("utf-8")
    return LINK.sub(lambda link: target(source, link[1]), text)


def stage() -> None:
    """Write the pages anew."""
    shutil.rmtree(PAGES, ignore_errors=True)
    sources = [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs").rglob("*.md"))]
    pages = {source.removeprefix("docs/"): page(source) for source in sources}
    pages |= {name: page(source) for source, name in BESIDE.items()}
    pages |= {path.name: path.read_text("utf-8") for path in (ROOT / "docs").glob("*.schema.json")}
    for module in MODULES:
        pages[f"reference/{module.removeprefix('pyresque.')}.md"] = f"# {module}\n\n::: {module}\n"
    for image in (ROOT / "docs/images").glob("*"):
        (PAGES / "images").mkdir(parents=True, exist_ok=True)
        shutil.copy(image, PAGES / "images")
    for name, text in pages.items():
        path = PAGES / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def main(words: list[str]) -> int:
    """Stage the pages and build the site; returns the exit code."""
    stage()
    if words == ["stage"]:
        return 0
    command = [
        str(Path(sys.executable).parent / "zensical"),
        "build",
        "--clean",
        "--strict",
        "-f",
        "mkdocs.yml",
    ]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
