"""What error replies of Redis mean."""

import pytest

from pyresque.errors import (
    RedisError,
    RedisRefused,
    RedisRejected,
    RedisReplied,
    RedisUnavailable,
)
from pyresque.store.connection.link import SHOWN, PatientLink, from_login, from_reply
from tests import errortexts

# As Redis 6.2 words it: a script that fails by itself, and one that hands on what it caught.
OLD = (
    "ERR Error running script (call to f_845e): @user_script:1: @user_script: 1: -%s",
    "ERR Error running script (call to f_845e): @user_script:1: user_script:1: @user_script: 1: -%s",
)
# As Redis 7 and 8 word the two.
NEW = ("%s script: 845e, on @user_script:1.", "ERR user_script:1: %s script: 845e, on @user_script:1.")


@pytest.mark.parametrize("form", ["%s", *NEW, *OLD])
@pytest.mark.parametrize(
    "text",
    [
        "OOM command not allowed when used memory > 'maxmemory'.",
        "READONLY You can't write against a read only replica.",
        "NOREPLICAS Not enough good replicas to write.",
        "MISCONF Errors writing to the AOF file: No space left on device",
    ],
)
def test_a_server_that_refuses_writes_for_now_is_tried_again(form, text):
    """Whatever the version, and however deep in a script it happened."""
    error = from_reply(form % text, "here")
    assert isinstance(error, RedisUnavailable)
    assert not error.maybe_done


@pytest.mark.parametrize("form", ["%s", *NEW, *OLD])
@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("OOM command not allowed when used memory > 'maxmemory'.", "raise its maxmemory, or make room"),
        ("READONLY You can't write against a read only replica.", "name its master"),
        ("MISCONF Errors writing to the AOF file: No space left on device", "the space on its disk"),
        ("BUSY Redis is busy running a script.", "SCRIPT KILL"),
    ],
)
def test_what_helps_is_said(form, text, advice):
    """Where waiting alone does not; the words of Redis stay."""
    told = str(from_reply(form % text, "here"))
    assert advice in told
    assert text.rstrip(".") in told
    assert ".." not in told


def test_what_helps_against_too_many_clients():
    """It has no code of its own."""
    assert str(from_reply("ERR max number of clients reached", "here")).endswith(
        "max number of clients reached. Raise its maxclients, or let fewer clients connect"
    )


def test_other_errors_are_no_matter_of_time():
    """They would come again."""
    wrong = "WRONGTYPE Operation against a key holding the wrong kind of value"
    for form in ("%s", *NEW, *OLD):
        assert type(from_reply(form % wrong, "here")) is RedisReplied
    assert isinstance(from_reply("NOPERM this user has no permissions", "here"), RedisRefused)


@pytest.mark.parametrize("text", errortexts.LATER)
def test_whatever_is_not_known_to_be_final_means_later(text):
    """In any words and any language. Only what Redis says before it runs a command is certainly not done."""
    error = from_reply(text, "here")
    assert type(error) is RedisUnavailable
    assert error.maybe_done is (text not in errortexts.NOT_RUN)


@pytest.mark.parametrize("kind", [RedisRefused, RedisReplied, RedisRejected])
def test_what_is_final_is_told_apart(kind):
    """Refusals, errors that will come again, and commands that no server will ever take."""
    lists = {
        RedisRefused: errortexts.REFUSED,
        RedisReplied: errortexts.FINAL,
        RedisRejected: errortexts.REJECTED,
    }
    for text in lists[kind]:
        assert type(from_reply(text, "here")) is kind, text


@pytest.mark.parametrize("text", errortexts.ALL)
def test_an_error_is_told_in_bounded_length(text):
    """Its text is in a log line, and a proxy may say what it likes."""
    assert len(str(from_reply(text, "here"))) < SHOWN + 200
    assert text[:100].rstrip(".") in str(from_reply(text, "here"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("WRONGPASS invalid username-password pair or user is disabled.", "refuses the login"),
        ("ERR invalid password", "refuses the login"),
        ("ERR Client sent AUTH, but no password is set", "refuses the login"),
        ("ERR AUTH <password> called without any password configured for the default user.", "refuses the"),
        ("NOAUTH Authentication required.", "refuses the login"),
        ("ERR DB index is out of range", "has no database 7"),
        ("ERR invalid DB index", "has no database 7"),
        ("ERR SELECT is not allowed in cluster mode", "has no database 7"),
    ],
)
def test_a_login_that_can_never_succeed_is_refused(text, told):
    """A wrong password, a database that is not there."""
    error = from_login(text, "here", 7)
    assert type(error) is RedisRefused
    assert told in str(error)


