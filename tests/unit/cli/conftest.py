"""What all tests of the command line do."""

import logging

import pytest


@pytest.fixture(autouse=True)
def logging_is_restored():
    """Give the loggers back as they were: commands that run in this process set them up for themselves."""
    loggers = [logging.getLogger("pyresque"), logging.getLogger()]
    before = [(logger.handlers[:], logger.level, logger.propagate) for logger in loggers]
    yield
    for handler in loggers[0].handlers:
        handler.close()
    for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
        logger.handlers[:], logger.level, logger.propagate = handlers, level, propagate
