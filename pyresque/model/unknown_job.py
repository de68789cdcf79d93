"""The errors of jobs whose class is not registered here, where they are to fail."""

from __future__ import annotations

from pyresque.errors import MalformedActiveJob, ResqueError, UnknownJobClass
from pyresque.wire.records import Payload, inner_class, is_wrapper
from pyresque.wire.ruby_inspect import inspect


def unknown_class(payload: Payload) -> ResqueError:
    """The error of a job whose class nobody registered here (docs/protocol/core.md#malformed-payloads)."""
    if is_wrapper(payload.class_name):
        return _unknown_active_job(payload)
    name = payload.value.get("class")
    if name is None or name == "":
        # Ruby looks up the empty name, finds Object, and calls `perform` on that.
        error = UnknownJobClass("undefined method `perform' for class Object")
        error.ruby_name = "NoMethodError"
        return error
    if not isinstance(name, str):
        return UnknownJobClass(f"wrong constant name {inspect(name)}")
    name = name.removeprefix("::")
    return UnknownJobClass(f"uninitialized constant {name}: no @job with this name is registered")


def bare_active_job(payload: Payload) -> ResqueError:
    """The error of an Active Job that came without its wrapper; a Ruby worker calls it done, unrun."""
    name = payload.class_name.removeprefix("::")
    return MalformedActiveJob(
        f"malformed Active Job: {name} came without the wrapper of Active Job, and nothing of it was run. A "
        "Ruby scheduler pushes it so where it does not know the class: let `pyresque scheduler -r MODULE` do "
        f"it. Else enqueue it with {name}.perform_later or active_job.enqueue, not with Resque.enqueue. "
        "(A retry brings it back as it is: enqueue it anew, and remove this failure.)"
    )


def _unknown_active_job(payload: Payload) -> ResqueError:
    name = inner_class(payload.value)
    if name:
        name = name.removeprefix("::")
        return UnknownJobClass(f"uninitialized constant {name}: no @active_job.job registers it here")
    args = payload.args
    reason = (
        "its argument is not an object"
        if len(args) == 1
        else f"its wrapper has {len(args)} arguments, not one"
    )
    if len(args) == 1 and isinstance(args[0], dict):
        reason = (
            f"its job_class is {args[0]['job_class']!r}"
            if args[0].get("job_class")
            else "it has no job_class"
        )
    return MalformedActiveJob(f"malformed Active Job: {reason}")
