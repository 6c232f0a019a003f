"""Whether the process that wrote a row is still at work."""

from __future__ import annotations

import platform


def is_gone(pid: int, host: str | None, since: float) -> bool:
    """Whether a process is known to have ended; on another host nobody can tell.

    A process born after `since` (seconds since 1970) bears the number by chance.
    """
    import psutil

    if host != platform.node():
        return False
    try:
        process = psutil.Process(pid)
        return bool(process.status() == psutil.STATUS_ZOMBIE or process.create_time() > since + 1.0)
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False
