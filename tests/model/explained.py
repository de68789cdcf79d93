"""Wrong lines of scripts that no world finds out, and why."""

from __future__ import annotations

FORMS = {
    "aside": ("is_text", "quoted", "failed_at", "aside_record"),
    "canonical": ("is_array", "canonical", "is_text"),
    "effects": ("of_one_key", "checked", "told", "set_aside"),
    "links": ("parts_of", "link_of", "is_kind"),
    "measure": ("measure",),
    "reserve": ("read", "without_valid_utf8", "plain", "note_left"),
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
    "from running the same code, which guarantees.md allows where it was lost"
)
_TIDY = "a scheduler forgets empty seconds when it comes to them"
_NOTED = "what is noted for the entry says that it was fired, and so does the token: one of them is enough"
_SECOND = (
    "another hurdle stands behind it: who finds a job in worker:ID that is not his gives way to the other "
    "worker, and the second of two that claim or register an id is refused by the other step"
)
_PRUNER = "who prunes a worker of his host frees the locks of its job himself"
_COPIES = "only of failures that have copies in other lists"
_ODD = "only of scores that are no whole numbers, and of keys of a wrong kind"

EXPLAINED: list[tuple[str, str, str]] = [
    ("canonical", "local words = {['true']", "in the worlds no argument is true, false or null"),
    ("claim", "if current == ARGV[2]", _AGAIN),
    ("claim_ids", "if field(KEYS[3], ARGV[2]) == ARGV[3]", _AGAIN),
    ("claim_ids", "attempt({'SREM'", _RUBYS),
    ("claim_ids", "redis.call('UNLINK'", _RUBYS),
    (
        "claim_ids",
        "attempt({'HSET', KEYS[3]",
        "register writes it, too, and the second of two is refused there",
    ),
    ("claim", "if is_anothers", _SECOND),
    ("reserve", "if is_anothers", _SECOND),
    ("namesake", "return found and", _SECOND),
    ("register", "return {0, troubles}", _SECOND),
    ("register", "attempt({'HSET', KEYS[2]", _SECOND),
    ("move", "if answer then", "what was taken is not there a second time"),
    ("move", "redis.call('SET', KEYS[1]", "what was taken is not there a second time"),
    ("held", "'TTL'", _PRUNER),
    ("held", "mark:sub(-#word)", _PRUNER),
    ("held", "local marks", _PRUNER),
    ("held", "return true", _PRUNER),
    ("marks", "local other", _COPIES),
    ("marks", "if other then", _COPIES),
    ("fire", "if ARGV[3] ~= ''", _LOCK),
    ("fire", "redis.call('SET', KEYS[1]", _NOTED),
    ("links", "place = place + step", _LARGE),
    ("reserve", "looked > 1000", _LARGE),
    ("settle", "if is_anothers", _SECOND),
    ("clear", "size = size + #record", _LARGE),
    ("drain", "if ARGV[3] ~= ''", _LOCK),
    ("drain", "if text_of(KEYS[3]) ~= ARGV[3]", _LOCK),
    ("drain", "redis.call('PEXPIRE', KEYS[3]", _LOCK),
    (
        "drain",
        "if not looking then",
        "behind a job that the caller must judge it saves reading the next ones",
    ),
    ("drain", "place = place + #items", _LARGE),
    ("drain", "size >= LARGE", _LARGE),
    ("drain", "more = true", _ODD),
    ("drain", "redis.call('ZADD'", _ODD),
    ("drain", "before = item", "it saves asking twice about equal jobs that follow each other"),
    ("drain", "is no list of jobs: its second", _ODD),
    ("drain", "gone[#gone + 1] = member", _ODD),
    ("drain", "set_aside(ARGV[1], 'delayed_queue_schedule'", _ODD),
    ("drain", "if more or #due == batch", "what is left is moved in the next round"),
    ("effects", "local why", _ODD),
    ("effects", "begun = begun or", _ODD),
    ("fire", "if answer then", _NOTED),
    ("fire", "if (redis.call('HGET'", _NOTED),
    ("fire", "answer = refused", _NOTED),
    ("forward", "if redis.call('EXISTS'", _TIDY),
    ("guard", "return false", "nothing is false, too"),
    (
        "register",
        "mark ~= ARGV[2]",
        "who claims an id is refused before, and `started` tells the second of two",
    ),
    ("resign", "if redis.call('GET'", _LOCK),
    ("master", "redis.call('PEXPIRE'", _LOCK),
    ("master", "if held then", _LOCK),
    ("take", "if ARGV[3] ~= ''", _LOCK),
    ("take", "if text_of(KEYS[4])", _LOCK),
    ("take", "redis.call('PEXPIRE'", _LOCK),
    ("take", "if ARGV[5] == '1'", _TIDY),
]
"""File, a text in the line, and why no world can tell whether it stands there."""
