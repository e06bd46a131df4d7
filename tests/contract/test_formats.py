"""Types that are added to an internal topic say so, and the order of an upgrade has readers before writers."""

import re
from pathlib import Path

import pytest

from contracts.registry import ENVELOPED, format_of, topic_format
from contracts.topics import MAIN_TOPICS, Topic

CHECKOUT = Path(__file__).resolve().parents[2]
FIRST_FORMAT = frozenset([
    "ApprovalRecorded", "ArchivePlaybook", "AutomationAttemptFailed", "AutomationFellBack", "AutomationJob",
    "AutomationRequested", "CancelRun", "ChangeWebhook", "ClaimStep", "CompleteStep", "CreateDelegation",
    "CreatePlaybook", "CreateWebhook", "DataUpdated", "DeleteOrganizationDocument", "DeletePlaybook",
    "DeleteWebhook", "EnableWebhook", "EncryptedDataErased", "EraseEncryptedData", "EscalateStep", "FireTimer",
    "JobsOrder", "LateResultRecorded", "NotificationFailed", "NotificationSent", "OrganizationDocumentChanged",
    "PauseRun", "PlaybookRegistered", "PutOrganizationDocument", "ReassignStep", "ReceiveEvent",
    "RecordAutomationResult", "RecordNotification", "ReleaseStep", "ReminderDue", "ReplayDelivery",
    "ReplayFailedDeliveries", "Reply", "RestorePlaybook", "ResumeRun", "RetryStep", "RevisePlaybook",
    "RevokeDelegation", "RotateWebhookSecret", "RunBlocked", "RunCancelled", "RunCompleted", "RunCreated",
    "RunFailed", "RunOverdue", "RunPaused", "RunReopened", "RunResumed", "RunUnblocked", "SignalRuns",
    "SkipStep", "StartRun", "StepAssigned", "StepBlocked", "StepCancelled", "StepCompleted", "StepEscalated",
    "StepFailed", "StepOffered", "StepOverdue", "StepReleased", "StepRetried", "StepSkipped", "StepStarted",
    "StepsReturned", "TestWebhook", "UpdateData",
])  # fmt: skip
"""The types of format 1. Never add to them: earlier versions of the system would set a new type aside."""
AGAINST_THE_ORDER = {
    ("automation", "run_engine", "run.commands"),
    ("notifier", "run_engine", "run.commands"),
    ("run_engine", "gateway", "gateway.replies"),
    ("playbook_registry", "gateway", "gateway.replies"),
    ("notifier", "gateway", "gateway.replies"),
}
"""Who writes is upgraded before who reads: a new message takes two versions there, see docs/upgrading.md."""


def documented_order() -> list[str]:
    return re.findall(r"^\d\. `(\w+)`", (CHECKOUT / "docs" / "upgrading.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", ENVELOPED)
def test_a_type_that_was_added_later_has_a_format_of_its_own(name: str) -> None:
    payload, topic = ENVELOPED[name]
    assert (format_of(payload) == 1) is (name in FIRST_FORMAT), f"give {name} FORMAT = {topic_format(topic.name) + 1}"


def test_the_order_of_an_upgrade_has_every_service_and_the_manifests_follow_it() -> None:
    order = documented_order()
    services = {path.name for path in (CHECKOUT / "services").iterdir() if (path / "main.py").exists()}
    assert order[0] == "topics"
    assert set(order[1:]) == services and len(order) == len(services) + 1
    for document in ("docs/upgrading.md", "deploy/kubernetes/README.md"):
        for loop in re.findall(r"for service in ([\w ]+); do", (CHECKOUT / document).read_text()):
            assert loop.split() == order[1:], document


@pytest.mark.parametrize("topic", [topic for topic in MAIN_TOPICS if not topic.public], ids=lambda topic: topic.name)
def test_readers_are_upgraded_before_writers(topic: Topic) -> None:
    order = documented_order()
    late = {
        (writer, reader, topic.name)
        for writer in topic.writers
        for reader in topic.readers
        if order.index(writer) < order.index(reader)
    }
    assert late == {exception for exception in AGAINST_THE_ORDER if exception[2] == topic.name}
