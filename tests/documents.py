"""The documents: their code blocks, and the commands that they name.

DOCUMENTS ....... every Markdown file that people read
blocks() ........ the fenced blocks of one, with language, line, and why it is not run
commands() ...... the command lines of a shell block, each as its words
inline_commands() the commands of ours in the text
named_files() ... the files that the text names, and the tests in them
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [
        *ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md"),
        *ROOT.glob("interop/**/*.md"),
    ]
)  # fmt: skip

NOT_RUN = re.compile(r"<!-- not run: (.+) -->")
"""What stands above a block of Python that cannot be run here, with the reason."""

NAMED = re.compile(r"`(?:([\w.-]+/[\w./-]+\.(?:py|lua|md|rb|yml|toml|txt))(?:::(\w+))?|::(\w+))`")


@dataclass(frozen=True)
class Block:
    """A fenced block."""

    document: str
    line: int
    """Of its fence."""
    language: str
    text: str
    not_run: str = ""
    """Why it is not run; empty where it is."""

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def blocks(document: str) -> Iterator[Block]:
    """The fenced blocks of a document; a ValueError where a fence has no end."""
    lines = (ROOT / document).read_text("utf-8").splitlines()
    begin: int | None = None
    for number, line in enumerate(lines):
        if not line.lstrip().startswith("```"):
            continue
        if begin is None:
            begin = number
            continue
        indent = len(lines[begin]) - len(lines[begin].lstrip())
        text = "".join(f"{one[indent:]}\n" for one in lines[begin + 1 : number])
        above = next((one for one in reversed(lines[:begin]) if one.strip()), "")
        reason = NOT_RUN.fullmatch(above.strip())
        language = lines[begin].strip().removeprefix("```")
        yield Block(document, begin + 1, language, text, reason[1] if reason else "")
        begin = None
    if begin is not None:
        raise ValueError(f"{document}:{begin + 1}: the fence has no end")


def commands(text: str) -> list[list[str]]:
    """The commands of shell lines: without prompts, comments and variables, cut at && and the like."""
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if set(word) <= set("();<>|&"):
                found.append(words)
                words = []
            elif words or not re.fullmatch(r"[A-Z_]+=.*", word):
                words.append(word)
    return [words for words in found if words]


def inline_commands(document: str) -> list[tuple[int, list[str]]]:
    """The commands of ours that stand in the text: `pyresque ...` within backquotes, with their lines."""
    found = []
    fenced = False
    for number, line in enumerate((ROOT / document).read_text("utf-8").splitlines(), 1):
        fenced ^= line.lstrip().startswith("```")
        if not fenced:
            found += [(number, shlex.split(one)) for one in re.findall(r"`(pyresque(?: [^`]*)?)`", line)]
    return found


def named_files(document: str) -> list[tuple[int, str, str]]:
    """The files of ours that are named within backquotes, with their lines; of `FILE::NAME` also the name.

    `::NAME` alone belongs to the file that was named last.
    """
    found: list[tuple[int, str, str]] = []
    for number, line in enumerate((ROOT / document).read_text("utf-8").splitlines(), 1):
        for path, name, alone in NAMED.findall(line):
            found.append((number, path or found[-1][1], name or alone))
    return found
