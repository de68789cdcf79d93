"""`pyresque enqueue`: what it writes, and what it refuses."""

from __future__ import annotations

from pyresque import Resque
from tests.unit.cli.program import Program, one_line


def test_enqueue_writes_what_ruby_writes(program: Program, resque: Resque) -> None:
    """Arguments are JSON where they can be, else texts; negative numbers are not options."""
    done = program.run(
        "enqueue", "-q", "reports", "Reports::Monthly", "2026", "-11", "ü", '{"a":[1]}', '"42"', "NaN"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == 'enqueued Reports::Monthly [2026,-11,"ü",{"a":[1]},"42","NaN"] on queue reports\n'
    assert resque.link.execute("LRANGE", "resque:queue:reports", 0, -1) == [
        '{"class":"Reports::Monthly","args":[2026,-11,"ü",{"a":[1]},"42","NaN"]}'.encode()
    ]
    assert resque.queues() == ["reports"]


def test_enqueue_takes_words_with_dashes_behind_two_dashes(program: Program, resque: Resque) -> None:
    """Behind -- everything is an argument."""
    assert program.run("enqueue", "-q", "x", "SomeJob", "--", "--force", "-5").returncode == 0
    assert resque.peek("x") == [{"class": "SomeJob", "args": ["--force", -5]}]


def test_enqueue_knows_the_queue_of_an_imported_job(program: Program, resque: Resque) -> None:
    """With -r the job's own queue is used, and -q wins over it."""
    program.jobs()
    assert program.run("enqueue", "-r", "jobs", "ConvertJob", "1").returncode == 0
    assert program.run("enqueue", "-r", "jobs", "-q", "other", "ConvertJob", "2").returncode == 0
    assert resque.peek("images") == [{"class": "ConvertJob", "args": [1]}]
    assert resque.peek("other") == [{"class": "ConvertJob", "args": [2]}]


def test_enqueue_without_a_queue(program: Program, resque: Resque) -> None:
    """A job whose queue nobody knows is wrong usage, and is told how to give one."""
    for words in (["SomeJob"], ["-q", "", "SomeJob"]):
        done = program.run("enqueue", *words)
        assert done.returncode == 2
        assert one_line(done.stderr)
        assert "write -q QUEUE" in done.stderr
    assert resque.queues() == []


def test_enqueue_of_a_job_that_is_not_there(program: Program, resque: Resque) -> None:
    """The name of a function, or a typo: those that the module has are listed."""
    program.jobs()
    done = program.run("enqueue", "-r", "jobs", "convert", "1")
    assert done.returncode == 2
    assert one_line(done.stderr)
    assert "no job is named convert here, but BrokenJob, ConvertJob, RefusedJob" in done.stderr
    program.jobs("from pyresque import job\njob(name='Homeless')(lambda: None)\n", "homeless.py")
    done = program.run("enqueue", "-r", "homeless", "Homeless")
    assert done.returncode == 2
    assert "Homeless has none of its own: write -q QUEUE" in done.stderr
    assert resque.queues() == []


def test_enqueue_of_an_active_job(program: Program, resque: Resque) -> None:
    """It goes on its queue in the wrapper without which nobody would run it."""
    program.jobs(
        "from pyresque import active_job\n"
        "@active_job.job('SyncImport', queue='imports')\n"
        "def sync(number: int): print('synced', number)\n"
    )
    assert program.run("enqueue", "-r", "jobs", "SyncImport", "5").returncode == 0
    assert program.run("enqueue", "-r", "jobs", "-q", "other", "SyncImport", "6").returncode == 0
    assert program.run("enqueue", "-r", "jobs", "SyncImport", "five").returncode == 1
    assert (resque.size("imports"), resque.size("other")) == (1, 1)
    done = program.run("work", "-q", "*", "-r", "jobs", "--burst")
    assert sorted(done.stdout.split("\n")) == ["", "synced 5", "synced 6"]
    assert resque.failures.count() == 0


def test_enqueue_refused_by_a_hook(program: Program, resque: Resque) -> None:
    """When a before_enqueue hook says no, nothing is enqueued and the exit code is 1."""
    program.jobs()
    done = program.run("enqueue", "-r", "jobs", "RefusedJob")
    assert done.returncode == 1
    assert "hook of RefusedJob refused it" in done.stderr
    assert resque.size("images") == 0


def test_enqueue_with_wrong_arguments(program: Program, resque: Resque) -> None:
    """A registered job is not enqueued with arguments that its function cannot take."""
    program.jobs()
    done = program.run("enqueue", "-r", "jobs", "ConvertJob", "1", "png", "3")
    assert done.returncode == 1
    assert one_line(done.stderr)
    assert resque.size("images") == 0
