"""What the tests of YAML share: the time zone of the recordings."""

import time

import pytest


@pytest.fixture(autouse=True)
def in_utc(monkeypatch):
    """Ruby shows a time without a zone in the zone of the process; the recording was made in UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
