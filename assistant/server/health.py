"""For those who run the service: is it alive, does it take calls, how does it do."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from assistant.channels.switchboard import Switchboard
from assistant.server.door import Door
from assistant.server.metrics import CONTENT_TYPE, Metrics
from assistant.server.probe import Probe


def router(board: Switchboard, metrics: Metrics, door: Door, accounts: Probe) -> APIRouter:
    routes = APIRouter()

    @routes.get("/healthz")
    async def health() -> Response:
        """The process answers."""
        return PlainTextResponse("ok\n")

    @routes.get("/readyz")
    async def ready() -> Response:
        """Whether new calls are served; 503 when full, shutting down or without accounts."""
        reason = "closing" if board.closing else "full" if board.full else None
        if reason is None and not await accounts.fine():
            reason = "accounts"
        state = {"ready": reason is None, "reason": reason, "running": board.running}
        return JSONResponse(state, 200 if reason is None else 503)

    @routes.get("/metrics")
    async def figures(request: Request) -> Response:
        if not door.may_phone(request.headers, request.cookies):
            return PlainTextResponse("token\n", 401)
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    return routes
