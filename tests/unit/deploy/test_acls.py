"""The rights that each principal of Kafka gets."""

import json

import pytest

from contracts.topics import RUN_COMMANDS, RUN_EVENTS, SIGNALS, TOPICS, WORKER_JOBS, WORKER_RESULTS
from deploy.acls import Acl, acls
from deploy.topics import TopicsError


def may(principal: str, operation: str, environment: dict[str, str] | None = None) -> set[str]:
    found = acls(environment or {})
    return {a.name for a in found if (a.principal, a.operation, a.resource) == (principal, operation, "topic")}


def test_every_service_has_the_topics_of_the_contract_and_no_others() -> None:
    services = {name for topic in TOPICS for name in (*topic.writers, *topic.readers) if " " not in name}
    for service in services - {"operators"}:
        assert may(service, "Write") == {topic.name for topic in TOPICS if service in topic.writers}
        beyond = {RUN_COMMANDS.parked} if service == "run_engine" else set()
        assert may(service, "Read") == {topic.name for topic in TOPICS if service in topic.readers} | beyond


def test_only_the_engine_writes_events_and_who_restores_them() -> None:
    writers = {a.principal for a in acls({}) if a.name in (RUN_EVENTS.name, "*") and a.operation == "Write"}
    assert writers == {"run_engine", "restore"}


def test_who_makes_a_backup_changes_nothing() -> None:
    rights = {(a.resource, a.operation) for a in acls({}) if a.principal == "backup"}
    assert rights == {("topic", "Read"), ("group", "Describe")}


def test_a_worker_has_the_two_topics_of_workers() -> None:
    assert (may("worker", "Read"), may("worker", "Write")) == ({WORKER_JOBS.name}, {WORKER_RESULTS.name})


def test_sources_write_to_their_own_topic_and_the_engine_reads_it() -> None:
    sources = {"SIGNAL_SOURCES": json.dumps({"crm": {}, "billing": {"topic": "playbook.signals.billing"}})}
    assert may("crm", "Write", sources) == {SIGNALS.name}
    assert may("billing", "Write", sources) == {"playbook.signals.billing"}
    assert "playbook.signals.billing" in may("run_engine", "Read", sources)
    assert not may("source", "Write", sources)


def test_sources_that_are_none_are_refused() -> None:
    with pytest.raises(TopicsError, match="SIGNAL_SOURCES"):
        acls({"SIGNAL_SOURCES": "[1]"})


@pytest.mark.parametrize("name", ["run_engine", "operator", "worker", "backup", "restore"])
def test_a_source_under_the_name_of_another_principal_is_refused(name: str) -> None:
    with pytest.raises(TopicsError, match=f"SIGNAL_SOURCES names {name}, .* give the source another name"):
        acls({"SIGNAL_SOURCES": json.dumps({name: {}, "source": {}})})


def test_a_right_is_an_argument_list_of_kafkas_own_tool() -> None:
    assert Acl("a", "group", "a.", "Read", prefixed=True).command() == (
        "--add --force --allow-principal 'User:a' --operation Read --group 'a.' --resource-pattern-type prefixed"
    )
