"""The keys of one Resque, and removing all of them."""

from dataclasses import replace

from pyresque.keys import Keys
from pyresque.store.space import remove_all


def test_only_the_keys_of_the_namespace_go(resque):
    other = replace(resque.space, keys=Keys("resque2"))
    for space in (resque.space, other):
        space.link.execute_many([("SET", f"{space.keys.prefix}key{n}", n) for n in range(2_500)])
    resque.link.execute("SET", "elsewhere", 1)
    remove_all(resque.space)
    assert resque.link.execute("KEYS", "resque:*") == []
    assert resque.link.execute("DBSIZE") == 2_501
