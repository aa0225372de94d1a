"""How the C library hands out memory: glibc's ``mallopt``, a no-op where there is none.

glibc gives threads heaps of their own. What a call's decoding takes in one thread and gives back
in another leaves holes there: 39 KB a call in 30 minutes of 20 calls, 3 KB with one heap
(``assistant bench calls``, column "MB/phút"). And it maps large blocks anew each time, which was
half of a training step.
"""

from __future__ import annotations

import ctypes

# of glibc's malloc.h
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX, _ARENA_MAX = -1, -2, -4, -8


def share_heap() -> bool:
    """One heap for all threads; before any starts. False where the library has no such option."""
    return _set(_ARENA_MAX, 1)


def keep_memory() -> None:
    """Reuse memory instead of giving it back and mapping it anew for every tensor."""
    for option, value in ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, 1 << 30), (_TOP_PAD, 1 << 28)):
        _set(option, value)


def _set(option: int, value: int) -> bool:
    try:
        return bool(ctypes.CDLL(None).mallopt(option, value))
    except (OSError, AttributeError, TypeError):  # another C library: more memory, slower
        return False
