"""The runs of a cron entry as texts."""

from datetime import datetime

from pyresque.scheduler import Cron


def at(text):
    return datetime.fromisoformat(text)


def runs(cron, since, count):
    seen = [at(since)]
    for _ in range(count):
        seen.append(cron.next_after(seen[-1]))
    return [one.strftime("%Y-%m-%dT%H:%M:%SZ").removesuffix(":00Z") for one in seen[1:]]


def same(one, other, zone="UTC"):
    since = "2026-03-13T08:59:59Z"
    return runs(Cron(one, zone=zone), since, 20) == runs(Cron(other, zone=zone), since, 20)
