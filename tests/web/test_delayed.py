"""The pages of delayed jobs, by Flask's test client."""

from __future__ import annotations

import re
import time
from html import unescape

import pytest

from pyresque import Resque
from pyresque.client import delayed_seconds
from tests.dashboard_client import browser_before

NOW = int(time.time())
ODD = [
    b"no JSON", b"\xff\xfe{", b"[1,2]", b"5", b"{}", b'{"class":null,"args":[]}', b'{"class":"A","args":5}',
    b'{"class":"<script>alert(1)</script>","args":["<img src=x>"],"queue":"<b>"}',
    b'{"class":"' + b"x" * 1_000_000 + b'"}',
]  # fmt: skip


def put(resque: Resque, second: object, *items: bytes, score: object = None) -> None:
    """Delayed jobs as somebody else may have written them."""
    name = second if isinstance(second, bytes) else str(second).encode()
    for item in items:
        resque.link.execute("RPUSH", b"resque:delayed:" + name, item)
    resque.link.execute(
        "ZADD", "resque:delayed_queue_schedule", str(second) if score is None else score, name
    )


def page(resque: Resque, path: str, status: int = 200) -> str:
    """A page as people read it."""
    answer = browser_before(resque).get(path)
    assert answer.status_code == status, path
    return answer.text


def fields(text: str, action: str, label: str = "") -> list[dict[str, str]]:
    """The fields of each form of this page that begins an action."""
    forms = re.findall(rf'<form[^>]*action="/actions/{action}".*?</form>', text, re.S)
    found = [re.findall(r'name="([^"]*)" value="([^"]*)"', form) for form in forms if label in form]
    return [{name: unescape(value) for name, value in pairs} for pairs in found]


def act(resque: Resque, name: str, data: dict[str, object]) -> str:
    """Do something and confirm it; returns the question."""
    client = browser_before(resque)
    asked = client.post(f"/actions/{name}", data=data)
    assert asked.status_code == 200, asked.text
    done = client.post(f"/actions/{name}", data={**data, "confirmed": "1"})
    assert done.status_code in (200, 303), done.text
    return asked.text


def test_nothing_is_delayed(resque: Resque) -> None:
    """An empty Redis gives a page that says how jobs come there."""
    assert "No job is delayed." in page(resque, "/delayed")


def test_seconds_and_their_jobs(resque: Resque) -> None:
    """The page lists the seconds, the overdue ones on top, with their counts and first jobs."""
    put(resque, NOW - 500, b'{"class":"Late","args":[1],"queue":"low"}')
    put(resque, NOW + 500, b'{"class":"Soon","args":[2],"queue":"low"}', b'{"class":"Soon","args":[3]}')
    shown = page(resque, "/delayed")
    assert shown.index("Late") < shown.index("Soon")
    assert "overdue" in shown.split("Late")[0]
    assert "and 1 more" in shown
    one = page(resque, f"/delayed/{NOW + 500}")
    assert one.count(">Soon<") == 2
    assert "no queue" in one


def test_a_page_of_many_seconds(resque: Resque) -> None:
    """A page has its seconds only, and there is a link to the next one."""
    for number in range(60):
        put(resque, NOW + 10 * number + 60, b'{"class":"Job%d","args":[],"queue":"low"}' % number)
    first, second = page(resque, "/delayed"), page(resque, "/delayed?page=2")
    assert "Job49<" in first
    assert "Job50<" not in first
    assert "Job50<" in second
    assert "51–60 of 60" in second
    assert "nothing on this page" in page(resque, "/delayed?page=9")


@pytest.mark.parametrize(
    "second", ["foo", "-5", "1e18", "inf", "-inf", "1796073481000", b"\xff/../x", b"", b"a//b"],
)  # fmt: skip
def test_seconds_that_are_none(resque: Resque, second: object) -> None:
    """A member of any text is shown with what is wrong with it, and its jobs can be run and removed."""
    is_number = isinstance(second, str) and second != "foo"
    put(resque, second, b'{"class":"Job","args":[],"queue":"low"}', b'{"class":"B","args":[],"queue":"low"}',
        score=second if is_number else NOW + 5)  # fmt: skip
    shown = page(resque, "/delayed")
    assert ">odd<" in shown
    [link] = re.findall(r'href="(/delayed/(?!jobs|outside)[^"]*)"', shown)
    assert ">B<" in page(resque, unescape(link))
    [form] = fields(shown, "delayed.run")
    assert "Run now <strong>2</strong>" in act(resque, "delayed.run", form)
    assert resque.size("low") == 2
    assert resque.link.execute("ZCARD", "resque:delayed_queue_schedule") == 0


