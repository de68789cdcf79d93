"""resque-web beside ours, on one Redis: its first page, its workers and stats are to be found on ours."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

from pyresque import Resque
from tests.interop.ruby import Python, Ruby, eventually
from tests.interop.test_live_web import all_shown

Evidence = Callable[[str], list[dict[str, Any]]]

NO_DATA = ("Waiting for a job...", "Nothing is happening right now...", "just now", "")
"""What its cells hold beside data."""
LASTING = (
    "redis_version",
    "os",
    "tcp_port",
    "process_id",
    "maxmemory_policy",
    "role",
    "run_id",
    "gcc_version",
)
"""What Redis tells of itself and tells again a moment later."""


def plain(markup: str) -> str:
    """A page as a text of data: what titles say is part of it, and digits are not grouped."""
    text = re.sub(r"<script.*?</script>|<style.*?</style>", " ", markup, flags=re.S)
    titles = " ".join(re.findall(r'(?:title|datetime)="([^"]*)"', text))
    text = unescape(re.sub("<[^>]*>", " ", text) + " " + titles)
    return " ".join(text.replace("\u202f", "").split())


def cells(markup: str) -> list[str]:
    """The cells of the tables on a page of resque-web."""
    found = re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", markup, re.S)
    texts = [" ".join(unescape(re.sub("<[^>]*>", " ", cell)).split()) for cell in found]
    return [text for text in texts if text not in NO_DATA]


def rows(markup: str) -> list[list[str]]:
    """The rows of data, without those of headings."""
    found = re.findall(r"<tr[^>]*>(.*?)</tr>", markup, re.S)
    return [cells(row) for row in found if "<td" in row]


class Ours:
    """Our dashboard over the same Redis."""

    def __init__(self, resque: Resque) -> None:
        from pyresque.web import create_app

        self.client = create_app(resque).test_client()

    def __call__(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, path
        return plain(answer.text)


def missing(page: str, ours: str) -> list[str]:
    """The words in the rows of a page of resque-web that are not on ours."""
    words = [word.strip(",") for row in rows(page) for cell in row for word in cell.split()]
    return [word for word in words if word not in ours]


def test_first_page_workers_and_stats(ruby: Ruby, python: Python, resque: Resque, evidence: Evidence) -> None:
    """Names, numbers, times and jobs of a busy and an idle worker, of either language."""
    for name in ("waiting", "a:b"):
        resque.enqueue("EchoJob", 1, queue=name)
    resque.enqueue("FailJob", queue="jobs")
    python.work_off("jobs")
    with python.worker("jobs") as busy, ruby.worker("idle") as idle:
        resque.enqueue("SleepJob", 60, {"key": "some value"}, queue="jobs")
        eventually(lambda: evidence("started"), "a job that has begun")
        theirs = all_shown(ruby.pages())
        ours = Ours(resque)
        assert missing(theirs["/overview"], ours("/")) == []
        assert missing(theirs["/working"], ours("/workers?state=working")) == []
        assert missing(theirs["/workers"], ours("/workers")) == []
        for worker in (busy, idle):
            path = next(path for path in theirs if path.startswith("/workers/") and str(worker.pid) in path)
            assert missing(theirs[path], ours(f"/workers/{worker.id}")) == []
        [job] = [page for path, page in theirs.items() if path.startswith("/working/") and "SleepJob" in page]
        for text in ("SleepJob", "60", "key", "some value"):
            assert text in plain(job)
            assert text in ours(f"/workers/{busy.id}")
        compare_stats(theirs, ours)
        busy.signal("TERM")
        busy.wait()


def compare_stats(theirs: dict[str, str], ours: Ours) -> None:
    """Resque's numbers, the lines of INFO, the keys with their types and sizes."""
    numbers = ours("/stats/resque")
    for name, value in rows(theirs["/stats/resque"]):
        # Each tells the environment of its own process, and the way by which it reaches the server.
        own = name in ("environment", "servers")
        assert (f"{name} " if own else f"{name} {value}") in numbers
    told = ours("/stats/redis")
    lines = rows(theirs["/stats/redis"])
    assert [line[0] for line in lines if line[0] not in told] == []
    lasting = [" ".join(line) for line in lines if line[0] in LASTING]
    assert len(lasting) == len(LASTING)
    assert [line for line in lasting if line not in told] == []
    keys = ours("/stats/keys")
    for name, kind, size in rows(theirs["/stats/keys"]):
        if kind == "none":  # it takes each `resque:` out of a name, that in `pyresque:` as well
            assert name.startswith("py")
            continue
        assert re.search(rf"{re.escape(name)} {kind} {size}\b", keys), name
        page = ours(f"/stats/keys/{name}")
        if kind in ("list", "set", "zset"):
            for [text] in rows(theirs[f"/stats/keys/{name.replace(':', '%3A')}"]):
                assert re.sub(r"\s", "", text) in re.sub(r"\s", "", page), name
