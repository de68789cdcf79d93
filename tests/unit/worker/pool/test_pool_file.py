"""The file of resque-pool (docs/protocol/core.md#resque-pool)."""

import pytest

from pyresque.errors import ConfigError
from pyresque.worker.pool.pool_file import read_pool_file

FULL = """
mail, high: 2
"*": 1
slow: 0
"!slow,*": 3
42: 1

development:
  mail, high: 1
  "*": 0
production:
  "*": 8
  extra: 4
"""


@pytest.fixture
def pool(tmp_path):
    """Reads a text as a pool file called pool.yml."""

    def read(text, environment=None):
        path = tmp_path / "pool.yml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_pool_file(str(path), environment)

    return read


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (None, {"mail,high": 2, "*": 1, "!slow,*": 3, "42": 1}),
        ("test", {"mail,high": 2, "*": 1, "!slow,*": 3, "42": 1}),
        ("development", {"mail,high": 1, "!slow,*": 3, "42": 1}),
        ("production", {"mail,high": 2, "*": 8, "!slow,*": 3, "42": 1, "extra": 4}),
    ],
)
def test_what_a_pool_file_asks_for(pool, environment, expected):
    """A queue list and how many workers; the environment's part is laid over; 0 is nobody."""
    assert {",".join(names): count for names, count in pool(FULL, environment)} == expected


def test_ruby_code_in_a_comment_is_no_matter(pool):
    """It gives a comment in Ruby too."""
    assert pool("# <%= ENV['N'] %>\nmail: 1\n") == [(["mail"], 1)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("mail: 1\nhigh: <%= ENV['N'] %>\n", "line 2 of the pool file"),
        ("mail: <%= 1 %>\n", "holds an ERB tag (mail: <%= 1 %>), which only Ruby can fill in"),
        ("mail: 1\n*: 2\n", "line 2 of the pool file"),
        ("*: 2\n", "a name that begins with * or ! needs quotes"),
        ("mail: [1\n", "is not YAML"),
        ("a: 1\n\x01", "is not YAML"),
        (b"\xff\xfe\xff", "it is not UTF-8 text"),
        ("- mail\n", "holds no queue lists: write for example mail,high: 2"),
        ("mail\n", "holds no queue lists"),
        ("", "asks for no worker"),
        ("mail: 0\n", "asks for no worker"),
        ("production:\n  mail: 2\nstaging:\n  mail: 1\n", "RESQUE_ENV may be one of production, staging"),
        ("mail: many\n", "gives mail 'many' workers: write a number"),
        ("mail: -1\n", "gives mail -1 workers"),
        ("mail: yes\n", "gives mail True workers"),
        ("mail:\n", "gives mail None workers"),
        ("yes: 1\n", "line 1 of the pool file"),
        ("'!slow': 1\n", "'!slow' that names no queue"),
        ("',': 1\n", "that names no queue"),
    ],
)
def test_a_file_that_cannot_be_used(pool, text, told):
    """One line says which file, and what is wrong."""
    with pytest.raises(ConfigError) as found:
        pool(text)
    assert told in str(found.value)
    assert "pool.yml" in str(found.value)
    assert "\n" not in str(found.value)


def test_a_file_that_is_not_there(tmp_path):
    """And a number where the file's name should be: there -n was meant."""
    with pytest.raises(ConfigError, match=r"cannot read the pool file .*no\.yml: No such file or directory$"):
        read_pool_file(str(tmp_path / "no.yml"), None)
    with pytest.raises(ConfigError, match="for 3 workers write -n 3"):
        read_pool_file("3", None)
