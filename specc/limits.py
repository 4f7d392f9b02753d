"""What the system refuses a process of ours that works on what strangers wrote."""

from __future__ import annotations

from contextlib import suppress


def limit(name: str, most: int) -> None:
    """No more than so much of a resource, as `DATA`, in bytes, or `CPU`, in seconds; Windows has no such limits.

    A lower limit that stands already stays.
    """
    with suppress(ImportError):
        import resource

        _, hard = resource.getrlimit(kind := getattr(resource, f"RLIMIT_{name}"))
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (least, least))
