"""What a worker and the process of a job say to each other, as bytes."""

from pyresque.worker.report import Following, Report, SentReport, Task, framed, report_in, size_in, task_in


def test_a_task_comes_as_it_was_sent():
    """With its length before it."""
    task = Task(7, "mail", b'{"class":"J"}\xff\0')
    frame = framed(task)
    assert size_in(frame) == len(frame) - 4
    assert task_in(frame[4:]) == task


def test_a_report_comes_as_it_was_sent():
    """With everything that it says."""
    following = Following(wanted=True, steps=[1.5], queue="late", payload=b"\xff")
    report = Report("E", "text", ["a.py:1"], "id", saved=False, following=following, again=[("q", b"x", 1.0)])
    sent = SentReport(3, 42, report)
    assert report_in(framed(sent)[4:]) == sent


def test_what_is_not_a_report_is_none():
    """Whatever a job has written there."""
    assert report_in(b"") is None
    assert report_in(b"\xc1 nonsense") is None
    assert report_in(framed(Task(1, "q", b""))[4:]) is None


def test_nothing_but_defaults_is_done():
    """A name of an exception makes it a failure."""
    assert Report().done
    assert not Report("E").done


def test_a_short_report_says_the_least():
    """A failure keeps its class and id; what follows from a job that is done becomes a failure."""
    short = Report("E", "x" * 20_000, ["line"] * 100, "id").short()
    assert (short.exception, short.backtrace, short.failure_id) == ("E", [], "id")
    assert len(short.error) < 11_000
    assert Report().short() == Report()
    lost = Report(again=[("q", b"x", 0.0)]).short()
    assert lost.exception == "Resque::DirtyExit"
    assert "is done, but what follows" in lost.error
