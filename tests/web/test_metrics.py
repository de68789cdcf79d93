"""`/stats.txt`, `/stats.json` and `/metrics`: numbers for programs, over rows of any writer."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from pyresque import Resque
from pyresque.store import counts
from pyresque.web import metrics
from tests.dashboard_client import browser_before
from tests.web import scene

NAMES = ["plain", "mit Umlaut ü", 'quo"te', "back\\slash", "line\nbreak", "{}", "a,b=c", "\u2028", "\\n", ""]


def forget_history(resque: Resque) -> None:
    """As if nobody had counted yet."""
    for names in ("history:*", "counts:*"):
        resque.link.execute("UNLINK", "no", *resque.link.execute("KEYS", f"resque:pyresque:{names}"))


def get(resque: Resque, path: str) -> str:
    answer = browser_before(resque).get(path)
    assert answer.status_code == 200
    return answer.text


Found = dict[str, dict[tuple[tuple[str, str], ...], float]]

LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
SAMPLE = re.compile(rf"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{{({LABEL}(?:,{LABEL})*)\}})? (-?[0-9.e+-]+)")
ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


def _unescaped(value: str) -> str:
    return re.sub(r'\\[\\"n]', lambda one: ESCAPES[one[0]], value)


def parsed(text: str) -> Found:
    """The samples of a text in Prometheus's format 0.0.4; anything that is not one is refused."""
    found: Found = {}
    kind = named = ""
    assert text.endswith("\n")
    for line in text.removesuffix("\n").split("\n"):
        if line.startswith("# HELP "):
            named = line.split(" ")[2]
            assert named not in found, f"{named} comes twice"
            found[named] = {}
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert (name, found[name]) == (named, {})
            assert kind in ("gauge", "counter")
            assert (kind == "counter") == name.endswith("_total")
        else:
            match = SAMPLE.fullmatch(line)
            assert match is not None, line
            assert match[1] == named
            labels = re.findall(r'([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\"n])*)"', match[2] or "")
            key = tuple((label, _unescaped(value)) for label, value in labels)
            assert key not in found[named], f"{line} comes twice"
            found[named][key] = float(match[3])
    return found


def test_the_lines_of_ruby(resque: Resque) -> None:
    """As resque-web 3.2 has them: no line break at the end, plain text (test_live_web.py compares both)."""
    resque.enqueue_to("mail", "A")
    resque.enqueue_to("mail", "A")
    resque.enqueue_to("low:1", "A")
    resque.link.execute("SET", "resque:stat:processed", 7)
    resque.link.execute("RPUSH", "resque:failed", "x")
    answer = browser_before(resque).get("/stats.txt")
    lines = answer.text.split("\n")
    assert lines[:5] == [
        "resque.pending=3", "resque.processed+=7", "resque.failed+=1", "resque.workers=0", "resque.working=0",
    ]  # fmt: skip
    assert sorted(lines[5:]) == ["queues.low:1=1", "queues.mail=2"]
    assert answer.content_type == "text/plain; charset=utf-8"
    assert browser_before(resque).get("/stats.txt/").text == answer.text


def test_a_queue_of_any_name_in_the_text(resque: Resque) -> None:
    """Its bytes are as they are."""
    resque.link.execute("SADD", "resque:queues", b"\xff\xfe")
    assert browser_before(resque).get("/stats.txt").data.endswith(b"queues.\xff\xfe=0")


def test_metrics_can_be_read_whatever_things_are_called(resque: Resque) -> None:
    """By a strict reader; each name comes back as it is."""
    for number, name in enumerate(NAMES):
        resque.link.execute("SADD", "resque:queues", name)
        resque.link.execute("RPUSH", f"resque:queue:{name}", *["{}"] * (number + 1))
    resque.link.execute("SADD", "resque:queues", b"\xff", "\\xff")
    counts.count(resque.space, [(name or "x", 3, 1) for name in NAMES], "t")
    found = parsed(get(resque, "/metrics"))
    sizes = {dict(key)["queue"]: value for key, value in found["pyresque_queue_size"].items()}
    assert {name: sizes[name] for name in NAMES} == {name: n + 1 for n, name in enumerate(NAMES)}
    done = {dict(key)["class"]: value for key, value in found["pyresque_class_jobs_processed"].items()}
    assert done == {name or "x": 3.0 for name in NAMES}


