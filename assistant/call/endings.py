"""Why a call ended, in words for people."""

from __future__ import annotations

from assistant.dialogue.types import EndOfCall

ENDINGS = {
    EndOfCall.DONE: "xong việc",
    EndOfCall.CALLER_STOPPED: "người gọi dừng",
    EndOfCall.AGENT: "chuyển tổng đài viên",
    EndOfCall.REFUSED: "bị từ chối",
    EndOfCall.NO_INPUT: "người gọi im lặng",
    EndOfCall.NOT_UNDERSTOOD: "không hiểu nhau",
    EndOfCall.FAILED: "trục trặc của hệ thống",
    EndOfCall.CALLER_HUNG_UP: "người gọi gác máy",
    EndOfCall.BUSY: "các đường dây đều bận",
}
