"""`pyresque enqueue`: what it writes, and what it refuses."""

from __future__ import annotations

import time

import pytest

from pyresque import Resque
from pyresque.wire.records import Payload, inner_class
from tests.unit.cli.in_process import run
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
    assert "no job is named convert here: did you mean ConvertJob? " in done.stderr
    assert "Registered here: BrokenJob, ConvertJob, RefusedJob. " in done.stderr
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


NAMED = """
from pyresque import active_job, job
@job(queue="images", name="ConvertJob")
def convert(image_id: int, fmt: str = "png", *, dry: bool = False): ...
@job(queue="images", name="LooseJob")
def loose(image_id, fmt=None): ...
@active_job.job("ShrinkJob", queue="images")
def shrink(image_id: int, fmt: str = "png"): ...
"""


@pytest.mark.parametrize(
    ("words", "stored"),
    [
        (["ConvertJob", "1", "--kwargs", '{"fmt":"gif"}'], '[1,"gif"]'),
        (["ConvertJob", "1", "--kwargs", '{"dry":true}'], '[1,{"dry":true}]'),
        (["ShrinkJob", "1", "--kwargs", '{"fmt":"gif"}'], '[1,{"fmt":"gif"}]'),
    ],
)
def test_enqueue_says_what_is_stored(program: Program, resque: Resque, words: list[str], stored: str) -> None:
    """Keywords that become positions are shown as such."""
    program.jobs(NAMED)
    done = program.run("enqueue", "-r", "jobs", *words)
    assert (done.stdout, done.stderr) == (f"enqueued {words[0]} {stored} on queue images\n", "")


@pytest.mark.parametrize("word", ["five", "true", '"5"', "null"])
def test_an_argument_of_the_wrong_type_is_told_how_arguments_are_written(
    program: Program, resque: Resque, word: str
) -> None:
    """Who types True or 5 wants to know how true and "5" are typed."""
    program.jobs(NAMED)
    done = program.run("enqueue", "-r", "jobs", "ConvertJob", word)
    assert done.returncode == 1
    assert one_line(done.stderr)
    assert "argument image_id of ConvertJob: " in done.stderr
    assert "Each argument is read as JSON (5, true, null, '\"5\"'), else it is a text" in done.stderr
    assert resque.size("images") == 0


@pytest.mark.parametrize(
    ("words", "note"),
    [
        (["LooseJob", "1", "fmt=gif"], "fmt=... is a text here; keyword arguments are given with --kwargs"),
        (["-q", "images", "ConvertJobb", "1"], "no job is named ConvertJobb here: did you mean ConvertJob?"),
        (["-q", "imagse", "ConvertJob", "1"], "the queue imagse is new: did you mean images?"),
    ],
)
def test_enqueue_notes_what_looks_like_a_slip(
    program: Program, resque: Resque, words: list[str], note: str
) -> None:
    """It is enqueued all the same, for it may be meant."""
    program.jobs(NAMED)
    done = program.run("enqueue", "-r", "jobs", *words)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("enqueued ")
    assert done.stderr.startswith(f"Note: {note}")
    assert one_line(done.stderr)


def test_enqueue_notes_nothing_about_what_is_not_alike(program: Program, resque: Resque) -> None:
    """A class of Ruby's on a queue of Ruby's, with a text that has an equals sign."""
    program.jobs(NAMED)
    done = program.run("enqueue", "-r", "jobs", "-q", "reports", "Reports::Monthly", "fmt=gif", "a=b")
    assert (done.returncode, done.stderr) == (0, "")


# --- later, with keywords, for Rails -------------------------------------------------------------------


def test_enqueue_later(server, resque: Resque) -> None:
    """--in and --at delay it as `enqueue_at` does; a moment that is past means now."""
    began = int(time.time())
    done = run("enqueue", "-q", "mail", "Mail", "1", "--in", "10m", REDIS_URL=server.url)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("delayed Mail [1] until ")
    assert done.stdout.endswith("for queue mail\n")
    assert "(in " in done.stdout
    done = run("enqueue", "-q", "mail", "Mail", "2", "--at", "2096-10-02T07:06:40Z", REDIS_URL=server.url)
    assert done.exit_code == 0
    first, second = resque.find_delayed()
    assert began + 600 <= first.at <= time.time() + 600
    assert (second.at, second.args) == (4_000_000_000, [2])
    done = run("enqueue", "-q", "mail", "Mail", "3", "--at", "2001-01-01", REDIS_URL=server.url)
    assert done.stdout == "enqueued Mail [3] on queue mail\n"
    assert resque.size("mail") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--in", "10m", "--at", "17:45"), "contradict"),
        (("--in", "soon"), "not a length of time such as"),
        (("--in", "-5m"), "not a length of time such as"),
        (("--at", "tomorrow"), "not a moment such as"),
        (("--at", "1796060700000"), "not a moment such as"),
        (("--kwargs", "[1]"), "not a JSON object such as"),
        (("--kwargs", "{a: 1}"), "not a JSON object such as"),
        (("--kwargs", '{"a": 1}'), "known by name only"),
        (("--kwargs", '{"queue": 1}'), "by its position"),
        (("--active-job", "--kwargs", '{"a": 1}', "--in", "99999999y"), "not a length of time"),
    ],
)
def test_enqueue_of_what_cannot_be_meant(server, resque: Resque, words, said) -> None:
    """Wrong usage is told in a line, and nothing is enqueued."""
    done = run("enqueue", "-q", "mail", "Mail", *words, REDIS_URL=server.url)
    assert done.exit_code in (1, 2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert (resque.queues(), resque.count_all_scheduled_jobs()) == ([], 0)


def test_enqueue_of_an_active_job_that_only_rails_knows(server, resque: Resque) -> None:
    """--active-job wraps it, now or later, with keywords as Rails writes them."""
    words = ("enqueue", "-q", "mail", "--active-job", "Users::WelcomeMailJob", "42")
    done = run(*words, "--kwargs", '{"lang": "de"}', REDIS_URL=server.url)
    assert done.stdout == 'enqueued Users::WelcomeMailJob [42,{"lang":"de"}] on queue mail\n'
    assert run(*words, "--at", "2096-10-02", REDIS_URL=server.url).exit_code == 0
    [now] = resque.peek("mail")
    [later] = resque.find_delayed()
    assert inner_class(now) == "Users::WelcomeMailJob"
    assert now["args"][0]["arguments"] == [42, {"lang": "de", "_aj_ruby2_keywords": ["lang"]}]
    assert inner_class(Payload.parse(later.raw).value) == "Users::WelcomeMailJob"
    assert later.queue == "mail"


def test_enqueue_with_keywords(program: Program, resque: Resque) -> None:
    """Of a job that -r imports they become what its function takes; a wrong one is refused."""
    program.jobs()
    words = ("enqueue", "-r", "jobs", "ConvertJob", "1", "--kwargs")
    done = program.run(*words, '{"fmt": "webp"}')
    assert done.stdout == 'enqueued ConvertJob [1,"webp"] on queue images\n'
    assert resque.peek("images") == [{"class": "ConvertJob", "args": [1, "webp"]}]
    done = program.run(*words, '{"nonsense": 1}', "--in", "1h")
    assert done.returncode == 1
    assert one_line(done.stderr)
    assert (resque.size("images"), resque.count_all_scheduled_jobs()) == (1, 0)