def test_metrics_tell_of_both_languages(resque: Resque) -> None:
    """A shop at work, written as Ruby and Python write."""
    scene.everyday(resque.link.execute)
    forget_history(resque)
    lock = f"batch-1:212:{int(time.time()) - 500}-000000000000"
    resque.link.execute("SET", "resque:resque:resque_scheduler_master_lock", lock, "EX", 100)
    browser_before(resque).get("/metrics")
    resque.link.execute("INCRBY", "resque:stat:processed", 100)
    counts.count(resque.space, [("Report", 30, 2)], "t")
    found = parsed(get(resque, "/metrics"))

    def value(name: str, **labels: str) -> float:
        return found[name][tuple(labels.items())]

    assert value("pyresque_queue_size", queue="images") == 212
    assert value("pyresque_queue_paused", queue="images") == 1
    assert value("pyresque_workers", state="dead") == 1
    assert value("pyresque_workers", state="alive") == 5
    assert value("pyresque_language_workers", language="ruby") == 3
    assert value("pyresque_language_workers", language="python") == 3
    assert value("pyresque_workers_working") == 4
    assert value("pyresque_failed_jobs") == 12
    assert value("pyresque_delayed_jobs") == 14
    assert value("pyresque_delayed_jobs_overdue") == 1
    assert value("pyresque_scheduler_master") == 1
    assert 500 <= value("pyresque_scheduler_master_age_seconds") < 560
    assert value("pyresque_jobs_processed_total") == 184_323
    assert value("pyresque_language_jobs_processed", language="python") == 30
    assert value("pyresque_language_jobs_processed", language="ruby") == 70
    classes = {"class": "Report", "language": "python"}
    assert value("pyresque_class_jobs_failed", **classes) == 2


def test_metrics_are_bounded(resque: Resque, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of too many queues and classes the largest have lines of their own; the rest is one line together."""
    monkeypatch.setattr(metrics, "MOST_QUEUES", 5)
    monkeypatch.setattr(metrics, "MOST_CLASSES", 5)
    for number in range(20):
        resque.link.execute("SADD", "resque:queues", f"q{number}")
        resque.link.execute("RPUSH", f"resque:queue:q{number}", *["{}"] * (number + 1))
    counts.count(resque.space, [(f"Class{n}", n + 1, 0) for n in range(20)], "t")
    found = parsed(get(resque, "/metrics"))
    for name in ("pyresque_queue_size", "pyresque_class_jobs_processed"):
        assert len(found[name]) == 6
        assert sum(found[name].values()) == sum(range(21))
    assert found["pyresque_queue_size"][("queue", "q19"),] == 20


def test_numbers_as_json(resque: Resque) -> None:
    """The same, with the names that `pyresque health --json` has."""
    scene.everyday(resque.link.execute)
    forget_history(resque)
    counts.count(resque.space, [("Report", 30, 2)], "t")
    document = json.loads(get(resque, "/stats.json"))
    assert document["pending"] == 276
    assert document["workers"] == {"alive": 5, "dead": 1, "unknown": 0, "total": 6, "working": 4}
    assert {one["queue"]: one["size"] for one in document["queues"]}["mail"] == 37
    assert document["failed"]["total"] == 12
    assert document["languages"]["python"] == {"processed": 30, "failed": 2}
    [report] = [one for one in document["classes"] if one["class"] == "Report"]
    assert (report["language"], report["processed"], report["is_least"]) == ("python", 30, False)


KEYS = (
    "queue:q", "failed", "delayed_queue_schedule", "pyresque:history:seen", "stat:processed", "queues",
    "workers", "failed_queues", "stat:failed", "persistent_schedules",
)  # fmt: skip


@pytest.mark.parametrize("key", ["", *KEYS])
def test_an_empty_redis_and_one_with_keys_of_a_wrong_type(resque: Resque, key: str) -> None:
    """All else is told. The lines of Ruby's page need these three keys, and without one there are none."""
    if key:
        resque.link.execute("SADD", "resque:queues", "q")
        resque.link.execute("DEL", f"resque:{key}")
        resque.link.execute("ZADD", f"resque:{key}", 1, "x")
    parsed(get(resque, "/metrics"))
    json.loads(get(resque, "/stats.json"))
    answer = browser_before(resque).get("/stats.txt")
    assert answer.status_code == (503 if key in ("failed", "queues", "workers") else 200)


def test_every_metric_is_documented(resque: Resque) -> None:
    """docs/dashboard.md names each with its labels, and none that there is not."""
    scene.everyday(resque.link.execute)
    forget_history(resque)
    lock = f"batch-1:212:{int(time.time())}-000000000000"
    resque.link.execute("SET", "resque:resque:resque_scheduler_master_lock", lock, "EX", 100)
    counts.count(resque.space, [("Report", 30, 2)], "t")
    found = set()
    for name, samples in parsed(get(resque, "/metrics")).items():
        labels = ",".join(label for label, _ in next(iter(samples)))
        found.add(f"{name}{{{labels}}}" if labels else name)
    text = (Path(__file__).parents[2] / "docs/dashboard.md").read_text("utf-8")
    assert set(re.findall(r"`(pyresque_[a-z_]+(?:\{[a-z,]+\})?)`", text)) == found
