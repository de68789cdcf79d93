"""Process titles (docs/protocol/core.md#process-titles).

Ruby workers on the same host prune a worker whose process title does not look like Resque's: it must
contain `resque-` and a digit, and must not contain `resque-web`, whatever the queues are called.
"""

from __future__ import annotations

from setproctitle import setproctitle


class Titles:
    """Sets the title of this process."""

    def __init__(self, version: str, prefix: str = "") -> None:
        self._text = ""
        self._head = f"{prefix}pyresque-{version}: "

    def show(self, text: str) -> None:
        """Set the title; a queue name in it may be no UTF-8, or hold a NUL."""
        self._text = text
        title = (self._head + text).replace("resque-web", "resque web").replace("\0", "?")
        setproctitle(title.encode("utf-8", "replace").decode("utf-8"))

    def repeat(self) -> None:
        """Set the title that is set already."""
        self.show(self._text)
