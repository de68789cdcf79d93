"""What is a secret among the arguments of jobs, and how it is shown: as [hidden].

A value is hidden if the name of its key says so, as in Rails (`password`, `apiToken`), wherever it is
written: in JSON, in a text that holds JSON, as `key=value` in the text of an error, as the login in a URL.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from pyresque.errors import InvalidSelection

HIDDEN = "[hidden]"

DEFAULT_SECRETS = (
    "passw", "passphrase", "secret", "token", "credential", "authorization", "api_key", "apikey",
    "access_key", "private_key", "encryption_key", "signing_key", "master_key", "auth_key", "ssh_key",
    "crypt", "certificate",
    "credit_card", "creditcard", "card_number", "cookie", "session_id", "bearer", "jwt",
    "=pwd", "=otp", "=ssn", "=cvv", "=cvc", "=pin", "=salt", "=iban", "=pass", "=auth",
)  # fmt: skip
"""What the name of a key holds if its value is a secret; behind `=`, one whole word of the name."""

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_APART = re.compile(r"[^a-z0-9]+")
_MOST = 200_000
"""So long a text is read as JSON; a longer one only as a text."""
_DEEP = 60
"""So deep are values looked at; what is deeper is hidden."""

_KEY = re.compile(
    r"(?<!\w)(?P<key>[A-Za-z_$][\w.$-]{0,99}+)(?P<end>(?:\\{0,8}[\"'])?\]?)"
    r"[ \t]{0,8}(?P<mark>=>|[=:])[ \t]{0,8}(?P<open>\\{0,8}[\"'])?"
)
_FLAG = re.compile(r"--?(?P<key>[A-Za-z][\w-]{0,99}+)")
_FLAG_IN_TEXT = re.compile(r"(?<!\S)(--?(?P<key>[A-Za-z][\w-]{0,99}+)[ \t]{1,8})[^\s-]\S*")
_OF_A_SETTER = re.compile(r"['`\u2019]? for ")
"""How an error goes on that names a method of Ruby's: undefined method 'token=' for ..."""
_WHOLE_LINES = ("authorization", "proxy_authorization", "cookie", "set_cookie")
"""Headers of HTTP whose value has blanks."""
_SCHEME = re.compile(r"(?:Bearer|Basic|Token|Digest|ApiKey)\s+", re.IGNORECASE)
_BARE = re.compile(r"[^\s,;&\"'<>)\]}]+")
_CLOSED_BY = {"{": "}", "[": "]", "(": ")"}
_PLAIN = (
    # A login in a URL. What is before the last @ of host and path, for a password may hold both / and @.
    (
        re.compile(r"(?<![A-Za-z0-9+.-])(rediss?(?:\+sentinel)?://)[^\s\"'<>]{0,1000}@", re.IGNORECASE),
        rf"\1{HIDDEN}@",
    ),
    (re.compile(r"(?<![A-Za-z0-9+.-])([A-Za-z][A-Za-z0-9+.-]{0,30}+://)[^\s/?#\"'<>]+@"), rf"\1{HIDDEN}@"),
    (re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9+/=_~.-]{8,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"), HIDDEN),
    (
        re.compile(
            r"\b(?:sk_live_|rk_live_|ghp_|gho_|ghs_|github_pat_|glpat-|xox[abps]-|AKIA|ASIA)[A-Za-z0-9_-]{8,}"
        ),
        HIDDEN,
    ),
    (
        re.compile(
            r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)",
            re.DOTALL,
        ),
        HIDDEN,
    ),
)
"""What is a secret by its own form."""


