"""`pyresque failed retry`, `remove` and `clear` of many: what is meant, asked and done."""

from __future__ import annotations

import pytest

from pyresque import Resque
from tests.redis.cli.conftest import ids


def left(resque: Resque) -> int:
    return resque.failures.count()


def test_retry_of_some(failed, failures):
    """With filters those jobs go back, and are marked; the others stay as they are."""
    assert failed("retry", "--class", "Pay", "--since", "10d", "--yes").stdout == "put 3 jobs back\n"
    assert failures.queue_sizes() == {"pay": 3}
    assert ids(failed("list", "--retried")) == [21, 24, 27]
    assert failed("retry", "--queue", "pay", "--yes").stdout.startswith(
        "put 7 jobs back; 3 had been put back"
    )


@pytest.mark.parametrize("words", [("retry",), ("remove",)])
def test_nothing_is_meant_without_a_word(failed, failures, words):
    """IDs, filters or --all; an empty variable of a shell is none of them."""
    assert "say which: IDs, or filters" in failed(*words, "--yes", code=2).stderr
    assert "contradict" in failed(*words, "00000000", "--all", "--yes", code=2).stderr
    assert left(failures) == 30


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("retry", "--all"), "put back 30 jobs (10 Mail, 10 Pay, 10 Reports::Monthly)"),
        (("retry", "--class", "Reports::*"), "put back 10 jobs (10 Reports::Monthly)"),
        (("remove", "--exception", "KeyError"), "remove 10 failures (10 Mail)"),
        (("remove", "00000000", "03000000", "01000000"), "remove 3 failures (2 Pay, 1 Reports::Monthly)"),
        (("clear",), "remove 30 failures (10 Mail, 10 Pay, 10 Reports::Monthly)"),
        (("clear", "--until", "28d"), "remove 2 failures (1 Pay, 1 Reports::Monthly)"),
    ],
)
def test_what_is_asked_and_tried(failed, failures, words, said):
    """How many of which classes; without an answer, and in a dry run, nothing is done."""
    assert failed(*words, "--dry-run").stdout == f"would {said}\n"
    assert failed(*words, "--dry-run", "--yes").stdout == f"would {said}\n"
    done = failed(*words, code=1)
    assert f"{said[0].upper()}{said[1:]}? [y/N]" in done.stderr
    assert "nothing was done; --yes does it without a question" in done.stderr
    assert (left(failures), failures.queues(), ids(failed("list", "--retried"))) == (30, [], [])
    assert failed(*words, "--yes").stderr == ""
    assert (left(failures) < 30) == (words[0] != "retry")
    assert bool(failures.queues()) == (words[0] == "retry")


def test_a_dry_run_of_ids(failed, failures):
    """Each is named, and nothing is put back."""
    done = failed("retry", "00000000", "01000000", "--dry-run")
    assert done.stdout == (
        "would put back Pay [0] of queue pay (00000000)\n"
        "would put back Reports::Monthly [1] of queue reports (01000000)\n"
    )
    assert failures.queues() == []


def test_a_dry_run_tells_what_it_would_leave_alone(failed):
    """As the run itself would."""
    failed("retry", "--class", "Pay", "--since", "10d", "--yes")
    assert failed("retry", "--class", "Pay", "--dry-run").stdout == (
        "would put back 7 jobs (7 Pay); "
        "3 had been put back before and were left alone (--again takes them too)\n"
    )
    assert (
        failed("retry", "--class", "Pay", "--again", "--dry-run").stdout
        == "would put back 10 jobs (10 Pay)\n"
    )


@pytest.mark.parametrize(
    "words", [("retry", "-c", "Nobody"), ("remove", "-c", "Nobody"), ("clear", "-c", "Nobody")]
)
def test_where_nothing_is_like_that_nothing_is_asked(failed, failures, words):
    """And it is said that there was nothing."""
    done = failed(*words)
    assert done.stdout.split()[1] == "0"
    assert "is like that" in done.stdout
    assert left(failures) == 30


def test_ids_and_filters_narrow_each_other(failed, failures):
    """Of the named ones only those that the filter fits."""
    failed("remove", "00000000", "01000000", "--class", "Pay", "--yes")
    assert left(failures) == 29
    assert "no failure has the ID 00000000" in failed("show", "00000000", code=1).stderr


def test_an_id_that_several_begin_with(failed):
    """They are named; before, one had to guess which."""
    said = failed("show", "2", code=1).stderr
    assert said.startswith(
        "Error: several failures have IDs that begin with 2: 20000000, 21000000, 22000000,"
    )
    assert said.endswith("24000000, ...; `pyresque failed list` lists them\n")
