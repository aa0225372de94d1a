"""Threads that make and drop blocks of many sizes share one heap once they are told to."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

CODE = """
import ctypes, io, threading
from assistant.heap import share_heap
if {shared}: assert share_heap()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
gate = threading.Barrier(4)
def work():
    gate.wait()
    for _ in range(100): libc.free(ctypes.c_void_p(libc.malloc(50_000)))
threads = [threading.Thread(target=work) for _ in range(4)]
[t.start() for t in threads]; [t.join() for t in threads]
libc.malloc_stats()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="an option of glibc")
@pytest.mark.parametrize("shared", [True, False])
def test_threads_share_one_heap(shared: bool) -> None:
    code = CODE.format(shared=shared)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stderr.count("Arena ") == 1) is shared
