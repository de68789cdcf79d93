"""The pages of failed jobs: rows of any writer, filters, pages, groups, and what can be done with them."""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from pyresque import Resque, Retry, job
from tests.redis.web.rows import HOSTILE, MALFORMED, active_job, failure


def put(resque: Resque, *raws: bytes, key: str = "failed") -> None:
    resque.link.execute("RPUSH", f"resque:{key}", *raws)
    if key != "failed":
        resque.link.execute("SADD", "resque:failed_queues", key)


def raws(resque: Resque, key: str = "failed") -> list[bytes]:
    found: list[bytes] = resque.link.execute("LRANGE", f"resque:{key}", 0, -1)
    return found


def seen(browser: FlaskClient, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, answer.text
    assert "<script>alert" not in answer.text
    return answer.text


def rows_on(page: str) -> list[str]:
    """What the boxes of a page stand for."""
    return [html.unescape(one) for one in re.findall(r'form="some" name="row" value="([^"]*)"', page)]


def links_on(page: str) -> list[str]:
    """The failures that a page links to."""
    found = re.findall(r'href="(/failed/[^"]*[?&;]at=[^"]*)"', page)
    return list(dict.fromkeys(map(html.unescape, found)))


# --- looking ---------------------------------------------------------------------------------------------


def test_rows_of_any_writer_are_shown(resque: Resque, browser: FlaskClient) -> None:
    """In the list, in groups, and each on a page of its own."""
    put(resque, *MALFORMED, failure(1), failure(2, payload=active_job("Ada")))
    page = seen(browser, "/failed?size=100")
    assert len(rows_on(page)) == len(MALFORMED) + 2
    assert page.count("WelcomeJob") == 2
    links = links_on(page)
    assert len(links) == len(MALFORMED) + 2
    for link in links:
        seen(browser, link)
        answer = browser.get(f"{link}&download=1")
        assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    for by in ("class", "exception", "frame", "queue", "hour"):
        seen(browser, f"/failed/groups?by={by}")


def test_script_in_a_row_does_not_run(resque: Resque, browser: FlaskClient) -> None:
    hostile = failure(
        1, payload={"class": HOSTILE, "args": [HOSTILE]}, exception=HOSTILE, error=HOSTILE, queue=HOSTILE,
        worker=HOSTILE, backtrace=[HOSTILE], failure_id=HOSTILE, failed_at=HOSTILE, retried_at=HOSTILE,
    )  # fmt: skip
    put(resque, hostile)
    put(resque, hostile, key=f"{HOSTILE}_failed")
    page = seen(browser, "/failed")
    for link in links_on(page):
        seen(browser, link)
    for by in ("class", "exception", "frame", "queue"):
        seen(browser, f"/failed/groups?by={by}")


def test_huge_rows_are_cut(resque: Resque, browser: FlaskClient) -> None:
    """In lists to a line, on their own page to a part, with the rest to download."""
    put(resque, *(failure(n, payload={"class": "Big", "args": ["x" * 1_000_000, n]}) for n in range(3)))
    page = seen(browser, "/failed")
    assert len(page) < 60_000
    one = seen(browser, links_on(page)[0])
    assert len(one) < 120_000
    assert len(browser.get(f"{links_on(page)[0]}&download=1").data) > 1_000_000


def test_secrets_are_hidden(resque: Resque, browser: FlaskClient) -> None:
    put(
        resque,
        failure(1, payload={"class": "Mail", "args": [{"password": "hunter2"}]}, error="password=hunter2"),
    )
    page = seen(browser, "/failed")
    link = links_on(page)[0]
    for text in (
        page,
        seen(browser, link),
        browser.get(f"{link}&download=1").text,
        seen(browser, "/failed/groups"),
    ):
        assert "hunter2" not in text


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("class_name=Mail", {1, 2, 4}), ("class_name=Rep*", {3}), ("exception=Key*", {2}), ("queue=r", {3}),
        ("text=boom+4", {4}), ("retried=yes", {4}), ("retried=no", {1, 2, 3}),
        ("since=2026-11-30T13:00", {3}),
        ("until=2026-11-30T12:00", {1, 2, 4}), ("class_name=Mail&exception=Runtime*&retried=no", {1}),
        ("hours=1", set()), ("class_name=", {1, 2, 3, 4}),
    ],
)  # fmt: skip
def test_filters(resque: Resque, browser: FlaskClient, query: str, numbers: set[int]) -> None:
    put(resque, failure(1), failure(2, exception="KeyError"))
    put(
        resque,
        failure(3, payload={"class": "Report", "args": []}, queue="r", failed_at="2026/11/30 13:00:30 UTC"),
    )
    put(resque, failure(4, retried_at="2026/11/30 12:30:00 UTC"))
    shown = rows_on(seen(browser, f"/failed?{query}"))
    assert {int(json.loads(row)[2][:8], 16) for row in shown} == numbers


