"""The commands, run in the process of the tests on the Redis of a test."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.cli.in_process import Result, run


class Console:
    """Runs commands with a Redis, whoever asks a question gets an answer."""

    def __init__(self, url: str) -> None:
        self.url = url

    def run(self, *words: str, answer: str = "", **env: str) -> Result:
        """One command, and what is typed when it asks (nothing: nobody answers)."""
        return run(*words, answer=answer, REDIS_URL=self.url, **env)

    def shown(self, *words: str, **env: str) -> str:
        """What a command prints that does what it should."""
        done = self.run(*words, **env)
        assert (done.exit_code, done.stderr) == (0, "")
        return done.stdout

    def documents(self, *words: str) -> list[dict[str, Any]]:
        """What it prints with --json."""
        return [json.loads(line) for line in self.shown(*words, "--json").splitlines()]