def test_items_that_are_no_jobs(resque: Resque) -> None:
    """Whatever a list holds is shown, as text; what is no job is not run, and can be removed."""
    put(resque, NOW + 100, *ODD)
    shown = page(resque, f"/delayed/{NOW + 100}")
    assert "<script>alert" not in shown
    assert "<img" not in shown
    assert shown.count(">no job<") == 6
    assert len(shown) < 100_000
    client = browser_before(resque)
    client.post("/actions/delayed.run", data={"second": str(NOW + 100), "confirmed": "1"})
    told = page_after(client)
    assert "Left alone" in told
    assert "not a job" in told
    left = resque.link.execute("LLEN", f"resque:delayed:{NOW + 100}")
    act(resque, "delayed.remove", {"second": str(NOW + 100)})
    assert left > 5
    assert resque.link.execute("EXISTS", f"resque:delayed:{NOW + 100}") == 0


def page_after(client: object) -> str:
    """The page that shows what an action has done."""
    return client.get("/delayed").text  # type: ignore[attr-defined]


def test_lists_without_a_member_and_members_without_a_list(resque: Resque) -> None:
    """What only one of the two keys knows is shown, and can be forgotten or run."""
    put(resque, NOW + 7)
    put(resque, NOW + 8)
    resque.link.execute("SET", f"resque:delayed:{NOW + 8}", "text")
    resque.link.execute("RPUSH", f"resque:delayed:{NOW + 9}", '{"class":"Lost","args":[],"queue":"low"}')
    shown = page(resque, "/delayed")
    assert "no job any more" in shown
    assert "holds no list" in shown
    assert "no scheduler finds it" in page(resque, f"/delayed/{NOW + 9}")
    act(resque, "delayed.run", {"second": str(NOW + 9)})
    assert resque.size("low") == 1
    client = browser_before(resque)
    assert client.post("/actions/delayed.forget", data={"second": str(NOW + 7)}).status_code == 303
    assert resque.link.execute("ZRANGE", "resque:delayed_queue_schedule", 0, -1) == [b"%d" % (NOW + 8)]
    page(resque, f"/delayed/{NOW + 7}", 404)


@pytest.mark.parametrize("kind", ["SET", "LPUSH"])
def test_an_index_of_another_type(resque: Resque, kind: str) -> None:
    """Where the index holds something else, the page says so."""
    resque.link.execute(kind, "resque:delayed_queue_schedule", "x")
    assert "cannot be read" in page(resque, "/delayed")


def test_selected_jobs_only(resque: Resque) -> None:
    """What is ticked is run or removed, by its digest: another job that took its place stays."""
    put(resque, NOW + 50, *(b'{"class":"Job","args":[%d],"queue":"low"}' % n for n in range(4)))
    shown = page(resque, f"/delayed/{NOW + 50}")
    places = [unescape(place) for place in re.findall(r'name="id" value="([^"]*)" aria-label', shown)]
    assert len(places) == 4
    resque.link.execute("LPOP", f"resque:delayed:{NOW + 50}")
    assert "<strong>2</strong>" in act(resque, "delayed.run", {"id": [places[0], places[1], places[2]]})
    act(resque, "delayed.remove", {"id": places[3]})
    assert resque.peek("low", 0, 9) == [{"class": "Job", "args": [1]}, {"class": "Job", "args": [2]}]
    assert resque.delayed.count() == 0


def test_nothing_selected(resque: Resque) -> None:
    """To act on a selection in which nothing is ticked does nothing."""
    put(resque, NOW + 50, b'{"class":"Job","args":[],"queue":"low"}')
    client = browser_before(resque)
    for name in ("delayed.run", "delayed.remove"):
        for data in ({}, {"confirmed": "1"}, {"id": "nonsense", "confirmed": "1"}):
            assert client.post(f"/actions/{name}", data=data).status_code == 400
    assert resque.delayed.count() == 1


def test_a_tracked_job_that_is_removed_is_not_known_any_more(resque: Resque) -> None:
    """Removing does what the API does: the status of a tracked job goes with it."""
    handle = resque.enqueue_in(60, "Job", queue="low", track=True)
    [second] = resque.delayed_queue_peek()
    act(resque, "delayed.remove", {"second": str(second)})
    assert resque.link.execute("EXISTS", f"resque:status:{handle.id}") == 0


