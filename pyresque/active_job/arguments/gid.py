"""GlobalID: how Rails names a record, `gid://app/Person/1` (docs/protocol/active-job.md#global-ids)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, unquote_plus

# What a URI may hold (RFC 3986): Ruby refuses the rest, so `{`, `|` or a lone `%` make it none.
_HOST = r"(?:[A-Za-z0-9.-]|%[0-9A-Fa-f]{2})+"
_CHAR = r"(?:[\w.~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
_APP = re.compile(_HOST, re.ASCII)
_FORM = re.compile(
    rf"gid://(?P<app>{_HOST})/(?P<model>{_CHAR}+)/(?P<id>(?:{_CHAR}|/)+)(?:\?(?P<params>[!-~]*))?", re.ASCII
)


@dataclass(frozen=True)
class GlobalID:
    """The name of a record: application, model (a Ruby class name), id.

    `id` is text, as Ruby has it; a tuple of texts for a composite key. `params` is what follows a
    `?`, as it is written.
    """

    app: str
    model: str
    id: Any
    params: str = ""
    _text: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        parts = self.id if isinstance(self.id, (tuple, list)) else (self.id,)
        texts = tuple(str(part) for part in parts)
        if not _APP.fullmatch(self.app):
            raise ValueError(
                f"{self.app!r} is not an application name: letters, digits, dashes and dots only"
            )
        if not self.model or not texts or not all(texts) or self.id is None:
            raise ValueError("a GlobalID needs a model and an id")
        object.__setattr__(self, "id", texts[0] if len(texts) == 1 else texts)

    @classmethod
    def parse(cls, text: object) -> GlobalID | None:
        """Read a GlobalID; None where it is none, as in Rails."""
        match = _FORM.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            return None
        parts = [unquote_plus(part) for part in match["id"].split("/") if part.strip()]
        if not parts:
            return None
        number = parts[0] if len(parts) == 1 else tuple(parts)
        return cls(match["app"], match["model"], number, match["params"] or "", match[0])

    def __str__(self) -> str:
        if self._text:
            return self._text
        parts = self.id if isinstance(self.id, tuple) else (self.id,)
        text = f"gid://{self.app}/{self.model}/{'/'.join(quote_plus(part) for part in parts)}"
        return f"{text}?{self.params}" if self.params else text


def global_id_of(value: object) -> GlobalID | None:
    """The GlobalID of a value: its own, or that of an object with `to_global_id()`; None if it has none."""
    if isinstance(value, GlobalID):
        return value
    to_global_id = getattr(value, "to_global_id", None)
    if to_global_id is None or isinstance(value, type) or not callable(to_global_id):
        return None
    answer = to_global_id()
    return answer if isinstance(answer, GlobalID) else GlobalID.parse(answer)
