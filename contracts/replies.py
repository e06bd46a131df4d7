"""What a service answers to a command, on the reply topic."""

from typing import Any, ClassVar

from pydantic import Field

from contracts.rejections import Rejection
from contracts.values import Contract


class Reply(Contract):
    """`result` in the shape of the public API's `data`, or the rejection. `causation_id` is the command's id."""

    VERSION: ClassVar[int] = 1
    result: dict[str, Any] | None = None
    rejection: Rejection | None = None
    sequence: int | None = Field(default=None)
    """The run's sequence after the command; a read that must see the command's effect waits for it."""
    replayed: bool = False
    """The command had been taken before; this is its first answer again."""
