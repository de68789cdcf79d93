"""Times: the forms of docs/protocol/core.md#forms-of-time, written here, and those of others read."""

import time

import pytest

from pyresque.wire import times

WINTER, SUMMER = 1795457254, 1782000000  # 2026-11-23 18:07:34 and 2026-06-21 00:00:00, UTC


@pytest.fixture(params=["Europe/Berlin", "UTC", "America/Sao_Paulo"])
def zone(request, monkeypatch):
    """A local time zone."""
    yield from _in_zone(request.param, monkeypatch)


@pytest.fixture
def berlin(monkeypatch):
    """Local time of Berlin, where the examples of the specification were recorded."""
    yield from _in_zone("Europe/Berlin", monkeypatch)


def _in_zone(name, monkeypatch):
    monkeypatch.setenv("TZ", name)
    time.tzset()
    yield name
    monkeypatch.undo()
    time.tzset()


def test_the_recorded_examples(berlin):
    """The texts that a Ruby in Berlin wrote."""
    assert times.run_at(WINTER) == "2026-11-23T18:07:34Z"
    assert times.heartbeat(WINTER) == "2026-11-23T19:07:34+01:00"
    assert times.started(WINTER) == "2026-11-23 19:07:34 +0100"
    assert times.failed_at(WINTER) == "2026/11/23 19:07:34 CET"
    assert times.retried_at_without_zone(WINTER) == "2026/11/23 19:07:34"
    assert times.heartbeat(SUMMER) == "2026-06-21T02:00:00+02:00"
    assert times.failed_at(SUMMER) == "2026/06/21 02:00:00 CEST"


def test_utc_is_an_offset_never_z(monkeypatch):
    """A heartbeat of a process in UTC ends in +00:00."""
    for _ in _in_zone("UTC", monkeypatch):
        assert times.heartbeat(WINTER) == "2026-11-23T18:07:34+00:00"
        assert times.failed_at(WINTER) == "2026/11/23 18:07:34 UTC"


def test_zones_without_a_name_show_their_offset(monkeypatch):
    """As Ruby's %Z does."""
    for _ in _in_zone("America/Sao_Paulo", monkeypatch):
        assert times.failed_at(WINTER) == "2026/11/23 15:07:34 -03"


def test_fractions_are_cut_off(berlin):
    """Whole seconds everywhere."""
    assert times.run_at(WINTER + 0.999) == times.run_at(WINTER)
    assert times.heartbeat(WINTER + 0.999) == times.heartbeat(WINTER)


@pytest.mark.parametrize(
    "form", [times.run_at, times.heartbeat, times.started, times.failed_at, times.retried_at_without_zone]
)
def test_what_we_write_we_can_read(zone, form):
    """In any zone, to the second."""
    for epoch in (WINTER, SUMMER, 0, 2**31):
        assert times.parse(form(epoch)) == epoch


@pytest.mark.parametrize(
    ("text", "epoch"),
    [
        ("2026-11-23T18:07:34Z", WINTER), ("2026-11-23T18:07:34+00:00", WINTER),
        ("2026-11-23T18:07:34.25Z", WINTER + 0.25),
        ("2026-11-23 18:07:34 +0000", WINTER), ("2026-11-23 19:07:34 +0100", WINTER),
        ("2026-11-23 18:07:34 UTC", WINTER),
        ("2026/11/23 18:07:34 GMT", WINTER), (" 2026-11-23T18:07:34Z\n", WINTER),
        ("2026-11-23T19:07:34", WINTER),
        ("2026/11/23 19:07:34", WINTER), ("2026-11-23", WINTER - 68854),
    ],
)  # fmt: skip
def test_times_of_other_writers(berlin, text, epoch):
    """With or without offset; without one it is the reader's local time."""
    assert times.parse(text) == epoch


@pytest.mark.parametrize(
    ("text", "offset"),
    [("EST", -5), ("PDT", -7), ("CEST", 2), ("UTC", 0), ("Z", 0), ("JST", 9), ("XYZ", -3), ("-05", -5)],
)
def test_the_zone_of_a_failure(monkeypatch, text, offset):
    """It may have failed in another zone than the reader's; a zone that is not known is the reader's."""
    for _ in _in_zone("America/Sao_Paulo", monkeypatch):
        assert times.parse(f"2026/11/23 18:07:34 {text}") == WINTER - offset * 3600


def test_the_readers_own_abbreviation_wins(monkeypatch):
    """IST is Israel's to who is in Israel, CST is China's in China."""
    for zone, text, offset in (("Asia/Shanghai", "CST", 8), ("Asia/Jerusalem", "IST", 2)):
        for _ in _in_zone(zone, monkeypatch):
            assert times.parse(f"2026/11/23 18:07:34 {text}") == WINTER - offset * 3600


@pytest.mark.parametrize(
    "text", ["", "garbage", "1795457349", "2026", "2026-13-01", "9999999-01-01", "\udcff", "12:00"]
)
def test_what_is_no_time(text):
    """None, never an exception."""
    assert times.parse(text) is None
