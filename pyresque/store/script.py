"""Lua scripts: a file of the folder lua, sent by its digest, with its text where Redis lacks it."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from pathlib import Path

from pyresque.errors import RedisError, RedisReplied, RedisUnavailable
from pyresque.store.connection.link import Check, Command, Link, Reply, Word, is_missing_script
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


_NEEDS = {"effects": ("json", "aside")}
"""What the files that stand in front of scripts need in front of themselves."""


_FOLDER = Path(__file__).parent / "lua"


def source(name: str) -> Path:
    """The file of a script, or of a part that stands in front of scripts."""
    part = _FOLDER / "parts" / f"{name}.lua"
    return part if part.exists() else _FOLDER / f"{name}.lua"


class Script:
    """One .lua file; `uses` are parts put in front of it, `call` is what a file of functions returns.

    Args:
        reply: the form of its answer.
        once: it must not do anything twice (parts/once.lua): run it with `run_once`.
    """

    def __init__(
        self, name: str, uses: Sequence[str] = (), call: str = "", *, reply: Check, once: bool = False
    ) -> None:
        names = dict.fromkeys(part for use in uses for part in (*_NEEDS.get(use, ()), use))
        parts = [source(part).read_text("utf-8") for part in (*names, *(["once"] if once else []))]
        text = source(name).read_text("utf-8")
        if once:
            text = f"local function step()\n{text}\nend\nreturn once(step)\n"
        if call:
            text += f"\nreturn {call}\n"
        text = "\n".join([*parts, text])
        self.name = name
        self.text = _FRAME.format(text=text)
        self.digest = hashlib.sha1(self.text.encode()).hexdigest()  # noqa: S324 (it is Redis's name for it)
        self._form = reply

    def run(self, link: Link, keys: Sequence[Word], args: Sequence[Word]) -> Reply:
        """Run it; raises what `Link.execute` raises."""
        word, form = new_word(), self._form
        words = (len(keys), *keys, *args, word)

        check: Check = lambda reply: (  # noqa: E731
            type(reply) is list and len(reply) == 2 and reply[0] == word and form(reply[1])
        )
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

    def run_once(self, space: Space, keys: Sequence[Word], args: Sequence[Word]) -> Reply:
        """Run a script that keeps its answer under a token, so that sending it again does nothing twice."""
        token = space.keys.once(uuid.uuid4().hex)
        answer = self.run(space.link, [token, *keys], [REMEMBER_SECONDS, *args])
        # After a failure the answer must stay for whoever asks again; it goes by itself.
        space.link.forget(token)
        return answer


def flat(effects: Sequence[Command]) -> list[Word]:
    """Effects (commands) as the scripts read them: of each the number of its words, then the words."""
    return [word for words in effects for word in (len(words), *words)]
