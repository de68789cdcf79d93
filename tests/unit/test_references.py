"""References to documents: what code, tests and docs name is there, with the heading that they name."""

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("pyresque", "tests", "docs", "benchmarks", "interop", ".ci", ".github")
KINDS = (".py", ".lua", ".md", ".rb", ".json", ".yml", ".toml", "")
APART = {
    "tests/unit/test_references.py": "holds wrong references",
    "tests/redis/test_documents.py": "makes a document up",
    ".ci/docs.py": "names pages of the site, which test_site.py looks at",
    "mkdocs.yml": "the same",
    "tests/unit/test_site.py": "the same",
}
"""What is not looked at, and why."""

_DOCUMENT = re.compile(r"(?<![\w./-])((?:[\w.-]+/)*[\w.-]+\.md)\b(?:#([\w-]*))?")
_CODE = re.compile(r"(?<![\w./-])((?:[\w-]+/)*\w+\.(?:py|lua))\b")
_OF_USERS = ("jobs.py", "app/jobs.py", "tests/test_jobs.py")
"""Files of applications, in examples and in what `pyresque init` writes."""
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_LINKED_WORDS = re.compile(r"\[[^]]*\]\(")
_ELSEWHERE = re.compile(r"[a-z]+:")
_BREAK = r"[\s#*-]+"
"""What may stand between two words: they may be on two lines of a comment."""
_NUMBERED = re.compile(
    rf"\.md\)?,?{_BREAK}\d[\d.]*|\.md\)?,?{_BREAK}(?:sections?|rules?){_BREAK}\d[\d.]*"
    rf"|\bsections?{_BREAK}\d[\d.]*|\brules?{_BREAK}\d[\d.]*|(?<![-\w])W\d+[a-z]?\b"
)
"""A section, rule or row by its number: numbers change, and say nothing."""


def texts():
    """Every text of the repository that people write, but those that stand apart."""
    found = [path for name in FOLDERS for path in (ROOT / name).rglob("*")]
    return sorted(
        path
        for path in [*found, *ROOT.iterdir()]
        if path.is_file()
        and path.suffix in KINDS
        and "__pycache__" not in path.parts
        and path.relative_to(ROOT).as_posix() not in APART
    )


def anchor(heading):
    """What GitHub makes of a heading: `## The heartbeat` is `#the-heartbeat`."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@cache
def headings(document):
    """The anchors of a document, in order."""
    text = re.sub(r"^```.*?^```", "", document.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    return [anchor(line) for line in re.findall(r"^#+ (.*)$", text, re.MULTILINE)]


def trouble(path, name, wanted):
    """What is wrong with a reference to this file, and to this heading of it; None if nothing is.

    A document may name others as seen from its own folder; everything else names them from the root on.
    """
    places = [ROOT / name] + ([path.parent / name] if path.suffix == ".md" else [])
    target = next((place for place in places if place.exists()), None)
    if target is None:
        return f"there is no {name}"
    if wanted and wanted not in headings(target):
        return f"{name} has no heading #{wanted}"
    return None


def troubles(path, text):
    """What is wrong with the references in a text, one line each."""
    bare = _LINKED_WORDS.sub("](", text) if path.suffix == ".md" else text
    named = [(match[1], match[2]) for match in _DOCUMENT.finditer(bare)]
    if path.suffix == ".md":
        links = [link for link in _LINK.findall(text) if not _ELSEWHERE.match(link)]
        named += [
            (place or path.name, wanted) for place, _, wanted in (link.partition("#") for link in links)
        ]
    found = [trouble(path, name, wanted) for name, wanted in named]
    found += [f"{match[0]!r} is a number, not a heading" for match in _NUMBERED.finditer(text)]
    return sorted({one for one in found if one})


@pytest.mark.parametrize("path", texts(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_is_referred_to_is_there(path):
    """Each document that is named exists, and so does each heading of it; none is referred to by a number."""
    assert troubles(path, path.read_text("utf-8", "surrogateescape")) == []


def strange_files(text):
    """The Python and Lua files that a text of the package names, and that are not in it."""
    names = {path.as_posix() for kind in ("py", "lua") for path in (ROOT / "pyresque").rglob(f"*.{kind}")}
    known = lambda name: name in _OF_USERS or any(path.endswith(f"/{name}") for path in names)  # noqa: E731
    return sorted({name for name in _CODE.findall(text) if not known(name)})


@pytest.mark.parametrize(
    "path",
    [path for path in texts() if path.is_relative_to(ROOT / "pyresque")],
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_files_that_the_package_names_are_in_it(path):
    """In comments and docstrings too: a file that was renamed is named anew."""
    assert strange_files(path.read_text("utf-8", "surrogateescape")) == []


def test_a_file_that_is_gone_is_found():
    assert strange_files("see worker/books.py, reserve.lua and app/jobs.py") == ["worker/books.py"]


@pytest.mark.parametrize(
    ("name", "text"),
    [("pyresque/a.py", "the lock (docs/protocol/nothing.md)"),
     ("pyresque/a.py", "the lock (core.md)"),
     ("pyresque/a.py", "the lock (docs/protocol/core.md#no-such-thing)"),
     ("pyresque/a.py", "the lock (docs/protocol/core.md, section 3)"),
     ("pyresque/a.py", "the lock (docs/protocol/core.md 3.1)"),
     ("pyresque/store/a.lua", "-- see docs/protocol/core.md\n-- section 4"),
     ("pyresque/a.py", "as the tables say (sections 7.2 and 9)"),
     ("tests/a.py", "asked for by rule 6"),
     ("tests/a.py", "the window W18"),
     ("docs/a.md", "[the lock](protocol/nothing.md)"),
     ("docs/a.md", "[the lock](protocol/core.md#no-such-thing)"),
     ("docs/a.md", "[the lock](#no-such-thing)"),
     ("docs/a.md", "[the lock](../pyresque/no_such_file.py)")],
)  # fmt: skip
def test_a_wrong_reference_is_found(name, text):
    """In code, scripts and documents: no such file, no such heading, or a number."""
    path = ROOT / name
    if text.startswith("[the lock](#"):
        path = ROOT / "docs/internals.md"
    assert troubles(path, text) != []


@pytest.mark.parametrize(
    ("name", "text"),
    [("pyresque/a.py", "the lock (docs/protocol/core.md#the-heartbeat)"),
     ("docs/a.md", "[it](protocol/core.md#the-heartbeat), [that](https://example.org/a.md#b), `README.md`"),
     ("docs/protocol/core.md", "[it](#the-heartbeat)"),
     ("tests/a.py", "ruby -W0, 2031-W52-4, every *.md")],
)  # fmt: skip
def test_a_right_reference_is_not(name, text):
    """From the root, from a document's own folder, within one; and what only looks like one."""
    assert troubles(ROOT / name, text) == []


@pytest.mark.parametrize("path", sorted((ROOT / "docs/protocol").rglob("*.md")), ids=lambda path: path.name)
def test_the_headings_of_the_protocol_are_names(path):
    """Each is another one, and has no number in front."""
    assert len(headings(path)) == len(set(headings(path)))
    assert not [one for one in headings(path) if one[:1].isdigit()]
