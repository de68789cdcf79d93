"""Names of any writer in URLs and forms: bytes that are no text, too, and texts that a URL cannot hold."""

from __future__ import annotations

import binascii

from pyresque.errors import InvalidSelection

MARK = "~"
"""What begins a handle that is not the name itself: its bytes in hexadecimal digits follow."""
LONGEST = 200


def handle(name: bytes | str) -> str:
    """What stands for a name in a URL: the name itself, unless the way to us could change it."""
    raw = raw_bytes(name)
    text = shown(raw)
    parts = text.split("/")
    is_plain = text.isprintable() and not text.startswith(MARK) and text == text.strip() and "\\" not in text
    if is_plain and len(text) <= LONGEST and not {"", ".", ".."}.intersection(parts):
        return text
    return MARK + raw.hex()


def raw_name(given: str) -> bytes:
    """The name that a handle stands for.

    Raises:
        InvalidSelection: it is no handle.
    """
    if not given.startswith(MARK):
        return raw_bytes(given)
    try:
        return bytes.fromhex(given[len(MARK) :])
    except (ValueError, binascii.Error):
        raise InvalidSelection(f"{given[:LONGEST]} stands for no name") from None


def shown(name: bytes | str) -> str:
    """A name as people read it; bytes that are no text are shown as `\\xff`."""
    return raw_bytes(name).decode("utf-8", "backslashreplace")


def raw_bytes(name: bytes | str) -> bytes:
    """The bytes of a name, whatever JSON it comes from."""
    if isinstance(name, bytes):
        return name
    try:
        return name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a character that JSON has and no name in Redis
        return name.encode("utf-8", "surrogatepass")
