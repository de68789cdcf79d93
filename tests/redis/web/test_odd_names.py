"""Names and fields that no browser writes by itself: bytes that are no text, numbers without end."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from pyresque import Resque
from tests.redis.web.rows import failure

ODD = b"\x80\xff_failed"
"""A list of failures whose name is no text."""


@pytest.fixture
def odd(resque: Resque) -> Resque:
    """A Redis where a worker of a queue with an odd name has failed."""
    resque.link.execute("SADD", "resque:failed_queues", ODD, "~ff_failed")
    resque.link.execute("RPUSH", b"resque:" + ODD, failure(1))
    resque.link.execute("RPUSH", "resque:~ff_failed", failure(2))
    return resque


def test_lists_whose_names_are_no_text_are_shown_linked_and_cleared(
    odd: Resque, browser: FlaskClient, act: Callable[..., str]
) -> None:
    for path in ("/", "/failed"):
        text = browser.get(path).text
        links = {html.unescape(one) for one in re.findall(r'href="(/failed\?list=[^"]*)"', text)}
        links.discard("/failed?list=failed")
        assert len(links) == 2
        shown = [browser.get(link).text for link in sorted(links)]
        assert sorted("boom 1" in one for one in shown) == [False, True]
        assert sorted("boom 2" in one for one in shown) == [False, True]
    [link] = [link for link in links if "boom 1" in browser.get(link).text]
    act("failed.clear", list=link.partition("=")[2])
    assert odd.link.execute("LLEN", b"resque:" + ODD) == 0
    assert odd.link.execute("LLEN", "resque:~ff_failed") == 1


def test_a_failure_of_such_a_list_is_shown_and_downloaded(odd: Resque, browser: FlaskClient) -> None:
    links = re.findall(r'href="(/failed/[^"]*at=0[^"]*)"', browser.get("/failed").text)
    assert len(links) == 2
    texts = [browser.get(html.unescape(link)).text for link in links]
    downloads = [html.unescape(re.findall(r'href="([^"]*download=1)"', text)[0]) for text in texts]
    assert ["boom" in browser.get(link).text for link in downloads] == [True, True]


@pytest.mark.parametrize(
    "query",
    [
        "hours=99999999999", "until=9999-12-31T23:59:59", "until=9999-12-31T23:59-23:59",
        "since=0001-01-01T00:00%2B23:59", "since=9999-12-31T23:59:59", "list=~zz", "list=%FF", "list=~ff",
        "page=999999999", "page=%C2%B2", "after=%FF", "text=%00%FF", "order=oldest&after=9",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/failed", "/failed/groups", "/delayed/jobs", "/schedule", "/queues"])
def test_no_query_is_too_odd(odd: Resque, browser: FlaskClient, path: str, query: str) -> None:
    assert browser.get(f"{path}?{query}").status_code in (200, 400)


@pytest.mark.parametrize(
    "row", ['["failed", 1e999, "x"]', '["\\ud800", 0, "x"]', '["failed", NaN, "x"]', '["failed", [], "x"]']
)
def test_a_row_that_no_page_has_written_stands_for_no_failure(
    odd: Resque, act: Callable[..., str], row: str
) -> None:
    assert "stands for no failure" in act("failed.retry", row)


@pytest.mark.parametrize("after", ['{"failed": 1e999}', '{"\\ud800": 1}', '{"failed": "x"}'])
def test_a_round_that_no_page_has_written_is_refused(
    odd: Resque, act: Callable[..., str], after: str
) -> None:
    assert "does not tell what is left" in act("failed.clear", after=after)


@pytest.mark.parametrize("queue", ['"\\ud800x"', '"\\udc80\\ud800"'])
def test_a_queue_that_is_half_a_character_is_shown(odd: Resque, browser: FlaskClient, queue: str) -> None:
    record = failure(3).replace(b'"queue": "q"', b'"queue": ' + queue.encode())
    odd.link.execute("RPUSH", "resque:failed", record)
    text = browser.get("/failed").text
    links = set(re.findall(r'href="(/failed/[^"]*at=0[^"]*)"', text))
    assert len(links) == 3
    assert {browser.get(html.unescape(link)).status_code for link in links} == {200}


def test_no_nesting_is_too_deep_for_the_audit_log_and_the_notice(odd: Resque, browser: FlaskClient) -> None:
    odd.link.execute("RPUSH", "resque:pyresque:audit", "[" * 200_000)
    browser.set_cookie("pyresque_notice", "[" * 3000)
    assert browser.get("/audit").status_code == 200


def test_a_secret_in_the_name_of_a_class_is_not_shown_where_an_action_is_confirmed(
    odd: Resque, act: Callable[..., str]
) -> None:
    odd.link.execute("RPUSH", "resque:failed", failure(3, payload={"class": "token=hunter2", "args": []}))
    assert "hunter2" not in act("failed.remove", confirmed=False)
