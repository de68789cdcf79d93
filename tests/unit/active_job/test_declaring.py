"""The decorators of Active Job: what they take, where they put it, and that a function stays what it is."""

from datetime import timedelta

import pytest

from pyresque import active_job
from pyresque.active_job.directory import directory_of
from pyresque.active_job.running import HANDLERS
from pyresque.errors import InvalidJob, NotAJob


def perform(number): ...


def test_a_function_stays_what_it_is_and_is_known_by_its_ruby_name(registry):
    job = active_job.job("::MailJob", queue="mail", timeout=5, registry=registry)(perform)
    assert job is perform
    [known] = directory_of(registry).jobs()
    assert (known.name, known.queue, known.target, known.options) == (
        "MailJob",
        "mail",
        perform,
        {"timeout": 5},
    )


@pytest.mark.parametrize("timeout", [-1, "5", float("nan")])
def test_a_timeout_is_seconds(registry, timeout):
    with pytest.raises(InvalidJob, match="timeout="):
        active_job.job("MailJob", timeout=timeout, registry=registry)(perform)


def test_a_job_must_be_code_and_have_a_name(registry):
    for target, name in ((7, "MailJob"), (perform, ""), (perform, "Mail Job")):
        with pytest.raises(InvalidJob):
            active_job.job(name, registry=registry)(target)


def test_handlers_are_asked_from_the_bottom_to_the_top():
    @active_job.discard_on(KeyError)
    @active_job.retry_on(ValueError, "Net::OpenTimeout", wait=timedelta(seconds=5), attempts=2)
    def job(): ...

    handlers = getattr(job, HANDLERS)
    assert [(handler.what, handler.key) for handler in handlers] == [
        ("retry", '[ValueError, "Net::OpenTimeout"]'),
        ("discard", "[KeyError]"),
    ]


def test_both_languages_count_under_the_key_that_is_given():
    @active_job.retry_on(ValueError, ruby="[Net::OpenTimeout]")
    def job(): ...

    [handler] = getattr(job, HANDLERS)
    assert handler.key == "[Net::OpenTimeout]"


def test_a_wait_that_is_no_wait_and_no_exception_are_refused():
    with pytest.raises(InvalidJob, match="wait='soon' is not a wait: give seconds, a function or one of"):
        active_job.retry_on(ValueError, wait="soon")
    for declare in (active_job.retry_on, active_job.discard_on):
        with pytest.raises(InvalidJob):
            declare()


def test_callbacks_are_for_all_jobs_or_those_that_are_named(registry):
    active_job.job("MailJob", registry=registry)(perform)
    hooks = [
        active_job.before_perform(registry=registry)(lambda job: 1),
        active_job.before_perform(perform, "OtherJob", registry=registry)(lambda job: 2),
    ]
    assert directory_of(registry).callbacks["before_perform"] == [
        (frozenset(), hooks[0]), (frozenset({"MailJob", "OtherJob"}), hooks[1])
    ]  # fmt: skip
    with pytest.raises(InvalidJob, match="is not an Active Job"):
        active_job.after_perform(lambda: 1, registry=registry)


def test_settings_are_checked_when_they_are_set(registry):
    active_job.configure(rails="7.0", locale="de", timezone="Tokyo", locales=["de", "en"], registry=registry)
    settings = directory_of(registry).settings
    assert (settings.rails, settings.locale, settings.timezone) == ("7.0", "de", "Tokyo")
    with pytest.raises(ValueError, match="Rails"):
        active_job.configure(rails="2.3", registry=registry)
    for wrong in ({"timezone": "Nowhere"}, {"locale": "fr"}):
        with pytest.raises(NotAJob):
            active_job.configure(**wrong, registry=registry)
    assert (settings.rails, settings.locale, settings.timezone) == ("7.0", "de", "Tokyo")
