"""Ruby's two ways to write a float as text (docs/protocol/json.md#floats)."""

from __future__ import annotations

from functools import lru_cache
from math import frexp


def style_a(x: float) -> str:
    """Write a finite float as Ruby's Float#to_s does: json <= 2.10, Yajl, inspect.

    See docs/protocol/json.md#floats-as-rubys-float-to_s.
    """
    text = repr(x)
    if "e" in text:
        return text if "." in text else text.replace("e", ".0e")
    if 1e15 <= abs(x) < 1e16 and text.endswith(".0"):
        sign = "-" if x < 0 else ""
        digits = text[:-2].lstrip("-").rstrip("0")
        return f"{sign}{digits[0]}.{digits[1:] or '0'}e+15"
    return text


def style_b15(x: float) -> str:
    """Write a finite float as the json gem does from 2.15 on (docs/protocol/json.md#floats-of-json-215).

    Its digits come from Grisu2: they read back as the same float, but are not always the shortest.
    """
    if x.is_integer() and abs(x) < 1e15:
        return repr(x)
    sign = "-" if x < 0 else ""
    number, exponent = _grisu2(abs(x))
    digits = str(number)
    point = len(digits) + exponent
    if exponent >= 0 and point <= 15:
        return f"{sign}{digits}{'0' * exponent}.0"
    if exponent < 0 and (exponent > -7 or abs(point - 1) < 10):
        if point <= 0:
            return f"{sign}0.{'0' * -point}{digits}"
        return f"{sign}{digits[:point]}.{digits[point:]}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{point - 1:+d}"


def _power(k: int) -> tuple[int, int]:
    """Return 10**k as a rounded significand of exactly 64 bits and an exponent of two."""
    above, below = (10**k, 1) if k >= 0 else (1, 10**-k)
    exponent = above.bit_length() - below.bit_length() - 64
    while True:
        over, under = (above, below << exponent) if exponent >= 0 else (above << -exponent, below)
        significand = (2 * over + under) // (2 * under)
        if 1 << 63 <= significand < 1 << 64:
            return significand, exponent
        exponent += 1 if significand >= 1 << 64 else -1


_POWERS = [_power(k) for k in range(-348, 348, 8)]
_TENS = [10**k for k in range(10)]
_HALF = 1 << 63
_LOG10_OF_2 = 0.30102999566398114


@lru_cache(maxsize=4096)
def _grisu2(x: float) -> tuple[int, int]:
    """Return digits and exponent of ten of a positive float, as the published Grisu2 finds them.

    Three 64-bit numbers are scaled by a power of ten: the value, and the middle to its upper and to
    its lower neighbour. The digits are cut as soon as they lie between the two middles.
    """
    mantissa, exponent = frexp(x)
    # Below 2**-1022 the distance to the neighbours stops shrinking.
    bits = min(53, exponent + 1074)
    value = int(mantissa * (1 << bits))
    exponent -= bits
    upper = 2 * value + 1
    shift = 64 - upper.bit_length()
    scale = exponent - 1 - shift
    upper <<= shift
    # The lower neighbour of a power of two is only half as far away as the upper one.
    near = value == 1 << 52 and exponent > -1074
    lower = (4 * value - 1) << (shift - 1) if near else (2 * value - 1) << shift
    value <<= shift + 1

    at = (int(-(scale + 87) * _LOG10_OF_2) + 348) // 8
    while not -60 <= scale + _POWERS[at][1] + 64 <= -32:
        at += 1 if scale + _POWERS[at][1] + 64 < -60 else -1
    power, power_exponent = _POWERS[at]
    high = ((upper * power + _HALF) >> 64) - 1
    low = ((lower * power + _HALF) >> 64) + 1
    middle = (value * power + _HALF) >> 64
    return _cut(high, high - low, high - middle, -(scale + power_exponent + 64), 348 - 8 * at)


def _cut(high: int, room: int, wanted: int, shift: int, exponent: int) -> tuple[int, int]:
    """Return the shortest start of `high` that is at most `room` below it, and its exponent of ten.

    `wanted` is how far below `high` the value lies; all three have `shift` bits behind the point.
    """
    whole, rest = high >> shift, high & (1 << shift) - 1
    for kappa in range(9, -1, -1):
        digits, behind = divmod(whole, _TENS[kappa])
        below = (behind << shift) + rest
        if below <= room:
            step = _TENS[kappa] << shift
            return _nearer(digits, below, room, step, wanted), exponent + kappa
    digits, unit, kappa = whole, 1 << shift, 0
    while True:
        rest, room, wanted, kappa = rest * 10, room * 10, wanted * 10, kappa - 1
        digits = digits * 10 + (rest >> shift)
        rest &= unit - 1
        if rest < room:
            return _nearer(digits, rest, room, unit, wanted), exponent + kappa


def _nearer(digits: int, below: int, room: int, step: int, wanted: int) -> int:
    """Lower the last digit as long as that leads nearer to the value and stays within `room`."""
    while (
        below < wanted
        and room - below >= step
        and (below + step < wanted or wanted - below > below + step - wanted)
    ):
        digits -= 1
        below += step
    return digits
