"""The public place of `Registry`, `job` and what they take (model/registry.py, model/job_class.py)."""

from pyresque.model.job_class import JobClass, RetryPolicy
from pyresque.model.registry import Registry, default_registry, job

Job = JobClass

__all__ = ["Job", "Registry", "RetryPolicy", "default_registry", "job"]