def test_pages_and_order(resque: Resque, browser: FlaskClient) -> None:
    put(resque, *(failure(n, payload={"class": "AB"[n % 2], "args": [n]}) for n in range(45)))
    assert "1–20 of 45" in seen(browser, "/failed?size=20")
    last = seen(browser, "/failed?size=20&page=3")
    assert [json.loads(row)[1] for row in rows_on(last)] == [4, 3, 2, 1, 0]
    oldest = seen(browser, "/failed?size=20&order=oldest&class_name=B")
    assert [json.loads(row)[1] for row in rows_on(oldest)][:2] == [1, 3]
    assert "nothing on this page" in seen(browser, "/failed?page=99")


def test_a_long_list_goes_on_where_the_page_before_has_ended(
    resque: Resque, browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(
        resque,
        *(failure(n, payload={"class": "Rare" if n % 1500 == 0 else "A", "args": []}) for n in range(6001)),
    )
    path: str | None = "/failed?class_name=Rare&size=20"
    found, pages = [], 0
    while path:
        page = seen(browser, path)
        found += [json.loads(row)[1] for row in rows_on(page)]
        following = re.search(r'rel="next" href="([^"]*)"', page)
        path, pages = (html.unescape(following[1]) if following else None), pages + 1
    assert (found, pages) == ([6000, 4500, 3000, 1500, 0], 2)


def test_groups_link_into_the_list(resque: Resque, browser: FlaskClient) -> None:
    put(
        resque,
        failure(1),
        failure(2),
        failure(3, payload={"class": "Other", "args": []}, exception="KeyError"),
    )
    for by, count in (("class", 2), ("exception", 2), ("frame", 3), ("hour", 3), ("queue", 3)):
        page = seen(browser, f"/failed/groups?by={by}")
        links = [html.unescape(one) for one in re.findall(r'class="mono" href="([^"]*)"', page)]
        assert len(rows_on(seen(browser, links[0]))) == count
    assert "Other" in seen(browser, "/failed/groups?exception=KeyError")


def test_one_failure_tells_everything(resque: Resque, browser: FlaskClient) -> None:
    put(resque, failure(1, payload={"class": "Mail", "args": [7, {"to": "Ada"}]}, queue="my queue"))
    page = html.unescape(seen(browser, links_on(seen(browser, "/failed"))[0]))
    for text in (
        "Mail", '"to": "Ada"', "RuntimeError", "boom 1", "my queue", "h:1:q", "mail.rb:3", "Show all 2 lines",
        "pyresque enqueue -q 'my queue' -- Mail 7 '{\"to\": \"Ada\"}'", "2026-11-30 12:00:00 UTC",
    ):  # fmt: skip
        assert text in page


def test_a_failure_that_is_gone(resque: Resque, browser: FlaskClient) -> None:
    """It is looked for where it stood and among the newest; everywhere only if one asks for that."""
    put(resque, failure(1))
    record_id = "00000001-0000-4000-8000-000000000000"
    for query in ("", "?list=failed&at=7", "?list=other&at=0", "?at=x", "?everywhere=1"):
        assert "boom 1" in seen(browser, f"/failed/{record_id}{query}")
    answer = browser.get("/failed/nobody")
    assert answer.status_code == 404
    assert "/failed/nobody?everywhere=1" in answer.text
    assert "looked through" in browser.get("/failed/nobody?everywhere=1").text


def test_a_key_that_holds_something_else(resque: Resque, browser: FlaskClient) -> None:
    """The page says what Redis said."""
    resque.link.execute("SET", "resque:failed", "text")
    for path in ("/failed", "/failed/groups"):
        assert "WRONGTYPE" in seen(browser, path)


def test_a_retry_to_come_is_told(resque: Resque, browser: FlaskClient) -> None:
    @job(queue="q", name="Mail", registry=resque.registry, retry=Retry(limit=5))
    def mail(n: int) -> None: ...

    put(resque, failure(1))
    key = resque.space.keys.retry("Mail", hashlib.sha1(b"1").hexdigest())
    resque.link.execute("SET", key, "0")
    resque.enqueue_at(2_000_000_000, "Mail", 1, queue="q")
    page = seen(browser, links_on(seen(browser, "/failed"))[0])
    assert "retried automatically" in page
    assert "Retry now instead" in page


# --- acting ----------------------------------------------------------------------------------------------


def test_retry_and_remove_what_was_selected(
    resque: Resque, browser: FlaskClient, act: Callable[..., str]
) -> None:
    put(resque, *(failure(n) for n in range(5)))
    rows = rows_on(seen(browser, "/failed"))
    asked = act("failed.retry", *rows[:2], confirmed=False)
    assert "Retry <strong>2</strong>" in asked
    assert resque.size("q") == 0
    assert "2 put back" in act("failed.retry", *rows[:2])
    assert sorted(one["args"] for one in resque.peek("q", 0, 10)) == [[3], [4]]
    assert "2 removed" in act("failed.remove", *rows[3:])
    assert len(raws(resque)) == 3
    assert "No failure is selected" in act("failed.remove", only="1")
    assert len(raws(resque)) == 3


@pytest.mark.parametrize("row", ["x", "[1]", "[]", '["failed","x","y"]', "[" * 5000, '["failed", 1, "gone"]'])
def test_a_row_that_is_none(resque: Resque, act: Callable[..., str], row: str) -> None:
    put(resque, failure(1))
    act("failed.remove", row)
    assert len(raws(resque)) == 1


def test_all_that_match(resque: Resque, act: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    """In rounds, with a question that tells how many, and of which classes."""
    monkeypatch.setattr("pyresque.web.rounds.ROUND", 30)
    put(resque, *(failure(n, payload={"class": "AB"[n % 2], "args": [n]}) for n in range(150)))
    asked = act("failed.retry", class_name="A", confirmed=False)
    assert "<strong>75</strong>" in asked
    assert "75 in all" in act("failed.retry", class_name="A")
    assert [one["args"][0] for one in resque.peek("q", 0, 200)] == list(range(0, 150, 2))
    assert "75 in all" in act("failed.remove", class_name="B")
    assert "75 in all" in act("failed.clear_retried")
    assert raws(resque) == []


def test_all_as_ruby_has_it(resque: Resque, act: Callable[..., str]) -> None:
    """Retry all, clear the retried, clear all; of one list where one is shown."""
    put(resque, failure(1), b"not JSON")
    put(resque, failure(2), key="q_failed")
    act("failed.retry", list="q_failed")
    assert resque.size("q") == 1
    act("failed.retry")
    assert resque.size("q") == 2
    act("failed.clear_retried", list="q_failed")
    assert (len(raws(resque)), raws(resque, "q_failed")) == (2, [])
    act("failed.clear_retried")
    assert raws(resque) == [b"not JSON"]
    assert "<strong>1</strong>" in act("failed.clear", confirmed=False)
    act("failed.clear")
    assert raws(resque) == []
    put(resque, failure(1), failure(2))
    put(resque, failure(2), key="q_failed")
    act("failed.clear", list="q_failed")
    assert (raws(resque), raws(resque, "q_failed")) == ([failure(1)], [])


def test_a_long_list_is_cleared_in_steps(
    resque: Resque, act: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails meanwhile stays: it was not there when somebody said yes."""
    put(resque, *(failure(n) for n in range(1200)), b"not JSON")
    clear = resque.failures.clear_some
    monkeypatch.setattr("pyresque.web.failed.SECONDS", -1.0)
    asked: list[dict[str, int]] = []

    def meanwhile(left: dict[str, int], seconds: float) -> tuple[int, dict[str, int]]:
        asked.append(dict(left))
        put(resque, failure(5000 + len(asked)))
        return clear(left, 10.0 if len(asked) == 3 else seconds)

    monkeypatch.setattr("pyresque.client.failures.Failures.clear_some", lambda _, *given: meanwhile(*given))
    act("failed.clear")
    assert asked == [{"failed": 1201}] * 3
    assert raws(resque) == [failure(5001), failure(5002), failure(5003)]


def test_what_somebody_else_removes_meanwhile_is_not_counted(resque: Resque) -> None:
    """Two press the button at once: each is told what its own press has removed."""
    put(resque, *(failure(n) for n in range(3)))
    left = {"failed": 3}
    assert resque.failures.clear_some(left, 10.0) == (3, {"failed": 0})
    assert resque.failures.clear_some(left, 10.0) == (0, {"failed": 0})


def test_one_list_per_queue(resque: Resque, browser: FlaskClient) -> None:
    """A failure that is in two lists is shown once, and each list can be looked at alone."""
    put(resque, failure(1), failure(2))
    put(resque, failure(2), failure(3), key="q_failed")
    assert len(rows_on(seen(browser, "/failed"))) == 3
    assert len(rows_on(seen(browser, "/failed?list=q_failed"))) == 2
    assert "q_failed" in seen(browser, "/failed")


def test_edit_and_retry(resque: Resque, browser: FlaskClient, act: Callable[..., str]) -> None:
    """Other arguments; a hidden secret stays what it was; what is not JSON changes nothing."""
    put(resque, failure(1, payload={"class": "Mail", "args": [1, {"token": "s3cret"}], "traceparent": "x"}))
    put(resque, failure(2, payload=active_job(1)))
    active, plain = rows_on(seen(browser, "/failed"))
    act("failed.retry_with", plain, args='[2, {"token": "[hidden]"}]')
    assert resque.peek("q") == [{"class": "Mail", "args": [2, {"token": "s3cret"}], "traceparent": "x"}]
    act("failed.retry_with", active, args='["Ada"]', queue="other")
    assert resque.peek("other")[0]["args"][0]["arguments"] == ["Ada"]
    before = raws(resque)
    assert "not JSON" in act("failed.retry_with", active, args="[1,")
    assert "must be a list" in act("failed.retry_with", active, args="{}")
    assert "not there any more" in act("failed.retry_with", '["failed", 0, "gone"]', args="[]")
    assert raws(resque) == before


def test_a_retry_of_one_needs_no_question(
    resque: Resque, browser: FlaskClient, act: Callable[..., str]
) -> None:
    """But a second one does."""
    put(resque, failure(1))
    [row] = rows_on(seen(browser, "/failed"))
    act("failed.retry", row, at_once="1", confirmed=False)
    assert resque.size("q") == 1
    assert "put back before" in act("failed.retry", row, at_once="1", confirmed=False)
    act("failed.retry", row, again="1")
    assert resque.size("q") == 2


def test_what_cannot_be_asked_for(browser: FlaskClient) -> None:
    """An address may hold anything: the answer is a page that says what is wrong with it."""
    for query in ("since=yesterday", "until=x", "hours=-1", "hours=9999999999999", "after=x", "after=[]"):
        answer = browser.get(f"/failed?class_name=A&{query}")
        assert answer.status_code in (200, 400), query
        assert "Traceback" not in answer.text
    for query in ("page=x", "page=0", "size=7", "by=nonsense", "order=x", "list=nobody"):
        assert browser.get(f"/failed?{query}").status_code == 200
        assert browser.get(f"/failed/groups?{query}").status_code == 200
