"""The organisations: each with its playbook, its people and their tokens."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from deploy.client import Call, Client, Conflict
from deploy.client.shapes import PlaybookDraft
from deploy.demo.errors import DemoError
from deploy.local.tokens import make_token

PLAYBOOKS = Path(__file__).parent / "playbooks"


@dataclass(frozen=True, slots=True)
class Person:
    """A user id and the roles that the token carries."""

    sub: str
    roles: tuple[str, ...] = ()


AUTHOR = Person("playbook_admin_001", ("playbook_admin",))


class House:
    """One organisation and its playbook, as the API's reference has them."""

    def __init__(self, name: str, http: httpx.AsyncClient, secret: str, watch: Callable[[Call], None]) -> None:
        document = json.loads((PLAYBOOKS / f"{name}.json").read_text())
        self.organization_id: str = document["organization_id"]
        self.draft: PlaybookDraft = document["playbook"]
        self.playbook_id = ""
        """Known once it is registered."""
        self.registered_before = False
        self._http = http
        self._secret = secret
        self._watch = watch
        self._clients: dict[Person, Client] = {}

    @property
    def playbook_name(self) -> str:
        return str(self.draft["name"])

    def of(self, person: Person) -> Client:
        """The person's own client, with a token of this organisation."""
        if person not in self._clients:
            token = make_token(self._secret, person.sub, self.organization_id, person.roles)
            self._clients[person] = Client(self._http, token, self.organization_id, self._watch)
        return self._clients[person]

    async def register(self) -> None:
        """Creates the playbook, or finds it where an earlier demo did."""
        author = self.of(AUTHOR)
        try:
            self.playbook_id = (await author.create_playbook(self.draft))["playbook_id"]
        except Conflict:
            self.playbook_id = await self._find(author)
            self.registered_before = True

    async def _find(self, author: Client) -> str:
        async for playbook in author.each_playbook(status="active"):
            if playbook["smart_code"] == self.draft["smart_code"]:
                return playbook["playbook_id"]
        raise DemoError(f"{self.organization_id} has {self.draft['smart_code']}, but its list does not show it.")
