"""The lock beside a store's file: it goes with the process that has it, however that ends."""

from __future__ import annotations

from filelock import FileLock, Timeout


def lock_of(path: str) -> FileLock:
    """Return the lock of the store at `path`; nobody has it yet."""
    return FileLock(f"{path}-lock", mode=0o600)


def is_held(path: str) -> bool:
    """Tell whether a process has a store open."""
    lock = lock_of(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return True
    lock.release()
    return False
