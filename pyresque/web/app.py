"""`create_app`: the dashboard put together out of its pages."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, render_template, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.local import LocalProxy

from pyresque._version import __version__
from pyresque.errors import (
    InvalidSelection,
    InvalidTime,
    RedisRefused,
    RedisTooOld,
    RedisUnavailable,
    ResqueError,
)
from pyresque.web import access, acting, delayed, failed, filters, form_token, headers, overview, url_names
from pyresque.web.hosts import LOOPBACK
from pyresque.web.secrets import DEFAULT_SECRETS, Secrets
from pyresque.web.several import Several
