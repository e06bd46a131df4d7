"""The one-shot set-up of Compose, on a replica set that is there already."""

from deploy.replica_set import initiate
from tests.infrastructure import Infrastructure


def test_a_replica_set_that_is_there_is_left_as_it_is(infrastructure: Infrastructure) -> None:
    primary = initiate({"MONGODB_URI": infrastructure.mongodb_uri}, waited_seconds=10)
    assert primary in infrastructure.mongodb_uri
