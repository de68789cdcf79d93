"""What workers, schedulers and Active Job need of a Resque: `pyresque.Resque` has all of it."""

from pyresque import Resque
from pyresque.model.resque_like import ResqueLike


def test_a_resque_is_one():
    resque = Resque("redis://localhost:1")
    needed = [*ResqueLike.__annotations__, *(name for name in vars(ResqueLike) if name == "_push")]
    assert len(needed) > 5
    assert [name for name in needed if not hasattr(resque, name)] == []
