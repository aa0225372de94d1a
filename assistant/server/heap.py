"""One heap for all threads, so that a server's memory does not grow with its calls.

glibc gives threads heaps of their own. What a call's decoding takes in one thread and gives back
in another leaves holes there: 39 KB a call in 30 minutes of 20 calls, 3 KB with one heap
(``assistant bench calls``, column "MB/phút").
"""

from __future__ import annotations

import ctypes
import logging

log = logging.getLogger(__name__)
_ARENA_MAX = -8  # M_ARENA_MAX of glibc's malloc.h


def share_heap() -> bool:
    """Before any thread starts. False where the C library has no such option."""
    try:
        done = bool(ctypes.CDLL(None).mallopt(_ARENA_MAX, 1))
    except (OSError, AttributeError, TypeError):
        done = False
    if not done:
        log.debug("mallopt: not there; threads keep heaps of their own")
    return done
