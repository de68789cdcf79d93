"""What is a secret among the arguments of jobs, and what of it may be seen: nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from pyresque.errors import InvalidSelection
from pyresque.web.secrets import HIDDEN, Secrets

SECRETS = Secrets()
S = "hunter2-5ecret"


@pytest.mark.parametrize(
    "key",
    [
        "password", "Password", "PASSWORD", "user_password", "newPassword", "passwd", "token",
        "accessToken", "api_key", "apiKey", "API-Key", "apikey", "X-Api-Key", "authorization", "secret",
        "password_confirmation", "Authorization", "client_secret", "creditCard", "credit_card",
        "credit_card_number", "cvv", "CVC", "ssn", "otp", "pin", "salt",
        "private_key", "encryptedData", "session_id", "Set-Cookie", "credentials", "pwd", "db.password",
    ],
)  # fmt: skip
def test_the_names_of_secrets(key: str) -> None:
    """However they are written."""
    assert SECRETS.hidden([{key: S}]) == [{key: HIDDEN}]


@pytest.mark.parametrize(
    "key",
    ["id", "name", "keys", "author", "authority", "passenger", "hotpot", "spin", "opinion", "basalt",
     "cache_key",     "_aj_symbol_keys", "description", "", "class", "args", "queue", "email"],
)  # fmt: skip
def test_the_names_of_other_things(key: str) -> None:
    """A short word counts only where it is a word of its own."""
    assert SECRETS.hidden({key: S}) == {key: S}


def test_more_names_can_be_given() -> None:
    """They are added; what is a secret anyway stays one."""
    some_more = Secrets(["email", "=id", "."])
    assert some_more.hidden({"userEmail": "a", "id": 1, "idle": 2, "password": "c"}) == {
        "userEmail": HIDDEN, "id": HIDDEN, "idle": 2, "password": HIDDEN,
    }  # fmt: skip


@pytest.mark.parametrize(
    "value",
    [
        [{"user": {"login": [{"password": S}]}}],
        {"credentials": {"user": "x", "of": [S]}},
        json.dumps({"password": S}),
        [json.dumps({"args": [json.dumps([{"token": S}])]})],
        {"args": [json.dumps({"password": S}), f"password={S}"]},
        ["mysqldump", "--password", S, "shop"],
        ["--token=" + S],
        f"--api-key {S} --verbose",
        f"connect failed: redis://:{S}@db:6379/0",
        f"redis://u:a/b@{S}@db:6379",
        f"rediss://{S}@db",
        f"postgres://app:{S}@db/shop?x=1",
        f"https://{S}@example.com/x",
        f"https://example.com/?a=1&access_token={S}&b=2",
        f"Authorization: Bearer {S}",
        f"Authorization: Basic {S}, and so on",
        f"curl -H 'Authorization: Token {S}'",
        f"Cookie: a=1; b={S}; c",
        f"password={S}",
        f"password = {S}",
        f"password: {S}",
        f"error: password={S}",
        f"a=b: c=password={S}",
        f'{{"password": "{S}"',
        f'{{"password":"a\\"{S}"}} is not right',
        f'{{\\"password\\":\\"{S}\\"}} in a log',
        f'{{\\"password\\":\\"a\\\\\\"{S}\\"}} in a log',
        f'{{"password"=>"{S}"}}',
        f'{{:password=>"{S}", :a=>1}}',
        f'{{password: "{S}"}}',
        f"{{'password': '{S}'}}",
        f"User(name='a', password='{S}')",
        f"user[password]={S}",
        f"PASSWORD={S}",
        f"DB_PASSWORD={S} rails s",
        f'wrong: {{"credentials": {{"user": "x", "list": ["{S}"]}}, "a": 1}}',
        f'cut off: "tokens": ["{S}", "',
        f"-----BEGIN RSA PRIVATE KEY-----\n{S}\n-----END RSA PRIVATE KEY-----",
        f"eyJhbGciOiJIUzI1NiJ9.{S}aaaa.bbbb",
        f"sk_live_{S}",
    ],
)  # fmt: skip
def test_no_secret_is_seen(value: object) -> None:
    """Wherever it is: nested, in JSON in JSON, in an error's text, in a URL."""
    shown = json.dumps(SECRETS.hidden(value))
    assert S not in shown
    assert HIDDEN in shown


