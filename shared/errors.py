"""What may go wrong at the edge: a refusal that the caller is told, and a fault that is worth another try."""

from typing import Any

from contracts.rejections import Code, Rejection


class Refused(Exception):
    """A request or a command is refused; carries the rejection that the caller gets."""

    def __init__(self, code: Code, message: str, **details: Any) -> None:
        super().__init__(message)
        self.rejection = Rejection(code=code, message=message, details=details)

    @classmethod
    def because(cls, rejection: Rejection) -> "Refused":
        return cls(rejection.code, rejection.message, **rejection.details)


class Unavailable(Exception):
    """Something that this service needs does not answer now; trying again later may help."""

    def __init__(self, message: str, retry_after_seconds: int = 1) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
