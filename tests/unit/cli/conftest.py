"""What all tests of the command line do."""

import logging

import pytest


@pytest.fixture(autouse=True)
def logging_is_restored():
    """Give the logger back as it was: commands that run in this process set it up for themselves."""
    logger = logging.getLogger("pyresque")
    before = (logger.handlers[:], logger.level, logger.propagate)
    yield
    for handler in logger.handlers:
        handler.close()
    logger.handlers[:], logger.level, logger.propagate = before
