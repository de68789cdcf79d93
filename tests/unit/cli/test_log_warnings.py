"""Warnings of commands that set up no logging."""

import logging

from pyresque.cli.log_warnings import make_safe, without_warnings


def test_a_warning_that_nobody_else_shows_cannot_steer_a_terminal():
    before = logging.lastResort.formatter
    try:
        make_safe()
        record = logging.LogRecord("app", logging.WARNING, __file__, 1, "a\x1b[31m\nb", (), None)
        text = logging.lastResort.format(record)
    finally:
        logging.lastResort.setFormatter(before)
    assert "\x1b" not in text
    assert len(text.splitlines()) == 2


def test_within_the_block_a_logger_tells_of_errors_only(caplog):
    logger = logging.getLogger("pyresque.test_log_warnings")
    logger.setLevel(logging.INFO)
    with caplog.at_level(logging.DEBUG):
        logger.setLevel(logging.INFO)
        with without_warnings(logger.name):
            logger.warning("hidden")
            logger.error("shown")
        logger.warning("after")
    assert [entry.message for entry in caplog.records] == ["shown", "after"]
    assert logger.level == logging.INFO
