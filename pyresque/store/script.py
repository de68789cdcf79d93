"""Lua scripts: the file beside this module, sent by its digest, with its text where Redis lacks it."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from pathlib import Path

from pyresque.errors import RedisReplied
from pyresque.store.link import Command, Link, Reply, Word

REMEMBER_SECONDS = 300
"""How long Redis keeps the answer of a script that must not run twice."""


class Script:
    """One .lua file; `uses` are files put in front of it, `call` is what a file of functions returns."""

    def __init__(self, name: str, uses: Sequence[str] = (), call: str = "") -> None:
        folder = Path(__file__).parent
        self.text = "\n".join((folder / f"{part}.lua").read_text("utf-8") for part in (*uses, name))
        if call:
            self.text += f"\nreturn {call}\n"
        self.digest = hashlib.sha1(self.text.encode()).hexdigest()  # noqa: S324 (it is Redis's name for it)

    def run(self, link: Link, keys: Sequence[Word], args: Sequence[Word]) -> Reply:
        """Run it; raises what `Link.execute` raises."""
        words = (len(keys), *keys, *args)
        try:
            return link.execute("EVALSHA", self.digest, *words)
        except RedisReplied as error:
            if "NOSCRIPT" not in str(error):
                raise
        return link.execute("EVAL", self.text, *words)


class Once:
    """A key under which a script keeps its answer, so that sending it again does nothing twice."""

    def __init__(self, link: Link, prefix: str) -> None:
        self.key = f"{prefix}pyresque:once:{uuid.uuid4().hex}"
        self._link = link

    def __enter__(self) -> str:
        return self.key

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        # After a failure the answer must stay for whoever asks again; it goes by itself.
        if error is None:
            self._link.forget(self.key)


def flat(effects: Sequence[Command]) -> list[Word]:
    """Effects (commands) as the scripts read them: the number of words, then the words, of each."""
    return [word for words in effects for word in (len(words), *words)]
