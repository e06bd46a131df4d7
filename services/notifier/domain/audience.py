"""Who is told of what happens to a step: whom it names, who holds its roles, and who stands in for them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from contracts.events import Event
from contracts.policies import Delegation
from services.notifier.domain.mail import address_of
from services.notifier.domain.notices import Notice, Source, StartedRun, doers
from services.notifier.domain.occasions import Occasion, occasion


@dataclass(frozen=True, slots=True)
class Directory:
    """What an organisation says of its people."""

    contacts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Ids or e-mail addresses, by role."""
    delegations: Sequence[Delegation] = ()


@dataclass(frozen=True, slots=True)
class _Recipient:
    user: str
    role: str | None = None
    on_behalf_of: str | None = None


def of_step(
    source: Source, event: Event, run: StartedRun | None, directory: Directory, domain: str | None
) -> list[Notice]:
    """Each person once, in their own right before as a substitute; not who did it, nor who has voted already.

    `domain`: what makes an address of a user's id, so that one person under two names is one.
    """
    told = occasion(event)
    if told is None:
        return []
    silent = {mailbox(user, domain) for user in (*doers(event), *told.open_to.voted)}
    people: dict[str, _Recipient] = {}
    for recipient in _entitled(told, directory, event.at):
        people.setdefault(mailbox(recipient.user, domain), recipient)
    return [_notice(source, told, run, found) for box, found in people.items() if box not in silent]


def mailbox(user: str, domain: str | None) -> str:
    """What tells one person from another."""
    return (address_of(user, domain) or user).casefold()


def _entitled(told: Occasion, directory: Directory, at: datetime) -> Iterator[_Recipient]:
    in_own_right = [*map(_Recipient, told.named), *_holders(told.roles, directory)]
    yield from in_own_right
    yield from _substitutes(told, {recipient.user for recipient in in_own_right}, directory, at)


def _holders(roles: Iterable[str], directory: Directory) -> Iterator[_Recipient]:
    for role in roles:
        for contact in directory.contacts.get(role, ()):
            yield _Recipient(contact, role=role)


def _substitutes(told: Occasion, people: set[str], directory: Directory, at: datetime) -> Iterator[_Recipient]:
    """Of these people, and of whoever lends a role that is told; not of who has voted."""
    for delegation in sorted(directory.delegations, key=lambda d: (d.starts_at, d.delegator, d.substitute)):
        if not delegation.is_in_force(at) or delegation.delegator in told.open_to.voted:
            continue
        by_name = delegation.delegator in people and delegation.lends_enough(told.open_to.assignee_roles)
        if by_name or not set(delegation.lent_roles).isdisjoint(told.roles):
            yield _Recipient(delegation.substitute, on_behalf_of=delegation.delegator)


def _notice(source: Source, told: Occasion, run: StartedRun | None, recipient: _Recipient) -> Notice:
    return Notice(
        source.run_id, source.sequence, source.organization_id, recipient.user, told.type, told.step_id,
        told.step_name, told.due_at, told.reason, playbook_name=run.playbook_name if run else None,
        role=recipient.role, on_behalf_of=recipient.on_behalf_of,
    )  # fmt: skip
