"""The policy of Retry: limits, pauses, exceptions, and what cannot be meant."""

import pytest

import pyresque
from pyresque import Retry, job
from pyresque.errors import InvalidJob, ResqueError, UnknownJobClass
from pyresque.plugins import Retry as PluginRetry

INF = float("inf")


def test_retry_is_public_under_both_names():
    """`from pyresque import Retry` and `from pyresque.plugins import Retry` are the same."""
    assert Retry is PluginRetry is pyresque.Retry


@pytest.mark.parametrize(
    ("retry", "delays"),
    [
        (Retry(), [0, None]), (Retry(0), [None]), (Retry(2), [0, 0, None]), (Retry(2, 1.5), [1.5, 1.5, None]),
        (Retry(limit=3, backoff=[1, 10, 60]), [1, 10, 60, None]), (Retry(3, [7]), [7, 7, 7, None]),
        (Retry(backoff=[1, 10]), [1, 10, None]), (Retry(backoff=(1, 10)), [1, 10, None]),
        (Retry(backoff=[1, 10], limit=1), [1, None]), (Retry(-1, [1, 2]), [1, 2, 2, 2]),
        (Retry(None), [0, 0, 0]), (Retry(2, lambda attempt: attempt * 5), [0, 5, None]),
    ],
)  # fmt: skip
def test_limit_and_backoff(retry, delays):
    """After each attempt the seconds to the next one, None where none follows; the last step counts on."""
    assert [retry.delay(attempt) for attempt in range(len(delays))] == delays


@pytest.mark.parametrize(
    ("retry", "error", "wanted"),
    [
        (Retry(), ValueError(), True), (Retry(), SystemExit(), True),
        (Retry(on=OSError), TimeoutError(), True),
        (Retry(on=OSError), ValueError(), False), (Retry(on=(OSError, ValueError)), ValueError(), True),
        (Retry(on=[OSError]), OSError(), True), (Retry(on={OSError}), ValueError(), False),
        (Retry(give_up_on=ResqueError), UnknownJobClass(), False),
        (Retry(give_up_on=OSError), ValueError(), True),
        (Retry(on=ValueError, give_up_on=[ValueError]), ValueError(), False),
        (Retry(on=()), ValueError(), False),
    ],
)  # fmt: skip
def test_on_and_give_up_on(retry, error, wanted):
    """Classes with their subclasses; give_up_on counts before on."""
    assert retry.wants(error) is wanted


class NetError(Exception): ...


class SlowNet(NetError): ...


BY_ERROR = {NetError: 30, SlowNet: [100, 200], OSError: (5, 6, 7)}


@pytest.mark.parametrize(
    ("error", "wanted", "steps"),
    [
        (NetError(), True, (30,)), (SlowNet(), True, (100, 200)), (TimeoutError(), True, (5, 6, 7)),
        (ValueError(), False, ()),
    ],
)  # fmt: skip
def test_pauses_by_exception(error, wanted, steps):
    """As `@retry_exceptions` as a hash: the nearest class counts, and nothing else is retried."""
    retry = Retry(backoff=BY_ERROR)
    assert (retry.wants(error), tuple(retry.steps(error))) == (wanted, steps)
    assert retry.limit == 3
    assert Retry(backoff={NetError: 30}).limit == 1
    assert Retry(backoff=BY_ERROR, on=Exception).wants(error) is True
    assert (retry.delay(0), retry.delay(2), retry.delay(3)) == (0, 0, None)
    assert [Retry(backoff=BY_ERROR, expire_after=10).expiry(number) for number in (0, 1)] == [110, 210]


