"""resque-web over rows that we wrote: every page there is must be shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyresque import Resque
from tests.interop.ruby import Python, Ruby, eventually

Evidence = Callable[[str], list[dict[str, Any]]]
ODD = ["Grüße 失敗 💥", {"a": [1.5, None, {"<b>": "&"}]}, "\u2028</script>", 10**30]

NO_JOBS = [b"no JSON", b"null", b"[]", b'"text"', b"\xff\xfe", b'{"class":"EchoJob","args":[NaN]}']


def all_shown(pages: list[dict[str, Any]]) -> dict[str, str]:
    """Every page by its path, once all of them were answered with 200."""
    troubles = [(page["path"], page["status"], page.get("error")) for page in pages if page["status"] != 200]
    assert troubles == []
    return {page["path"]: page["body"] for page in pages}


def test_every_page(ruby: Ruby, python: Python, resque: Resque, evidence: Evidence) -> None:
    """All pages of resque-web show our queues, workers, jobs at work and failures, set-aside elements too."""
    for name in ("jobs", "waiting", "mit Umlaut ü", "a:b"):
        resque.enqueue("FailJob" if name == "jobs" else "EchoJob", *ODD, queue=name)
    resque.enqueue("UnicodeFailJob", queue="jobs")
    resque.enqueue("KillSelfJob", queue="jobs")
    for element in NO_JOBS:
        resque.link.execute("RPUSH", "resque:queue:jobs", element)
    python.work_off("jobs")
    assert resque.failures.count() == 9
    assert resque.failures.requeue(resque.failures.list()[0])
    resque.link.execute("DEL", "resque:queue:jobs")
    with python.worker("jobs") as busy, python.worker("idle,a*"):
        resque.enqueue("SleepJob", 60, *ODD, queue="jobs")
        eventually(lambda: evidence("started"), "a job that has begun")
        shown = all_shown(ruby.pages())
        assert {"/overview", "/working", "/workers", "/queues", "/failed", "/stats/resque"} <= set(shown)
        assert "SleepJob" in shown["/working"]
        assert "SleepJob" in shown["/overview"]
        assert "Grüße 失敗 💥" in shown["/failed"]
        for text in ("FailJob", "UnicodeFailJob", "Resque::DirtyExit", "Resque::Helpers::DecodeException"):
            assert text in shown["/failed"]
        host_and_pid = busy.id.rpartition(":")[0]
        assert host_and_pid in shown["/workers"]
        assert sum(path.startswith("/queues/") for path in shown) == len(resque.queues())
        assert sum(path.startswith("/stats/keys/") for path in shown) >= 10
        busy.signal("TERM")
        busy.wait()


def test_every_page_with_the_multi_queue_backend(ruby: Ruby, python: Python, resque: Resque) -> None:
    """All pages show our failures in the lists of their queues where the multi-queue backend is used."""
    for queue in ("jobs", "mails"):
        resque.enqueue("FailJob", *ODD, queue=queue)
        resque.enqueue("UnicodeFailJob", queue=queue)
        resque.link.execute("RPUSH", f"resque:queue:{queue}", b"no JSON")
    python.work_off("jobs,mails", FAILURE_BACKEND="redis_multi_queue")
    shown = all_shown(ruby.pages(FAILURE_BACKEND="redis_multi_queue"))
    for path in ("/failed/jobs_failed", "/failed/mails_failed"):
        for text in ("FailJob", "Grüße aus Zürich: 失敗 💥", "Resque::Helpers::DecodeException"):
            assert text in shown[path]


def test_every_page_of_an_empty_redis(ruby: Ruby, resque: Resque) -> None:
    """All pages are shown where there is nothing yet, and after a job of ours that left nothing behind."""
    all_shown(ruby.pages())
    resque.enqueue("EchoJob", queue="jobs")
    resque.pop("jobs")
    assert "jobs" in all_shown(ruby.pages())["/queues"]


def test_the_lines_for_programs_are_those_of_ruby(ruby: Ruby, python: Python, resque: Resque) -> None:
    """`/stats.txt` of our dashboard is that of resque-web, byte for byte, also over rows that are no jobs."""
    from tests.dashboard_client import browser_before

    for name in ("jobs", "waiting", "mit Umlaut ü", "a:b"):
        resque.enqueue("FailJob" if name == "jobs" else "EchoJob", *ODD, queue=name)
    python.work_off("jobs")
    resque.link.execute("RPUSH", "resque:queue:waiting", *NO_JOBS)
    resque.link.execute("SADD", "resque:workers", "web-1:17:mail")
    with python.worker("jobs"):
        [shown] = ruby.pages({"get": "/stats.txt"})
        assert browser_before(resque).get("/stats.txt").text == shown["body"]
