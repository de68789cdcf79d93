"""Which page of many elements is asked for, and the links to those beside it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request, url_for

SIZES = (20, 50, 100, 200)


@dataclass(frozen=True)
class Paging:
    """A page of a list: its number (the first is 1), its size, and whether there is another behind it.

    `total` is None where nobody counted.
    """

    number: int
    size: int
    more: bool = False
    total: int | None = None

    @property
    def first(self) -> int:
        """The number of the first element of this page; 1 on the first page."""
        return (self.number - 1) * self.size + 1

    @property
    def pages(self) -> int | None:
        """How many pages there are; None where nobody counted."""
        return None if self.total is None else max(1, -(-self.total // self.size))

    def link(self, number: int) -> str:
        """The URL of another page of the same list."""
        given = {key: value for key, value in request.args.items(multi=True) if key != "page"}
        return url_for(request.endpoint or "", **{**(request.view_args or {}), **given, "page": number})


def asked(size: int = 50) -> Paging:
    """The page that the request asks for; the first where it asks for none, or for nonsense."""
    number, wanted = request.args.get("page", ""), request.args.get("size", "")
    return Paging(
        max(1, int(number)) if number.isdecimal() and len(number) < 10 else 1,
        int(wanted) if wanted.isdecimal() and int(wanted) in SIZES else size,
    )
