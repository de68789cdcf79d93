"""What the documents tell people to type can be typed: Python compiles, commands and options exist."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from pyresque.cli.root import program
from pyresque.config.settings import load
from tests.documents import DOCUMENTS, ROOT, Block, blocks, commands, inline_commands, named_files

LANGUAGES = {"python", "console", "ruby", "yaml", "toml", "json", "ini", "text"}
BLOCKS = [block for document in DOCUMENTS for block in blocks(document)]


def of(*languages: str) -> list[Block]:
    """The blocks in these languages."""
    return [block for block in BLOCKS if block.language in languages]


def is_json(text: str) -> bool:
    """Whether this is JSON."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def parsed(words: list[str]) -> None:
    """Read the words of a command line as the program does, without running anything."""
    command: click.Command = program
    parent = None
    while True:
        context = command.make_context(words[0], words[1:], parent=parent)
        if not isinstance(command, click.Group):
            return
        held: Any = context.__dict__
        words = [*held.get("_protected_args", held.get("protected_args", ())), *context.args]
        if not words:
            return  # a family of commands, which says by itself what it does alone
        name, found, rest = command.resolve_command(context, words)
        assert found is not None
        command, words, parent = found, [name or "", *rest], context


def test_there_are_documents_and_blocks() -> None:
    """Else the tests below would claim nothing."""
    assert {"README.md", "CONTRIBUTING.md", "docs/jobs.md"} <= set(DOCUMENTS)
    assert len(of("python")) > 20
    assert len(of("console")) > 5


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_every_block_names_its_language(block: Block) -> None:
    """One of those that are looked at here, so that none goes by unseen; `text` is not code."""
    assert block.language in LANGUAGES


@pytest.mark.parametrize("block", of("python"), ids=str)
def test_python_compiles(block: Block) -> None:
    """Also where it cannot be run; tests/redis/test_documents.py runs the others."""
    compile(block.text, str(block), "exec")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_data_can_be_read(document: str) -> None:
    """YAML and TOML as a whole, JSON as a whole or line by line."""
    for block in blocks(document):
        if block.language == "yaml":
            assert list(yaml.safe_load_all(block.text)) != [None], block
        elif block.language == "toml":
            assert tomllib.loads(block.text), block
        elif block.language == "json":
            assert is_json(block.text) or all(map(is_json, block.text.splitlines())), block


@pytest.mark.parametrize("block", of("toml"), ids=str)
def test_settings_exist(block: Block, tmp_path: Path) -> None:
    """What a pyresque.toml, or a pyproject.toml, in the documents says is a setting with such a value."""
    name = block.text.partition("\n")[0].removeprefix("# ")
    assert name in ("pyresque.toml", "pyproject.toml")
    (tmp_path / name).write_text(block.text, "utf-8")
    assert load(tmp_path, {}).file is not None


@pytest.mark.parametrize("block", of("console", "ini"), ids=str)
def test_commands_exist(block: Block) -> None:
    """Each `pyresque ...` with its options; each target of make, and each script of ours."""
    lines = re.sub(r"^\w+=", "", block.text, flags=re.MULTILINE) if block.language == "ini" else block.text
    text = re.sub(r"^\[.*\]$", "", lines, flags=re.MULTILINE)
    for words in commands(text):
        if Path(words[0]).name == "pyresque":
            parsed(["pyresque", *words[1:]])
        elif words[0] in ("bash", "python") and not words[1].startswith("-"):
            assert (ROOT / words[1]).is_file(), words
        elif words[0] == "make":
            makefile = (ROOT / "Makefile").read_text("utf-8")
            assert all(re.search(rf"^(\w+ )*{word}[ :]", makefile, re.MULTILINE) for word in words[1:]), words


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_in_the_text_exist(document: str) -> None:
    """`pyresque ...` within backquotes; there a command may stand without what it needs."""
    for line, words in inline_commands(document):
        try:
            parsed(words)
        except (click.MissingParameter, click.exceptions.Exit):
            pass
        except click.UsageError as error:
            pytest.fail(f"{document}:{line}: {' '.join(words)}: {error.message}")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_that_are_named_exist(document: str) -> None:
    """From the project's folder, from pyresque or from tests; a test that is named stands in its file."""
    for line, path, name in named_files(document):
        places = (ROOT, ROOT / "pyresque", ROOT / "tests")
        found = [place / path for place in places if (place / path).is_file()]
        assert found, f"{document}:{line}: there is no {path}"
        if name:
            assert f"def {name}(" in found[0].read_text("utf-8"), f"{document}:{line}: no {name} in {path}"


@pytest.mark.parametrize(
    "words", [["pyresque", "wrok"], ["pyresque", "work", "--fast"], ["pyresque", "failed", "x"]]
)
def test_what_does_not_exist_is_found(words: list[str]) -> None:
    """A command, an option, a command of a group."""
    with pytest.raises(click.UsageError):
        parsed(words)


def test_the_commands_of_shell_lines() -> None:
    """Prompts, comments, variables in front, several in a line, a line that goes on."""
    text = "$ QUEUE=a pyresque work -q 'a,*' # b\nx && .venv/bin/pyresque demo | cat\npip \\\n install .\n"
    ours = [["pyresque", "work", "-q", "a,*"], ["x"], [".venv/bin/pyresque", "demo"]]
    assert commands(text) == [*ours, ["cat"], ["pip", "install", "."]]
