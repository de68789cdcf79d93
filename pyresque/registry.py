"""The public place of `Registry` and `job` (model/registry.py)."""

from pyresque.model.registry import Registry, default_registry, job

__all__ = ["Registry", "default_registry", "job"]
