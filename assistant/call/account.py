"""The one blocking piece of work of a call: verify and reset, somewhere else."""

from __future__ import annotations

from concurrent.futures import Future

from assistant.accounts.types import Outcome
from assistant.call.parts import CallParts


class AccountWork:
    """Asks the account system once; where it runs is the channel's choice."""

    def __init__(self, parts: CallParts, phone: str | None, code: str, call_id: str) -> None:
        self.took: float | None = None  # ms
        self.invented = False  # known once it is done; until then digits stay masked
        accounts, clock = parts.accounts, parts.clock

        def work() -> Outcome:
            self.invented = parts.invented(phone, code)
            start = clock()
            outcome = accounts.verify_and_reset(phone, code, call_id)
            self.took = 1000 * (clock() - start)
            return outcome

        self._future: Future[Outcome] = parts.submit(work)

    @property
    def done(self) -> bool:
        return self._future.done()

    def result(self) -> Outcome:
        return self._future.result()
