"""Delivers notifications as signed POSTs to an operator's SMS or e-mail gateway.

Signed like a request of docs/account-protocol.md; the idempotency key is ``notification-`` and
the row's number, the same for every retry, so that the gateway can drop a copy.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime

import httpx

from assistant.accounts.outbox import Message
from assistant.accounts.peer import check_url, read_secret, trust
from assistant.accounts.remote import utc_now
from assistant.accounts.signing import IDEMPOTENCY_KEY, SIGNATURE, TIMESTAMP, Direction, sign
from assistant.settings import Notify

log = logging.getLogger(__name__)


class WebhookSender:
    """``outbox.Sender`` over HTTP. Any 2xx status means accepted."""

    def __init__(self, settings: Notify, clock: Callable[[], datetime] = utc_now) -> None:
        """Errors: AccountError (notify-url-*, notify-secret-*, notify-ca-invalid)."""
        check_url(settings.url or "", "notify")
        self._url = settings.url or ""
        self._secret = read_secret(settings.secret_file, "notify")
        self._clock = clock
        self._client = httpx.Client(
            verify=trust(settings.ca_file, "notify"),
            timeout=settings.timeout,
            follow_redirects=False,
            trust_env=False,
        )

    def send(self, message: Message) -> bool:
        """Post one notification; False when it was not accepted, to be tried again."""
        content = {
            "version": 1,
            "id": message.id,
            "kind": message.kind.value,
            "at": message.at.isoformat(),
            "contact": message.contact,
            "text": message.text,
        }
        body = json.dumps(content, ensure_ascii=False).encode()
        timestamp, key = str(int(self._clock().timestamp())), f"notification-{message.id}"
        signature = sign(self._secret, Direction.NOTIFICATION, timestamp, key, body)
        headers = {
            "Content-Type": "application/json",
            IDEMPOTENCY_KEY: key,
            TIMESTAMP: timestamp,
            SIGNATURE: signature,
        }
        try:
            with self._client.stream("POST", self._url, content=body, headers=headers) as response:
                return response.is_success  # the answer's body is not read
        except httpx.TransportError as error:
            log.warning("outbox-not-sent: %s", type(error).__name__)
            return False

    def close(self) -> None:
        self._client.close()
