"""Wrong lines of scripts that no world finds out, and why."""

from __future__ import annotations

FORMS = {
    "aside": ("is_text", "quoted", "failed_at", "aside_record"),
    "canonical": ("is_array", "canonical", "is_text"),
    "effects": ("of_one_key", "checked", "told", "set_aside"),
    "links": ("parts_of", "link_of", "is_kind"),
    "measure": ("measure",),
    "reserve": ("read", "without_valid_utf8", "plain"),
}
"""Functions that judge the form of a text, or what to make of a key of a wrong kind. In the worlds all texts
are plain and all keys are right; odd ones are tried in tests/redis (test_malformed.py, test_aside.py)."""


def is_of_form(part: str, function: str, line: str) -> bool:
    """Whether it is there for odd texts, or for keys of a wrong kind."""
    return function in FORMS.get(part, ()) or "'WRONGTYPE " in line


def why(part: str, line: str) -> str:
    """Why nobody finds out if it is wrong; empty if nobody knows."""
    return next((said for name, text, said in EXPLAINED if name == part and text in line), "")


EXPLAINED: list[tuple[str, str, str]] = []
"""File, a text in the line, and why no world can tell whether it stands there."""
