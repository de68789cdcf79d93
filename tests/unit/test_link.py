"""What error replies of Redis mean."""

import pytest

from pyresque.errors import RedisRefused, RedisReplied, RedisUnavailable
from pyresque.store.link import from_reply

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


def test_other_errors_are_no_matter_of_time():
    """They would come again."""
    wrong = "WRONGTYPE Operation against a key holding the wrong kind of value"
    for form in ("%s", *NEW, *OLD):
        assert type(from_reply(form % wrong, "here")) is RedisReplied
    assert isinstance(from_reply("NOPERM this user has no permissions", "here"), RedisRefused)
