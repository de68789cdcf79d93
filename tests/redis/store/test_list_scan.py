"""Reading some of a long list, and going on later: nothing is passed over."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyresque.errors import InvalidSelection
from pyresque.store.list_scan import ListScan

KEY = "resque:list"


def filled(resque, count):
    resque.link.execute("UNLINK", KEY)
    for n in range(count):
        resque.link.execute("RPUSH", KEY, b"%d" % n)


def some(scan, count):
    """The next so many elements."""
    return [raw for (_, raw), _ in zip(scan, range(count), strict=False)] if count else []


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 30), st.lists(st.integers(1, 9), min_size=1, max_size=5), st.booleans())
def test_pieces_make_the_whole(resque, count, sizes, backwards):
    filled(resque, count)
    read, cursor, turn = [], "", 0
    while True:
        scan = ListScan(resque.space, KEY, backwards, cursor, first=2)
        for index, raw in scan:
            assert raw == b"%d" % index
            read.append(raw)
            if len(read) % sizes[turn % len(sizes)] == 0:
                break
        turn += 1
        cursor = scan.cursor()
        if not cursor:
            break
    whole = [b"%d" % n for n in range(count)]
    assert read == (whole[::-1] if backwards else whole)


def test_others_may_remove_what_was_read_and_nothing_is_passed_over(resque):
    filled(resque, 20)
    scan = ListScan(resque.space, KEY, backwards=False)
    for _, raw in scan:
        if raw == b"9":
            break
    resque.link.execute("LTRIM", KEY, 5, -1)
    assert next(raw for _, raw in ListScan(resque.space, KEY, False, scan.cursor())) == b"10"


def test_what_comes_behind_is_read_from_the_end_only_if_it_is_asked_anew(resque):
    filled(resque, 10)
    scan = ListScan(resque.space, KEY, backwards=True)
    for _, raw in scan:
        if raw == b"5":
            break
    resque.link.execute("RPUSH", KEY, b"new")
    assert [raw for _, raw in ListScan(resque.space, KEY, True, scan.cursor())] == [
        b"4",
        b"3",
        b"2",
        b"1",
        b"0",
    ]


@pytest.mark.parametrize("cursor", ["x", "-1", "1.xyz", "1:", "9" * 20])
def test_what_is_not_a_place_is_refused(resque, cursor):
    with pytest.raises(InvalidSelection, match="is not a place in a list"):
        ListScan(resque.space, KEY, False, cursor)
