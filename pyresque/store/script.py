"""Lua scripts: a file of the folder lua, sent by its digest, with its text where Redis lacks it."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from pathlib import Path

from pyresque.errors import RedisError, RedisReplied, RedisUnavailable
from pyresque.store.connection.link import Check, Link, Reply, Word, is_missing_script
from pyresque.store.connection.replies import new_word
from pyresque.store.space import Space

REMEMBER_SECONDS = 300
"""How long Redis keeps the answer of a script that must not run twice."""

# The last argument is a word that the answer begins with: so it cannot be taken for another's.
_FRAME = """
local word = table.remove(ARGV)
local function answer()
{text}
end
local found = answer()
if type(found) == 'table' and found.err then return found end
return {{word, found or false}}
"""


_NEEDS = {"effects": ("aside",)}
"""What the files that stand in front of scripts need in front of themselves."""


_FOLDER = Path(__file__).parent / "lua"


def source(name: str) -> Path:
    """The file of a script, or of a part that stands in front of scripts."""
    part = _FOLDER / "parts" / f"{name}.lua"
    return part if part.exists() else _FOLDER / f"{name}.lua"


class Script:
    """One .lua file; `uses` are files put in front of it, `call` is what a file of functions returns.

    Args:
        reply: the form of its answer.
    """

    def __init__(self, name: str, uses: Sequence[str] = (), call: str = "", *, reply: Check) -> None:
        names = [part for use in uses for part in (*_NEEDS.get(use, ()), use)]
        text = "\n".join(source(part).read_text("utf-8") for part in (*names, name))
        if call:
            text += f"\nreturn {call}\n"
        self.name = name
        self.text = _FRAME.format(text=text)
        self.digest = hashlib.sha1(self.text.encode()).hexdigest()  # noqa: S324 (it is Redis's name for it)
        self._form = reply

    def run(self, link: Link, keys: Sequence[Word], args: Sequence[Word]) -> Reply:
        """Run it; raises what `Link.execute` raises."""
        word, form = new_word(), self._form
        words = (len(keys), *keys, *args, word)

        def check(reply: Reply) -> bool:
            return type(reply) is list and len(reply) == 2 and reply[0] == word and form(reply[1])

        try:
            return link.execute("EVALSHA", self.digest, *words, check=check)[1]
        except RedisReplied as error:
            if not is_missing_script(error):
                raise
            maybe_done = error.maybe_done
        try:
            return link.execute("EVAL", self.text, *words, check=check)[1]
        except RedisError as error:
            # Before it lacked the script, Redis may have had it, and carried it out.
            error.maybe_done |= maybe_done
            if not (isinstance(error, RedisReplied) and is_missing_script(error)):
                raise
            # It had the text before it, so this was no answer to it.
            raise RedisUnavailable(str(error), maybe_done=True) from error


class Once:
    """A key under which a script keeps its answer, so that sending it again does nothing twice."""

    def __init__(self, space: Space) -> None:
        self.key = space.keys.once(uuid.uuid4().hex)
        self._link = space.link

    def __enter__(self) -> str:
        return self.key

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        # After a failure the answer must stay for whoever asks again; it goes by itself.
        if error is None:
            self._link.forget(self.key)
