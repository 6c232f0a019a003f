"""Figures as people read them."""

from __future__ import annotations

import datetime

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def size_text(count: float) -> str:
    """Bytes in decimal units, as disks and downloads are sold: `272.6 MB`."""
    unit = 0
    while count >= 999.95 and unit < len(_UNITS) - 1:
        count, unit = count / 1000, unit + 1
    return f"{count:.0f} {_UNITS[unit]}" if unit == 0 else f"{count:.1f} {_UNITS[unit]}"


def time_left_text(seconds: float) -> str:
    """A rest of time, coarse on purpose: `about 2 min left`."""
    if seconds < 60:
        return f"about {max(round(seconds), 1)} s left"
    if seconds < 3600:
        return f"about {round(seconds / 60)} min left"
    return f"about {seconds / 3600:.1f} h left"


def duration_text(seconds: float) -> str:
    """A span of time: `40 s`, `30 min`, `2.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def moment_text(timestamp: float, now: float) -> str:
    """A point in time (seconds since 1970): the hour today, else the date with it."""
    moment = datetime.datetime.fromtimestamp(timestamp)
    today = datetime.datetime.fromtimestamp(now).date()
    if moment.date() == today:
        return f"Today {moment:%H:%M}"
    if moment.date() == today - datetime.timedelta(days=1):
        return f"Yesterday {moment:%H:%M}"
    return f"{moment:%Y-%m-%d %H:%M}"
