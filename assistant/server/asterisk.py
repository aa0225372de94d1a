"""Asterisk: its dialplan announces a call here, then opens the AudioSocket, then asks how it went.

All three carry the same UUID; announcing and asking need the token.
"""

from __future__ import annotations

import time
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from assistant.channels.announced import Announced
from assistant.channels.audiosocket import AudioSocketServer
from assistant.channels.live import LiveCall
from assistant.channels.switchboard import Switchboard
from assistant.server.door import Door
from assistant.settings import Telephone

_MOST_CALLER = 32


class Asterisk:
    """The calls between their announcement and the dialplan's last question."""

    def __init__(self, telephone: Telephone, board: Switchboard, ring: float) -> None:
        self._telephone = telephone
        wait, most = telephone.announced, telephone.most_announced
        self.announced = Announced(wait, most, time.monotonic)
        self.server = AudioSocketServer(board, self.announced, ring, self._ended)
        self._outcomes: dict[UUID, str] = {}

    def _ended(self, uuid: UUID, live: LiveCall) -> None:
        while len(self._outcomes) >= self._telephone.most_announced:
            del self._outcomes[next(iter(self._outcomes))]
        agent = self._telephone.agent if live.call.transfer else None
        self._outcomes[uuid] = f"agent {agent}" if agent else "hangup"

    def outcome(self, uuid: UUID) -> str | None:
        return self._outcomes.pop(uuid, None)


def router(asterisk: Asterisk, door: Door) -> APIRouter:
    routes = APIRouter(prefix="/audiosocket")

    @routes.post("/{uuid}")
    async def announce(request: Request, uuid: UUID) -> Response:
        """Form parameter ``caller``: the number; empty or missing when it is withheld."""
        if not door.has_token(request.headers, {}):
            return PlainTextResponse("token\n", 401)
        form = dict(parse_qsl((await request.body()).decode(errors="replace")))
        caller = form.get("caller", "").strip()
        if len(caller) > _MOST_CALLER:
            return PlainTextResponse("caller\n", 422)
        if not asterisk.announced.announce(uuid, caller or None):
            return PlainTextResponse("again\n", 409)
        return PlainTextResponse("ok\n")

    @routes.get("/{uuid}")
    async def outcome(request: Request, uuid: UUID) -> Response:
        """``agent NUMBER`` when the caller is to be handed on, else ``hangup``."""
        if not door.has_token(request.headers, {}):
            return PlainTextResponse("token\n", 401)
        ended = asterisk.outcome(uuid)
        return PlainTextResponse("unknown\n", 404) if ended is None else PlainTextResponse(ended)

    return routes
