"""Log lines in a file, which may be moved away meanwhile: then a new one is begun."""

from __future__ import annotations

import logging
from logging.handlers import WatchedFileHandler

from pyresque.cli.log_lines import Silent


class FileHandler(Silent, WatchedFileHandler):
    """Appends to a file. What cannot be written is left out."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        try:
            super().emit(record)
        except (OSError, ValueError):  # it was moved away, and a new one cannot be begun
            self.handleError(record)
