"""Playbooks, as they are read."""

from typing import Any, Literal

from contracts.definitions import StepDefinition
from contracts.values import Moment
from services.gateway.shapes.answers import PlaybookSize, Shape
from services.gateway.shapes.reads.lists import Listed


class PlaybookOutline(Shape):
    """A playbook's current revision, without its steps."""

    playbook_id: str
    revision: int
    organization_id: str
    name: str
    description: str | None
    smart_code: str
    type: str
    category: str | None
    version: str
    metadata: dict[str, Any]
    created_at: Moment
    created_by: str
    status: Literal["active", "archived"]
    updated_at: Moment
    updated_by: str
    metrics: PlaybookSize


class RevisionNote(Shape):
    revision: int
    version: str
    created_at: Moment
    created_by: str


class Playbook(PlaybookOutline):
    steps: list[StepDefinition]
    revisions: list[RevisionNote]
    """Oldest first; each can be read at `…/revisions/{revision}`."""


class Revision(Shape):
    """A playbook as one of its revisions had it."""

    playbook_id: str
    revision: int
    organization_id: str
    name: str
    description: str | None
    smart_code: str
    type: str
    category: str | None
    version: str
    metadata: dict[str, Any]
    created_at: Moment
    created_by: str
    steps: list[StepDefinition]


class PlaybookPage(Listed):
    playbooks: list[PlaybookOutline]
