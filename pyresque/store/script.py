"""Lua scripts: a file of the folder lua, sent by its digest, with its text where Redis lacks it."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from os import urandom
from pathlib import Path

from pyresque.errors import RedisError, RedisReplied, RedisUnavailable
from pyresque.store.connection.link import Check, Command, Link, Reply, Word, is_missing_script
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
"""The parts that a part needs in front of it."""


_FOLDER = Path(__file__).parent / "lua"


def source(name: str) -> Path:
    """The file of a script, or of a part that is put in front of scripts."""
    part = _FOLDER / "parts" / f"{name}.lua"
    return part if part.exists() else _FOLDER / f"{name}.lua"


class Script:
    """One .lua file; `uses` are parts put in front of it, `call` is what a file of functions returns.

    Args:
        reply: the form of its answer.
        once: it must not do anything twice: Redis keeps its answer under a token (parts/once.lua).
    """

    def __init__(
        self,
        name: str,
        uses: Sequence[str] = (),
        call: str = "",
        *,
        reply: Check,
        once: bool = False,
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
        self._form, self._once = reply, once

    def run(self, space: Space, keys: Sequence[Word], args: Sequence[Word], token: str = "") -> Reply:
        """Run it; raises what `Link.execute` raises.

        Args:
            token: under which Redis keeps its answer, if this call may be made again later; else a new one.
        """
        link, form, kept, word = space.link, self._form, "", urandom(9).hex().encode()
        if self._once:
            kept = space.keys.tokens + (token or uuid.uuid4().hex)
            words = (len(keys) + 1, kept, *keys, REMEMBER_SECONDS, *args, word)
        else:
            words = (len(keys), *keys, *args, word)
        check: Check = lambda reply: (  # noqa: E731 (a script has one of its own for each call)
            type(reply) is list and len(reply) == 2 and reply[0] == word and form(reply[1])
        )
        try:
            answer = link.execute("EVALSHA", self.digest, *words, check=check)
        except RedisReplied as error:
            if not is_missing_script(error):
                raise
            answer, maybe_done = None, error.maybe_done
        if answer is None:
            answer = self._with_text(link, words, check, maybe_done)
        if kept:
            # After a failure the answer must stay for whoever asks again; it goes by itself.
            link.forget(kept)
        return answer[1]

    def _with_text(self, link: Link, words: Sequence[Word], check: Check, maybe_done: bool) -> Reply:
        """The same where Redis lacks the script, as far as it says."""
        try:
            return link.execute("EVAL", self.text, *words, check=check)
        except RedisError as error:
            # Before it lacked the script, Redis may have had it, and carried it out.
            error.maybe_done |= maybe_done
            if not (isinstance(error, RedisReplied) and is_missing_script(error)):
                raise
            # It had the text before it, so this was not an answer to it.
            raise RedisUnavailable(str(error), maybe_done=True) from error


def flat(effects: Sequence[Command]) -> list[Word]:
    """Effects (commands) as the scripts read them: of each the number of its words, then the words."""
    return [word for words in effects for word in (len(words), *words)]