def test_what_else_is_asked_about_an_error():
    """With the error and the arguments, as Ruby's methods and blocks are."""
    retry = Retry(
        on=NetError,
        may=lambda error, *args: args[0] == "yes",
        queue=lambda error, *args: args[0] if isinstance(error, NetError) else None,
        args=lambda error, first, *others: [first, *others, type(error).__name__],
        ignore=SlowNet,
    )
    assert [retry.criterion(ValueError(), [text]) for text in ("yes", "no")] == [True, False]
    assert [retry.queue_for(error, ["low"]) for error in (NetError(), ValueError())] == ["low", None]
    assert retry.args_for(SlowNet(), [1, 2]) == [1, 2, "SlowNet"]
    assert [retry.counts(error) for error in (NetError(), SlowNet())] == [True, False]
    plain = Retry()
    assert (plain.criterion(ValueError(), []), plain.counts(ValueError())) == (False, True)
    assert (plain.queue_for(ValueError(), []), plain.args_for(ValueError(), [])) == (None, None)
    assert Retry(queue="low").queue_for(ValueError(), []) == "low"


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"backoff": {"OSError": 1}}, "backoff="), ({"backoff": {OSError: -1}}, "backoff of -1"),
        ({"backoff": {OSError: []}}, "no step"), ({"queue": ""}, "queue=''"), ({"queue": 5}, "queue=5"),
        ({"args": [1]}, "args=[1]"), ({"may": True}, "may=True"), ({"ignore": "OSError"}, "ignore="),
        ({"identify": "x"}, "identify='x'"),
        ({"limit": -2}, "limit=-2"), ({"limit": 1.5}, "limit=1.5"), ({"limit": "3"}, "limit='3'"),
        ({"limit": True}, "limit=True"), ({"backoff": -1}, "backoff of -1"), ({"backoff": []}, "no step"),
        ({"backoff": [1, -1]}, "backoff of -1"), ({"backoff": "10"}, "backoff of '10'"),
        ({"backoff": INF}, "backoff of inf"), ({"backoff": float("nan")}, "backoff of nan"),
        ({"backoff": None}, "backoff of None"), ({"on": "OSError"}, "on='OSError'"), ({"on": int}, "on="),
        ({"give_up_on": [OSError()]}, "give_up_on="), ({"expire_after": -1}, "expire_after=-1"),
        ({"expire_after": 0.5}, "expire_after=0.5"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(settings, text):
    """At once, where it is written, and the text names it."""
    with pytest.raises(InvalidJob) as caught:
        Retry(**settings)
    assert text in str(caught.value)


@pytest.mark.parametrize("what", [3, Retry, "3"])
def test_a_job_takes_no_other_thing_for_a_retry(registry, what):
    """Not a number and not the class itself."""
    with pytest.raises(InvalidJob, match=r"Retry\(limit=3\)"):
        job(queue="q", retry=what, registry=registry)(lambda: None)


def test_a_function_and_a_class_can_have_a_retry(registry):
    """It stands among the job's options."""
    retry = Retry(3)

    @job(queue="q", retry=retry, registry=registry)
    def function() -> None: ...

    @job(queue="q", retry=retry, registry=registry)
    class Class:
        @staticmethod
        def perform() -> None: ...

    assert [one.options["retry"] for one in registry.jobs()] == [retry, retry]


# --- the key ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "digest"),
    [
        ([1, "a"], "92b083ca8ad311b6856d7c5dc28e0ff4b300862d"),
        ([1, "a b", None, {"x": 1}], "6064992e303e679cd09d8dc97a63940e15441a0c"),
        ([], ""), ([None], ""), ([""], ""), ([[]], ""),
    ],
)  # fmt: skip
def test_the_digest_is_rubys(args, digest):
    """Recorded from resque-retry; arguments that leave no text have none."""
    assert Retry().identifier(args) == digest


def test_lists_are_flattened():
    """As Ruby's join does it."""
    assert (
        Retry().identifier([1, ["a"]]) == Retry().identifier([[1, [["a"]]]]) == Retry().identifier([1, "a"])
    )


def test_a_job_may_tell_itself_apart():
    """`identify` stands for the digest."""
    assert Retry(identify=lambda args: f"user-{args[0]}").identifier([7, "x"]) == "user-7"


@pytest.mark.parametrize(
    ("retry", "seconds"),
    [
        (Retry(), None),
        (Retry(expire_after=5), 5),
        (Retry(backoff=60, expire_after=40), 100),
        (Retry(expire_after=0), 1),
    ],
)
def test_the_counter_expires_after_the_delay(retry, seconds):
    """Delay and expire_after together, as in Ruby; never at once."""
    assert retry.expiry(0) == seconds
