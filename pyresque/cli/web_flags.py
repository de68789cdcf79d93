"""What the command line and the settings of `pyresque web` say."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Flags:
    """Its options, as they are called there."""

    redis: tuple[str, ...]
    namespace: tuple[str, ...]
    host: str
    port: int
    unix_socket: str | None
    password_file: str | None
    auth_header: str | None
    insecure_no_auth: bool
    read_only: bool
    allow_host: tuple[str, ...]
    trusted_origin: tuple[str, ...]
    behind_proxy: bool
    title: str | None
    filter: tuple[str, ...]
    threads: int
    log_level: str | None
    log_format: str | None
    log_file: str | None
    file: str | None