@pytest.mark.parametrize("text", errortexts.LATER)
def test_any_other_error_at_a_login_means_later(text):
    """Max clients, LOADING, what a proxy says."""
    assert type(from_login(text, "here", 7)) is RedisUnavailable


# --- trying again --------------------------------------------------------------------------------------


class Scripted:
    """A link that answers what it is told to, one after the other; the last for ever."""

    address, place = "here", "here/0"

    def __init__(self, *answers, let_in=True):
        self.answers, self.asked = list(answers), 0
        self.let_in, self.deadline = let_in, float("inf")

    def execute(self, *words, check=None):
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        if isinstance(answer, RedisError):
            raise answer
        return answer

    def execute_many(self, commands):
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        if isinstance(answer, RedisError) and not isinstance(answer, list):
            raise answer
        return answer


def patient(*answers, let_in=True, gives_up=lambda: False):
    link = Scripted(*answers, let_in=let_in)
    return PatientLink(link, (0.0, 0.0, 0.0), gives_up), link


def test_a_call_is_repeated_until_it_is_answered():
    """Errors that pass, refusals in mid-life, and an odd final one in between."""
    away, no = RedisUnavailable("away", maybe_done=True), RedisRefused("no")
    link, _ = patient(away, no, RedisReplied("WRONGTYPE"), b"x")
    assert link.execute("GET", "x") == b"x"


def test_a_final_error_is_believed_when_it_comes_twice():
    """And costs no pause."""
    link, asked = patient(RedisReplied("WRONGTYPE"))
    with pytest.raises(RedisReplied):
        link.execute("GET", "x")
    assert asked.asked == 2


def test_a_missing_script_is_believed_at_once():
    """Whoever runs it sends its text."""
    link, asked = patient(RedisReplied("NOSCRIPT No matching script."))
    with pytest.raises(RedisReplied):
        link.execute("EVALSHA", "x")
    assert asked.asked == 1


def test_a_refusal_is_told_at_once_by_a_server_that_never_let_us_in():
    """A wrong password does not become right."""
    link, asked = patient(RedisRefused("no"), let_in=False)
    with pytest.raises(RedisRefused):
        link.execute("GET", "x")
    assert asked.asked == 1


@pytest.mark.parametrize("last", [RedisUnavailable("away", maybe_done=False), RedisRefused("no"),
                                  RedisReplied("WRONGTYPE")])  # fmt: skip
def test_one_doubtful_try_makes_the_whole_call_doubtful(last):
    """Whatever the last answer is: the first command may have been carried out."""
    link, _ = patient(RedisUnavailable("?", maybe_done=True), last)
    with pytest.raises(type(last)) as caught:
        link.execute("SET", "x", 1)
    assert caught.value.maybe_done


def test_whoever_is_to_leave_repeats_nothing():
    """A try may take seconds."""
    link, asked = patient(RedisUnavailable("away", maybe_done=False), gives_up=lambda: True)
    with pytest.raises(RedisUnavailable):
        link.execute("GET", "x")
    assert asked.asked == 1


def test_many_commands_are_repeated_together():
    """An error that may pass is raised, with what the others mean for `maybe_done`; a final one stands."""
    away, wrong = RedisUnavailable("away", maybe_done=False), RedisReplied("WRONGTYPE")
    link, asked = patient([1, away])
    with pytest.raises(RedisUnavailable) as caught:
        link.execute_many([("A",), ("B",)])
    assert caught.value.maybe_done
    link, asked = patient([1, wrong], [1, 2])
    assert link.execute_many([("A",), ("B",)]) == [1, 2]
    link, asked = patient([1, wrong])
    assert link.execute_many([("A",), ("B",)]) == [1, wrong]
    assert asked.asked == 2
