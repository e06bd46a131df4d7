"""The access log: who saw encrypted values, exported evidence or changed keys, and which calls were refused."""

from typing import Literal

from contracts.values import Contract, Moment

AccessOutcome = Literal["disclosed", "exported", "allowed", "refused"]
"""`disclosed`: clear values were returned. `exported`: evidence was, with ciphertext. `allowed`: a key was changed, or
data erased. `refused`: the call was answered with 401, 403, 404 or 429."""


class AccessRecord(Contract):
    """One access, or several refused calls of one kind. It never holds a value of a field."""

    access_id: str
    """Made by the writer, so that a record that is sent again is stored once."""
    at: Moment
    until: Moment | None = None
    """Time of the last of several calls."""
    count: int = 1
    """How many calls the record stands for."""
    organization_id: str | None = None
    """The token's. None where there was no valid token."""
    run_id: str | None = None
    step_id: str | None = None
    user: str | None = None
    """The token's subject, or the service that read. None where it is not known."""
    user_type: str | None = None
    operation: str | None = None
    """The operation's id in the OpenAPI document, or `automated_call`. None for a path that leads nowhere."""
    fields: tuple[str, ...] = ()
    """Names of the encrypted fields that were opened for the answer, or are in the evidence as ciphertext, and
    `secret:<name>` for a named secret."""
    outcome: AccessOutcome
    status: int | None = None
    """HTTP status of refused calls."""
    correlation_id: str
    """The call's `X-Request-ID`; of several calls the first one's."""
