"""The operator's page: calls of a day, where callers drop out, how long things took. A token is
needed even on loopback."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse

from assistant.channels.records import STEPS, Records
from assistant.server.door import Door

_NEEDS = "Cần mã truy cập: mở địa chỉ của trang này kèm ?token=… in ra lúc khởi động.\n"


def router(records: Records, door: Door, page: Path) -> APIRouter:
    routes = APIRouter(prefix="/operator")

    def guarded(
        answer: Callable[[Request], Awaitable[Response]],
    ) -> Callable[[Request], Awaitable[Response]]:
        async def guard(request: Request) -> Response:
            if not door.has_token(request.headers, request.cookies):
                return PlainTextResponse(_NEEDS, 401)
            return await answer(request)

        return guard

    async def show(_: Request) -> Response:
        return FileResponse(page)

    async def calls(request: Request) -> Response:
        """``?day=2026-11-25&east=420``: a day, today when missing, of clocks that many minutes
        ahead of UTC."""
        given = request.query_params
        try:
            east = timedelta(minutes=int(given.get("east", "0")))
            day = date.fromisoformat(given["day"]) if given.get("day") else _today(east)
            found = records.of(day, east)
        except (ValueError, OverflowError):
            return PlainTextResponse("day\n", 422)
        return JSONResponse({"day": str(day), "steps": STEPS, "calls": found})

    routes.add_api_route("", guarded(show), methods=["GET"])
    routes.add_api_route("/calls", guarded(calls), methods=["GET"])
    return routes


def _today(east: timedelta) -> date:
    return (datetime.now(UTC) + east).date()