class Secrets:
    """What is hidden.

    Args:
        words: more of what the name of a key may hold (`email`); behind `=`, one whole word of it (`=id`).
            What is in DEFAULT_SECRETS is always hidden.
    """

    def __init__(self, words: Iterable[str] = ()) -> None:
        self.words = tuple(dict.fromkeys([*DEFAULT_SECRETS, *words]))
        written = [(word.startswith("="), _plain_key(word.removeprefix("="))) for word in self.words]
        parts = [re.escape(word) for is_whole, word in written if word and not is_whole]
        whole = [re.escape(word) for is_whole, word in written if word and is_whole]
        self._names = re.compile("|".join([*parts, rf"(?:^|_)(?:{'|'.join(whole)})(?:_|$)"]))
        self._seen: dict[str, bool] = {}

    def is_secret(self, key: str) -> bool:
        """Whether a value under this key is a secret."""
        found = self._seen.get(key)
        if found is None:
            found = self._names.search(_plain_key(key[:500])) is not None
            if len(self._seen) < 10_000 and len(key) <= 100:
                self._seen[key] = found
        return found

    def hidden(self, value: Any) -> Any:
        """A decoded JSON value, with [hidden] in the place of its secrets."""
        return self._hidden(value, 0)

    def _hidden(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self._hidden_text(value, depth)
        if depth > _DEEP and isinstance(value, (dict, list)):
            return HIDDEN
        if isinstance(value, dict):
            return {key: self._of_key(str(key), one, depth) for key, one in value.items()}
        if isinstance(value, list):
            return self._hidden_list(value, depth)
        return value

    def _of_key(self, key: str, value: Any, depth: int) -> Any:
        # Not a secret, and good to see: that there is none.
        if (
            self.is_secret(key)
            and value is not None
            and not isinstance(value, bool)
            and value not in ("", [], {})
        ):
            return HIDDEN
        return self._hidden(value, depth + 1)

    def _hidden_list(self, values: list[Any], depth: int) -> list[Any]:
        shown = [self._hidden(one, depth + 1) for one in values]
        for at, one in enumerate(values[:-1]):  # the words of a command: --password x
            flag = _FLAG.fullmatch(one) if isinstance(one, str) else None
            if flag and self.is_secret(flag["key"]) and isinstance(values[at + 1], str):
                shown[at + 1] = HIDDEN
        return shown

    def _hidden_text(self, text: str, depth: int) -> str:
        held = _held(text)
        if held is None:
            return self.text(text)
        shown = self._hidden(held, depth + 1)
        return text if _same(shown, held) else json.dumps(shown, ensure_ascii=False)

    def text(self, text: str) -> str:
        """A text for people, such as an error or a backtrace, with [hidden] in the place of secrets."""
        for pattern, instead in _PLAIN:
            text = pattern.sub(instead, text)
        text = _FLAG_IN_TEXT.sub(lambda one: one[1] + HIDDEN if self.is_secret(one["key"]) else one[0], text)
        shown, at = [], 0
        while match := _KEY.search(text, at):
            # What follows a name that is no secret may be one: `error: password=x`.
            end = match.end("key")
            if self.is_secret(match["key"]) and not _is_of_a_setter(text, match):
                end = _end_of_value(text, match)
                shown += [text[at : match.end()], HIDDEN if end > match.end() else ""]
            else:
                shown.append(text[at:end])
            at = end
        return "".join([*shown, text[at:]])

    def restored(self, edited: Any, original: Any) -> Any:
        """What somebody has edited, with the original's secrets where the form showed [hidden].

        Args:
            edited: the value as it came back from the form.
            original: the value that the form was made of, with its secrets.

        Raises:
            InvalidSelection: there is [hidden] where the original has no secret; the text says where.
        """
        return self._restored(edited, original, "arguments", 0)

    def _restored(self, edited: Any, original: Any, place: str, depth: int) -> Any:
        if HIDDEN not in json.dumps(edited, ensure_ascii=False):
            return edited
        if _same(edited, self._hidden(original, depth)):
            return original
        if isinstance(edited, dict) and isinstance(original, dict):
            return {key: self._restored_key(key, one, original, place, depth) for key, one in edited.items()}
        if isinstance(edited, list) and isinstance(original, list):
            return self._restored_list(edited, original, place, depth)
        if isinstance(edited, str) and isinstance(original, str):
            held, before = _held(edited), _held(original)
            if held is not None and before is not None:
                return json.dumps(self._restored(held, before, place, depth + 1), ensure_ascii=False)
        raise InvalidSelection(f"{place}: {HIDDEN} stands for nothing here: write the value itself")

    def _restored_key(self, key: str, edited: Any, original: dict[str, Any], place: str, depth: int) -> Any:
        below = f"{place}.{key}"
        if key not in original:
            return self._restored(edited, None, below, depth + 1)
        if _same(edited, self._of_key(key, original[key], depth)):
            return original[key]
        return self._restored(edited, original[key], below, depth + 1)

    def _restored_list(self, edited: list[Any], original: list[Any], place: str, depth: int) -> list[Any]:
        """Each from the one in its place, unless elements before it came or went: then that is another."""
        shown = self._hidden_list(original, depth)
        found: list[Any] = []
        is_aligned = True
        for at, one in enumerate(edited):
            below = f"{place}[{at}]"
            is_there = at < len(original) and (is_aligned or len(edited) == len(original))
            if is_there and _same(one, shown[at]):
                found.append(original[at])
                continue
            found.append(self._restored(one, original[at] if is_there else None, below, depth + 1))
            is_aligned = False
        return found


def _plain_key(key: str) -> str:
    """A name as names are compared: `apiKey`, `API-Key` and `api_key` are the same."""
    return _APART.sub("_", _WORDS.sub("_", key).lower()).strip("_")


def _held(text: str) -> Any:
    """The object or list that a text holds as JSON; None where it holds none."""
    if len(text) > _MOST or text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON: 1 is neither true nor 1.0."""
    return type(one) is type(other) and json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _is_of_a_setter(text: str, match: re.Match[str]) -> bool:
    return match["mark"] == "=" and _OF_A_SETTER.match(text, match.end("mark")) is not None


def _end_of_value(text: str, match: re.Match[str]) -> int:
    """Where the value behind a name ends: at its closing quote or bracket, else at what no word holds."""
    begin = match.end()
    if match["open"]:
        return _end_of_quoted(text, begin, match["open"])
    if text[begin : begin + 1] in _CLOSED_BY:
        return _end_of_bracket(text, begin)
    if match["mark"] == ":" and _plain_key(match["key"]) in _WHOLE_LINES:
        line = text.find("\n", begin)
        return len(text) if line < 0 else line
    scheme = _SCHEME.match(text, begin)
    word = _BARE.match(text, scheme.end() if scheme else begin)
    return word.end() if word else begin


def _end_of_quoted(text: str, begin: int, opened: str) -> int:
    """Where the quote is that closes; one with other slashes before it is part of the value."""
    quote, slashes = opened[-1], len(opened) - 1
    at = begin - 1
    while (at := text.find(quote, at + 1)) >= 0:
        before = at - begin - len(text[begin:at].rstrip("\\"))
        if before % (2 * slashes + 2) == slashes:
            return at - slashes
    return len(text)


def _end_of_bracket(text: str, begin: int) -> int:
    """The end of a piece in brackets; that of the text where it was cut."""
    opening = text[begin]
    closing, depth = _CLOSED_BY[opening], 0
    for match in re.compile(f"[{re.escape(opening + closing)}]").finditer(text, begin):
        depth += 1 if match[0] == opening else -1
        if not depth:
            return match.end()
    return len(text)
