"""Runs the Python of one document, one block after the other, as its reader would type it.

    python -m tests.redis.document_runner DOCUMENT URL

`Resque()` in a block means the Redis at URL. What a block defines is there for the later ones. A block that
begins with the name of a file is that file; one with tests is run by pytest. Prints which ran.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.documents import Block, blocks

DEFAULT = "redis://localhost:6379/0"


class Elsewhere(ast.NodeTransformer):
    """Gives every `Resque(...)` without a server, or with the default one, another."""

    def __init__(self, url: str) -> None:
        self._url = ast.Constant(url)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """`Resque()`, `Resque(json_style=...)` and `Resque("redis://localhost:6379/0")`."""
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "Resque":
            given = node.args[0] if node.args else None
            if given is None or (isinstance(given, ast.Constant) and given.value == DEFAULT):
                node.args[:1] = [self._url]
        return node


def file_of(block: Block) -> str:
    """The file that a block is, if its first line names one; empty otherwise."""
    first = block.text.partition("\n")[0]
    return first.removeprefix("# ") if first.startswith("# ") and first.endswith(".py") else ""


def run(block: Block, url: str, names: dict[str, Any]) -> None:
    """Run a block; `names` are those that the blocks before it have left."""
    if file_of(block):
        return  # the test has written it where it can be imported
    if "\ndef test_" in block.text:
        path = Path(f"test_line_{block.line}.py")
        path.write_text(block.text, "utf-8")
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(path)], check=True
        )
        return
    tree = ast.increment_lineno(Elsewhere(url).visit(ast.parse(block.text)), block.line)
    exec(compile(ast.fix_missing_locations(tree), block.document, "exec"), names)


def main(document: str, url: str) -> None:
    """Run them all."""
    names: dict[str, Any] = {"__name__": "documented"}
    for block in blocks(document):
        if block.language == "python" and not block.not_run:
            run(block, url, names)
            print(f"ran {block.line}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
