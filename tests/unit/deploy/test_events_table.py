"""Whoever subscribes finds each event in the documentation."""

import re

from contracts.webhooks import ANY_EVENT, EVENT_TYPES
from deploy.events_table import MEANINGS, events_table


def test_every_event_that_a_webhook_may_ask_for_is_in_the_table_and_nothing_else() -> None:
    told = re.findall(r"^\| `(\w+)` \| .+ \| (?:yes)? ?\|$", events_table(), re.MULTILINE)
    assert sorted([*told, ANY_EVENT]) == sorted(EVENT_TYPES)
    assert set(told) == set(MEANINGS)