def test_all_of_a_long_second_in_rounds(resque: Resque, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second with many jobs is run in rounds, and each round goes on where the last one ended."""
    monkeypatch.setattr("pyresque.web.delayed.ROUND", 4)
    monkeypatch.setattr("pyresque.web.delayed.STEP", 2)
    items = [b'{"class":"Job","args":[%d],"queue":"low"}' % n for n in range(9)]
    put(resque, NOW + 50, b"no job", *items, b"none either")
    client, data, rounds = browser_before(resque), {"second": str(NOW + 50), "confirmed": "1"}, 0
    while (answer := client.post("/actions/delayed.run", data=data)).status_code == 200:
        [data] = fields(answer.text, "delayed.run")
        rounds += 1
    assert rounds == 2
    assert resque.size("low") == 9
    assert resque.link.execute("LRANGE", f"resque:delayed:{NOW + 50}", 0, -1) == [b"no job", b"none either"]


def test_remove_all(resque: Resque) -> None:
    """All delayed jobs go, after it was asked how many they are."""
    for number in range(3):
        resque.enqueue_in(60 + number, "Job", number, queue="low")
    assert "<strong>3</strong>" in act(resque, "delayed.clear", {})
    assert resque.link.execute("KEYS", "resque:*") == [b"resque:pyresque:audit"]


def test_due_by_hour(resque: Resque) -> None:
    """The chart counts jobs where they are few, and seconds where they are many."""
    put(resque, NOW + 100, b"a", b"b")
    put(resque, NOW + 4000, b"c")
    put(resque, NOW + 100 * 3600, b"far")
    due = delayed_seconds.due_by_hour(resque.space, NOW)
    assert (due.counts[:3], sum(due.counts), due.unit) == ([2, 1, 0], 3, "jobs")


def test_many_due_seconds(resque: Resque, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of very many seconds it is not asked how many jobs each has."""
    monkeypatch.setattr(delayed_seconds, "COUNTED", 1)
    put(resque, NOW + 100, b"a", b"b")
    put(resque, NOW + 4000, b"c")
    due = delayed_seconds.due_by_hour(resque.space, NOW)
    assert (due.counts[:3], sum(due.counts), due.unit) == ([1, 1, 0], 2, "seconds with jobs")


def test_jobs_with_filters(resque: Resque) -> None:
    """All delayed jobs on a page, or those that match: by class (of Active Jobs, too), queue, text, time."""
    put(resque, NOW - 50, b'{"class":"Late","args":["x"],"queue":"low"}')
    put(resque, NOW + 3000, b'{"class":"Mail","args":["bob"],"queue":"mail"}', b"no JSON")
    wrapper = b"ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper"
    put(
        resque,
        NOW + 90_000,
        b'{"class":"' + wrapper + b'","args":[{"job_class":"Report","arguments":["all"]}]}',
    )
    every = page(resque, "/delayed/jobs")
    for told in ("Late", "Mail", "Report", "no JSON", "1–4 of 4"):
        assert told in every
    assert "JobWrapper<" not in every
    for query, name in (
        ("class_name=Rep*", "Report"), ("queue=mail", "Mail"), ("text=bob", "Mail"), ("hours=0", "Late"),
        ("until=2020-01-01T00:00", ""), ("hours=1&class_name=M%3Fil", "Mail"),
        (f"since={time.strftime('%Y-%m-%dT%H:%M', time.gmtime(NOW + 80_000))}", "Report"),
    ):  # fmt: skip
        found = re.findall(r'class="class" href="[^"]*">(\w+)<', page(resque, f"/delayed/jobs?{query}"))
        assert found == ([name] if name else []), query
    for wrong in ("hours=x", "since=tomorrow", "after=[", "until=%00"):
        page(resque, f"/delayed/jobs?{wrong}", 400)


def test_all_that_match(resque: Resque) -> None:
    """What matches a filter is run or removed, after it was counted."""
    for number in range(6):
        put(
            resque,
            NOW + number,
            b'{"class":"%s","args":[],"queue":"low"}' % (b"Odd" if number % 2 else b"Even"),
        )
    shown = page(resque, "/delayed/jobs?class_name=Odd")
    [form] = [fields for fields in fields_of_all(shown, "delayed.run") if "all" in fields]
    assert "<strong>3</strong>" in act(resque, "delayed.run", form)
    assert [one["class"] for one in resque.peek("low", 0, 9)] == ["Odd"] * 3
    act(resque, "delayed.remove", {"all": "1"})
    assert resque.delayed.count() == 0
    assert resque.size("low") == 3


def fields_of_all(text: str, action: str) -> list[dict[str, object]]:
    """The fields of the forms that begin an action."""
    return [dict(one) for one in fields(text, action)]


def test_all_schedules(resque: Resque) -> None:
    """Every delayed job of the same class and arguments is shown, whoever wrote it and for whatever queue."""
    put(resque, NOW + 10, b'{"class":"Job","args":[1,{"a":2}],"queue":"low"}')
    put(resque, NOW + 20, b'{"queue":"other", "args":[1, {"a": 2}], "class":"Job"}')
    put(resque, NOW + 30, b'{"class":"Job","args":[2],"queue":"low"}')
    resque.enqueue_at(NOW + 40_000, "Job", 1, {"a": 2}, queue="low")
    [link] = set(re.findall(r'href="(/delayed/same[^"]*)"', page(resque, f"/delayed/{NOW + 10}")))
    for path in (unescape(link), "/delayed/same?class_name=Job&args=%5B1,%7B%22a%22:2%7D%5D&queue=low"):
        text = page(resque, path)
        assert "3 times" in text
        assert len(fields(text, "delayed.run")) == 3
    act(resque, "delayed.remove", fields(text, "delayed.remove")[1])
    assert "2 times" in page(resque, path)
    assert "No such job is delayed" in page(resque, "/delayed/same?class_name=Job")
    page(resque, "/delayed/same?class_name=Job&args=%5B", 400)
    resque.reset_delayed_queue()
    page(resque, unescape(link), 404)


def test_equal_jobs_far_behind_are_found(resque: Resque, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a job that is written as Ruby writes it every schedule is found, however many jobs are before it."""
    monkeypatch.setattr(delayed_seconds, "LOOK", 3)
    for number in range(5):
        put(resque, NOW + number, b"no JSON")
    for second in (NOW + 60_000, NOW + 70_000):
        resque.enqueue_at(second, "Job", "é", queue="low")
    assert "2 times" in page(resque, "/delayed/same?class_name=Job&args=%5B%22%C3%A9%22%5D&queue=low")


def test_a_job_far_behind_in_its_second(resque: Resque) -> None:
    """A job is found in a long second, although the page did not know where in it."""
    put(resque, NOW + 50, *(b'{"class":"Job","args":[%d],"queue":"low"}' % n for n in range(2500)))
    shown = page(resque, "/delayed/jobs?text=%5B2400%5D")
    [form] = [one for one in fields(shown, "delayed.run") if "id" in one]
    act(resque, "delayed.run", dict(form))
    assert resque.peek("low", 0, 9) == [{"class": "Job", "args": [2400]}]


def test_lists_outside_the_index(resque: Resque) -> None:
    """Jobs whose second is not in the index are found, and run; the hash of last runs is none of them."""
    put(resque, NOW + 10, b'{"class":"Known","args":[],"queue":"low"}')
    assert "is outside the index." in page(resque, "/delayed/outside")
    resque.link.execute("RPUSH", "resque:delayed:12", '{"class":"Lost","args":[1],"queue":"low"}')
    resque.link.execute("RPUSH", b"resque:delayed:\xff", '{"class":"Odd","args":[],"queue":"low"}')
    resque.link.execute("HSET", "resque:delayed:last_enqueued_at", "a", "b")
    shown = page(resque, "/delayed/outside")
    assert ">Lost<" in shown
    assert ">Odd<" in shown
    assert ">Known<" not in shown
    for form in fields(shown, "delayed.run"):
        act(resque, "delayed.run", dict(form))
    assert {one["class"] for one in resque.peek("low", 0, 9)} == {"Lost", "Odd"}
    assert "is outside the index." in page(resque, "/delayed/outside")


def test_lists_outside_the_index_are_looked_for_in_parts(resque: Resque) -> None:
    """Each page looks at a part, and a link leads to the next; together they find all."""
    for number in range(600):
        resque.link.execute("RPUSH", f"resque:delayed:{NOW + number}", '{"class":"Lost","args":[]}')
    path, found = "/delayed/outside", 0
    while path:
        shown = page(resque, path)
        found += shown.count(">Lost<")
        path = unescape((re.findall(r'rel="next" href="([^"]*)"', shown) or [""])[0])
    assert found >= 600


@pytest.mark.parametrize("after", ["x", "-1", "9" * 99, "\u0663"])
def test_a_place_that_is_none(resque: Resque, after: str) -> None:
    """Where a round is to go on at nonsense it begins at the beginning."""
    put(resque, NOW + 50, b'{"class":"Job","args":[],"queue":"low"}')
    data = {"second": str(NOW + 50), "after": after, "confirmed": "1"}
    assert browser_before(resque).post("/actions/delayed.run", data=data).status_code == 303
    assert resque.size("low") == 1
