"""Wrong lines of scripts that no world finds out, and why."""

from __future__ import annotations

FORMS = {
    "aside": ("quoted", "failed_at", "aside_record"),
    "delayed_item": ("canonical",),
    "effects": ("of_one_key", "checked", "report_only", "set_aside"),
    "aside_links": ("parts_of", "link_of", "is_kind"),
    "json": ("without_valid_utf8", "is_text", "measure", "bones_of"),
    "reserve": ("read", "plain", "note_left"),
    "class_limits": ("works_on",),
}
"""Functions that judge the form of a text, or what to make of a key of a wrong kind, or that say what the log
tells. In the worlds all texts are plain and all keys are right; odd ones are tried in tests/redis
(test_malformed.py, test_aside.py)."""


def is_of_form(part: str, function: str, line: str) -> bool:
    """Whether it is there for odd texts, or for keys of a wrong kind."""
    return function in FORMS.get(part, ()) or any(
        text in line for text in ("'WRONGTYPE ", "is_kind(", ".err ")
    )


def why(part: str, line: str) -> str:
    """Why nobody finds out if it is wrong; empty if nobody knows."""
    return next((said for name, text, said in EXPLAINED if name == part and text in line), "")


_AGAIN = "who hears no answer looks again, and finds what was done: its own mark, or its job in worker:ID"
_LARGE = "only of more jobs or records than fit into one step"
_RUBYS = (
    "only of what Ruby has written or left; ours are taken out of the books with all that belongs to them"
)
_LOCK = (
    "a master that has lost its lock does nothing twice: each step takes what it moves. The lock keeps two "
    "from running the same code, which docs/guarantees.md allows where it was lost"
)
_TIDY = "a scheduler forgets empty seconds when it comes to them"
_NOTED = "what is noted for the entry says that it was fired, and so does the token: one of them is enough"
_SECOND = (
    "another hurdle stands behind it: who finds a job in worker:ID that is not his gives way to the other "
    "worker, and the second of two that claim or register an id is refused by the other step"
)
_PRUNER = "who prunes a worker of his host frees the locks of its job himself"
_COPIES = "only of failures that have copies in other lists"
_CHANGED = "where a record stood only tells where to look first, and which of equal ones is meant"
_SHIFTED = "only of lists that others change meanwhile, which tests/redis tries with longer ones"
_ODD = "only of scores that are not whole numbers, and of keys of a wrong kind"

_RATE = "rates go by the clock of Redis, which the worlds do not have: tests/redis/test_limits.py"

EXPLAINED: list[tuple[str, str, str]] = [
    ("class_limits", "if kind ~= wanted", "only of keys of a wrong kind: tests/redis/test_limits.py"),
    ("class_limits", "if most > 0 then", _RATE),
    ("json", "local words = {['true']", "in the worlds no argument is true, false or null"),
    ("reserve_element", "if current == ARGV[2]", _AGAIN),
    ("claim_worker_ids", "if field(KEYS[3], ARGV[2]) == ARGV[3]", _AGAIN),
    ("claim_worker_ids", "attempt({'SREM'", _RUBYS),
    ("claim_worker_ids", "redis.call('UNLINK'", _RUBYS),
    (
        "claim_worker_ids",
        "attempt({'HSET', KEYS[3]",
        "register writes it, too, and the second of two is refused there",
    ),
    ("reserve_element", "if is_anothers", _SECOND),
    ("reserve", "if is_anothers", _SECOND),
    ("namesake", "return found and", _SECOND),
    ("register_worker", "return {0, troubles}", _SECOND),
    ("register_worker", "attempt({'HSET', KEYS[2]", _SECOND),
    ("once", "if done == false", "kept or not, it says the same again; a full Redis would refuse the write"),
    ("lock_holders", "'TTL'", _PRUNER),
    ("lock_holders", "mark:sub(-#word)", _PRUNER),
    ("lock_holders", "local marks", _PRUNER),
    ("lock_holders", "return true", _PRUNER),
    ("retried_marks", "local other", _COPIES),
    ("retried_marks", "if other then", _COPIES),
    ("retried_marks", "moved", _CHANGED),
    ("retried_marks", "local near", _CHANGED),
    ("retried_marks", "place = (redis", _CHANGED),
    ("retried_marks", "nodes_passed", _LARGE),
    ("retried_marks", "if seen >= 0", _CHANGED),
    ("requeue_failures", "nodes_passed", _LARGE),
    ("retried_marks", "if not place then", _SHIFTED),
    ("retried_marks", "place = redis.call('LPOS'", _SHIFTED),
    ("scattered", "if all then return", "it saves looking around"),
    ("scattered", "first - 100", _SHIFTED),
    ("scattered", "standing[element]", _SHIFTED),
    ("move_scattered", "passed", _LARGE),
    ("move_scattered", "redis.call('UNLINK'", "only of a full Redis, which tests/redis tries"),
    ("move_scattered", "first, last, step = #sought", "only of several jobs that go to the front"),
    ("fire", "if ARGV[3] ~= ''", _LOCK),
    ("aside_links", "place = place + step", _LARGE),
    ("reserve", "looked > 1000", _LARGE),
    ("settle", "if is_anothers", _SECOND),
    ("clear_failures", "size = size + #record", _LARGE),
    ("move_due", "if ARGV[3] ~= ''", _LOCK),
    ("move_due", "if text_of(KEYS[3]) ~= ARGV[3]", _LOCK),
    ("move_due", "redis.call('PEXPIRE', KEYS[3]", _LOCK),
    (
        "move_due",
        "if not looking then",
        "behind a job that the caller must judge it saves reading the next ones",
    ),
    ("move_due", "place = place + #items", _LARGE),
    ("move_due", "size >= LARGE", _LARGE),
    ("move_due", "more = true", _ODD),
    ("move_due", "redis.call('ZADD'", _ODD),
    ("move_due", "before = item", "it saves asking twice about equal jobs that follow each other"),
    ("move_due", "is not a list of jobs: its second", _ODD),
    ("move_due", "gone[#gone + 1] = member", _ODD),
    ("move_due", "set_aside(ARGV[1], 'delayed_queue_schedule'", _ODD),
    ("move_due", "if more or #due == batch", "what is left is moved in the next round"),
    ("effects", "local why", _ODD),
    ("effects", "begun = begun or", _ODD),
    ("fire", "if (redis.call('HGET'", _NOTED),
    ("bring_forward", "if redis.call('EXISTS'", _TIDY),
    ("guards", "return false", "nothing is false, too"),
    (
        "register_worker",
        "mark ~= ARGV[2]",
        "who claims an id is refused before, and `started` tells the second of two",
    ),
    ("release_lock", "if redis.call('GET'", _LOCK),
    ("become_master", "redis.call('PEXPIRE'", _LOCK),
    ("become_master", "if held then", _LOCK),
    ("take_delayed", "if ARGV[3] ~= ''", _LOCK),
    ("take_delayed", "if text_of(KEYS[4])", _LOCK),
    ("take_delayed", "redis.call('PEXPIRE'", _LOCK),
    ("take_delayed", "if ARGV[5] == '1'", _TIDY),
]
"""File, a text in the line, and why no world can tell whether it stands there."""
