"""What an organisation has set for itself: documents by kind, each with its revisions.

The playbook registry keeps them all; whoever needs them follows `policy.events` and keeps what is in force.
"""

from typing import Any

from pydantic import Field

from contracts.commands import Command
from contracts.events import Event
from contracts.values import Moment


class PutOrganizationDocument(Command):
    """The content, whole, becomes the document's next revision."""

    organization_id: str
    kind: str
    name: str = ""
    """Which one, where an organisation has several of the kind."""
    content: dict[str, Any]
    if_match: str | None = Field(default=None, max_length=200)
    """An `If-Match` header; a document's ETag is its revision, `"0"` where none was put yet."""
    comment: str | None = Field(default=None, max_length=2000)
    """Why it was changed, for the history."""


class DeleteOrganizationDocument(Command):
    """It says nothing any more; its revisions stay, and the next put goes on counting them."""

    organization_id: str
    kind: str
    name: str
    if_match: str | None = Field(default=None, max_length=200)


DocumentCommand = PutOrganizationDocument | DeleteOrganizationDocument


class CreateDelegation(Command):
    """From `starts_at` to `ends_at` the substitute may act as the delegator."""

    delegation_id: str
    organization_id: str
    delegator: str
    substitute: str
    roles: tuple[str, ...] | None = None
    starts_at: Moment | None = None
    """At once, where none is given."""
    ends_at: Moment
    reason: str | None = None


class RevokeDelegation(Command):
    """It ends now."""

    delegation_id: str
    organization_id: str


class OrganizationDocumentChanged(Event):
    """A document's current revision; the compacted topic keeps the last one of each document."""

    kind: str
    name: str = ""
    """Which one, where an organisation has several of the kind."""
    revision: int = Field(ge=1)
    content: dict[str, Any]
    deleted: bool = False
    """It says nothing any more; the content is what it said last."""
    ends_at: Moment | None = None
    """From then on it says nothing any more, and readers may forget it."""


def local_key(kind: str, name: str = "") -> str:
    """A document among those of its organisation, and the Kafka key of commands to it."""
    return f"{kind}:{name}" if name else kind


def document_key(organization_id: str, kind: str, name: str = "") -> str:
    """The Kafka key of a document's events, and its id wherever it is kept."""
    return f"{organization_id}:{local_key(kind, name)}"


ORGANIZATION_COMMANDS: tuple[type[Command], ...] = (
    PutOrganizationDocument,
    DeleteOrganizationDocument,
    CreateDelegation,
    RevokeDelegation,
)
ORGANIZATION_EVENTS: tuple[type[Event], ...] = (OrganizationDocumentChanged,)
