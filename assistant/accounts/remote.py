"""An integrator's account system over HTTP: one signed POST per verification.

The protocol is written down in docs/account-protocol.md. In short: the body is JSON
``{version, phone, code, call_id}``; the headers carry a timestamp, an idempotency key and an
HMAC-SHA256 over both and the body; the answer is signed the same way and says ``reset`` with a
password of digits, or ``refused``. A try that got no answer is repeated with the same key, so
that the system can give the same answer again instead of resetting twice. Everything that is
not a well-formed, well-signed, fresh answer is ``Failed``.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx

from assistant.accounts.peer import check_url, read_secret, trust
from assistant.accounts.phone import to_e164
from assistant.accounts.signing import (
    IDEMPOTENCY_KEY,
    SIGNATURE,
    TIMESTAMP,
    Direction,
    sign,
    verify,
)
from assistant.accounts.types import Outcome
from assistant.dialogue.types import Failed, Refused, ResetDone
from assistant.settings import Remote, Security

log = logging.getLogger(__name__)

VERSION = 1
LARGEST_ANSWER = 16 * 1024  # bytes; a real one has about 150
LONGEST_PASSWORD = 12  # digits a caller can be asked to write down
RETRIED = frozenset({502, 503, 504})  # a proxy without its system
FIRST_PAUSE = 0.2  # s before the first retry; doubles


class _NoAnswer(Exception):
    """The try may be repeated. Carries no data of the caller."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    timestamp: str
    signature: str
    body: bytes = field(repr=False)


def utc_now() -> datetime:
    return datetime.now(UTC)


class RemoteAccounts:
    """``AccountService`` elsewhere. Safe to call from many threads at once.

    Each ``verify_and_reset`` draws its own idempotency key: the key covers the retries of one
    verification, while ``call_id`` is sent along for the limits of the call.
    """

    def __init__(
        self,
        client: httpx.Client,
        secret: bytes,
        remote: Remote,
        shortest_password: int,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._secret = secret
        self._remote = remote
        self._shortest = shortest_password
        self._clock = clock
        self._sleep = sleep
        self._monotonic = monotonic

    @classmethod
    def open(
        cls, remote: Remote, security: Security, clock: Callable[[], datetime] = utc_now
    ) -> RemoteAccounts:
        """Check the settings, contact nobody. Errors: remote-url-invalid, remote-url-insecure,
        remote-secret-missing, remote-secret-open, remote-secret-short, remote-ca-invalid."""
        check_url(remote.url or "", "remote")
        secret = read_secret(remote.secret_file, "remote")
        # No proxy, cookie or .netrc from the environment stands between us and the system.
        client = httpx.Client(
            verify=trust(remote.ca_file, "remote"), follow_redirects=False, trust_env=False
        )
        return cls(client, secret, remote, security.password_digits, clock)

    def verify_and_reset(self, phone: str | None, code: str, call_id: str) -> Outcome:
        """See ``AccountService``; takes at most about ``remote.deadline`` seconds."""
        key = str(uuid.uuid4())
        content = {"version": VERSION, "phone": to_e164(phone), "code": code, "call_id": call_id}
        body = json.dumps(content).encode()
        end = self._monotonic() + self._remote.deadline
        for attempt in range(self._remote.retries + 1):
            pause = FIRST_PAUSE * 2 ** (attempt - 1) if attempt else 0.0
            if self._monotonic() + pause >= end:
                break
            self._sleep(pause)
            try:
                return self._outcome(key, self._post(key, body, end))
            except _NoAnswer as error:
                log.warning("accounts-remote-retry: %s", error)
        log.error("accounts-remote-away: no answer")
        return Failed()

    def trouble(self) -> str | None:
        """What keeps the system from answering, in words for a log; None: it is there. Sends a
        bare HEAD: no signature, nobody's data, and nothing that a system would act on."""
        try:
            status = self._client.head(
                self._remote.url or "", timeout=self._remote.timeout
            ).status_code
        except httpx.HTTPError as error:
            return type(error).__name__
        return f"status {status}" if status in RETRIED else None

    def is_invented(self, phone: str | None, code: str) -> bool:
        """A real system has no invented accounts: recordings are always masked."""
        return False

    def close(self) -> None:
        self._client.close()

    def _post(self, key: str, body: bytes, end: float) -> _Answer:
        timestamp = str(int(self._clock().timestamp()))
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            IDEMPOTENCY_KEY: key,
            TIMESTAMP: timestamp,
            SIGNATURE: sign(self._secret, Direction.REQUEST, timestamp, key, body),
        }
        timeout = min(self._remote.timeout, max(0.05, end - self._monotonic()))
        url = self._remote.url or ""
        try:
            with self._client.stream(
                "POST", url, content=body, headers=headers, timeout=timeout
            ) as response:
                return self._read(response, min(end, self._monotonic() + timeout))
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise _NoAnswer(type(error).__name__) from None

    def _read(self, response: httpx.Response, end: float) -> _Answer:
        """The answer, of bounded size and in bounded time: a trickle is no answer."""
        body = b""
        for part in response.iter_bytes(4096):
            body += part
            if self._monotonic() > end:
                raise _NoAnswer("slow answer")
            if len(body) > LARGEST_ANSWER:
                break
        if response.status_code in RETRIED:
            raise _NoAnswer(f"status {response.status_code}")
        headers = response.headers
        return _Answer(
            response.status_code, headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, ""), body
        )

    def _outcome(self, key: str, answer: _Answer) -> Outcome:
        trouble = self._trouble(key, answer)
        if trouble is None:
            outcome = parse_answer(answer.body, key, self._shortest)
            if outcome is not None:
                return outcome
            trouble = "answer does not follow the protocol"
        log.error("accounts-remote-odd: %s", trouble)
        return Failed()

    def _trouble(self, key: str, answer: _Answer) -> str | None:
        if answer.status != 200:
            return f"status {answer.status}"
        if len(answer.body) > LARGEST_ANSWER:
            return "answer too long"
        signed = verify(
            self._secret,
            Direction.RESPONSE,
            answer.timestamp,
            key,
            answer.body,
            answer.signature,
            self._clock().timestamp(),
            self._remote.clock_skew,
        )
        return None if signed else "signature or timestamp of the answer is wrong"


def parse_answer(body: bytes, key: str, shortest: int) -> ResetDone | Refused | None:
    """The outcome in a JSON answer, None for anything that the protocol does not know."""
    try:
        answer: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict):
        return None
    if answer.get("version") != VERSION or answer.get("idempotency_key") != key:
        return None
    if answer.get("outcome") == "refused":
        return Refused()
    password = answer.get("password")
    if answer.get("outcome") != "reset" or not isinstance(password, str):
        return None
    fits = password.isascii() and password.isdigit()
    return ResetDone(password) if fits and shortest <= len(password) <= LONGEST_PASSWORD else None