@pytest.mark.parametrize(
    "text",
    [
        "undefined method 'token=' for nil", "undefined method `password=' for #<User>", "https://example.com/a?b=c@d",
        "the password is wrong", "mailto:a@example.com", "gid://app/User/1", "a: b, c = d", '{"a": [1, "b"]}',
        " {not json", "[]", "Token", "2026-11-30T21:00:00Z", "app/jobs.py:12:in `perform'", "ssh -p 22 host",
    ],
)  # fmt: skip
def test_other_texts_stay_as_they_are(text: str) -> None:
    """Byte for byte, also where they are JSON."""
    assert SECRETS.hidden(text) == text


def test_that_there_is_no_secret_may_be_seen() -> None:
    """It is often the reason of a failure."""
    value = {"token": None, "password": "", "secrets": [], "has_token": True}
    assert SECRETS.hidden(value) == value


def test_what_surrounds_a_secret_is_seen() -> None:
    """Nothing else is lost."""
    text = f'POST /x?token={S}&page=2 failed: {{"password": "{S}", "user": "a"}} (503)'
    assert (
        SECRETS.text(text)
        == 'POST /x?token=[hidden]&page=2 failed: {"password": "[hidden]", "user": "a"} (503)'
    )
    assert SECRETS.text(f"password={S}\nline 2") == "password=[hidden]\nline 2"


VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=6) | some.just(HIDDEN),
    lambda inner: (
        some.lists(inner, max_size=3)
        | some.dictionaries(some.sampled_from(["a", "password", "token", "b"]), inner, max_size=3)
        | inner.map(json.dumps)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_what_was_not_edited_comes_back(value: object) -> None:
    """With all its secrets, and with a [hidden] that was there before."""
    shown = json.loads(json.dumps(SECRETS.hidden(value)))
    assert json.dumps(SECRETS.restored(shown, value)) == json.dumps(value)


def test_what_was_edited_beside_a_secret() -> None:
    """In objects by their keys, in lists by their places, in texts that hold JSON."""
    before = [1, {"a": 1, "password": S}, json.dumps({"token": S, "b": 2}), S]
    edited = [2, {"password": HIDDEN, "a": 2, "c": 3}, json.dumps({"token": HIDDEN, "b": 3}), "new"]
    assert SECRETS.restored(edited, before) == [
        2, {"password": S, "a": 2, "c": 3}, json.dumps({"token": S, "b": 3}), "new",
    ]  # fmt: skip
    assert SECRETS.restored([{"password": "new"}], [{"password": S}]) == [{"password": "new"}]
    assert SECRETS.restored([{"password": HIDDEN}], [{"password": S}, 1, 2]) == [{"password": S}]


@pytest.mark.parametrize(
    ("edited", "before"),
    [
        ([{"passwd": HIDDEN}], [{"password": S}]),
        ([HIDDEN], [S]),
        ([{"a": HIDDEN}], [{"a": S, "password": S}]),
        ([{"password": HIDDEN}, {"password": HIDDEN}], [{"password": S}]),
        ([1, {"password": HIDDEN}], [{"password": S}]),
        (["redis://[hidden]@other"], ["redis://:x@db"]),
        ([{"password": "x[hidden]"}], [{"password": S}]),
        ({"password": HIDDEN}, [{"password": S}]),
        ([json.dumps({"x": HIDDEN})], [json.dumps({"token": S})]),
    ],
)  # fmt: skip
def test_hidden_is_never_taken_for_a_value(edited: object, before: object) -> None:
    """Else a job would run with `[hidden]` as its password, or with that of somebody else."""
    with pytest.raises(InvalidSelection, match="stands for nothing"):
        SECRETS.restored(edited, before)


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "a.",
        "a=",
        '"',
        "\\",
        '\\"',
        "password=",
        "{",
        "password:{",
        "://",
        "a@",
        "- ",
        "eyJ.",
        "redis://",
        "Bearer ",
    ],
)
def test_long_texts_take_no_long_time(piece: str) -> None:
    """What is in Redis may be made to be slow to read. Read anew for each letter, this would not end."""
    text = (piece * 500_000)[:500_000]
    assert S not in SECRETS.text(f"{text} password={S}")
