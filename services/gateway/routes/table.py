"""All routes of the public API, the busiest first: they are matched in this order."""

from services.gateway.routes.analytics import AnalyticsRoutes
from services.gateway.routes.audit import AuditRoutes
from services.gateway.routes.calendars import CalendarRoutes
from services.gateway.routes.delegations import DelegationRoutes
from services.gateway.routes.encryption import EncryptionRoutes
from services.gateway.routes.operations import analytics as figures
from services.gateway.routes.operations import audit as proofs
from services.gateway.routes.operations import calendars as hours
from services.gateway.routes.operations import delegations as substitutes
from services.gateway.routes.operations import encryption as encrypted_data
from services.gateway.routes.operations import outcomes, runs, secrets, tasks
from services.gateway.routes.operations import playbooks as definitions
from services.gateway.routes.operations import policies as rules
from services.gateway.routes.operations import webhooks as hooks
from services.gateway.routes.outcomes import OperationRoutes
from services.gateway.routes.plain import PlainRoute
from services.gateway.routes.playbooks import PlaybookCommandRoutes, PlaybookReadRoutes
from services.gateway.routes.policies import PolicyRoutes
from services.gateway.routes.runs import RunCommandRoutes, RunReadRoutes
from services.gateway.routes.secrets import SecretRoutes
from services.gateway.routes.webhooks import WebhookCommandRoutes, WebhookReadRoutes


def routes(
    commands: RunCommandRoutes,
    reads: RunReadRoutes,
    playbook_commands: PlaybookCommandRoutes,
    playbooks: PlaybookReadRoutes,
    analytics: AnalyticsRoutes,
    policies: PolicyRoutes,
    calendars: CalendarRoutes,
    delegations: DelegationRoutes,
    operations: OperationRoutes,
    audit: AuditRoutes,
    webhook_commands: WebhookCommandRoutes,
    webhooks: WebhookReadRoutes,
    encryption: EncryptionRoutes,
    named_secrets: SecretRoutes,
) -> list[PlainRoute]:
    table = [
        runs.COMPLETE_STEP.route(commands.complete),
        runs.START_RUN.route(commands.start),
        runs.SIGNAL_RUN.route(commands.signal),
        runs.SIGNAL_RUNS.route(commands.bulk_signal),
        runs.CLAIM_STEP.route(commands.claim),
        runs.RELEASE_STEP.route(commands.release),
        runs.UPDATE_RUN.route(commands.update),
        runs.READ_STEP.route(reads.step),
        runs.EXPLAIN_RUN.route(reads.why),
        runs.READ_RUN.route(reads.read),
        runs.READ_TIMELINE.route(reads.timeline),
        runs.LIST_RUNS.route(reads.listing),
        tasks.LIST_TASKS.route(reads.tasks),
        tasks.COUNT_TASKS.route(reads.task_counts),
        definitions.CREATE_PLAYBOOK.route(playbook_commands.create),
        definitions.REVISE_PLAYBOOK.route(playbook_commands.revise),
        definitions.ARCHIVE_PLAYBOOK.route(playbook_commands.archive),
        definitions.RESTORE_PLAYBOOK.route(playbook_commands.restore),
        definitions.DELETE_PLAYBOOK.route(playbook_commands.delete),
        definitions.LIST_PLAYBOOKS.route(playbooks.listing),
        definitions.READ_PLAYBOOK.route(playbooks.read),
        definitions.READ_REVISION.route(playbooks.revision),
        figures.PLAYBOOK_METRICS.route(playbooks.metrics),
        figures.RUN_ANALYTICS.route(analytics.runs),
        rules.LIST_POLICIES.route(policies.listing),
        rules.READ_POLICY.route(policies.read),
        rules.PUT_POLICY.route(policies.put),
        rules.READ_POLICY_HISTORY.route(policies.history),
        rules.TRY_POLICY.route(policies.trial),
        hours.LIST_CALENDARS.route(calendars.listing),
        hours.READ_CALENDAR.route(calendars.read),
        hours.PUT_CALENDAR.route(calendars.put),
        hours.DELETE_CALENDAR.route(calendars.delete),
        hours.READ_CALENDAR_HISTORY.route(calendars.history),
        substitutes.CREATE_DELEGATION.route(delegations.create),
        substitutes.LIST_DELEGATIONS.route(delegations.listing),
        substitutes.READ_DELEGATION.route(delegations.read),
        substitutes.REVOKE_DELEGATION.route(delegations.revoke),
        outcomes.READ_OPERATION.route(operations.read),
        outcomes.READ_RESULTS.route(operations.results),
        hooks.CREATE_WEBHOOK.route(webhook_commands.create),
        hooks.CHANGE_WEBHOOK.route(webhook_commands.change),
        hooks.DELETE_WEBHOOK.route(webhook_commands.delete),
        hooks.ENABLE_WEBHOOK.route(webhook_commands.enable),
        hooks.ROTATE_SECRET.route(webhook_commands.rotate_secret),
        hooks.TEST_WEBHOOK.route(webhook_commands.test),
        hooks.REPLAY_DELIVERY.route(webhook_commands.replay),
        hooks.REPLAY_FAILED.route(webhook_commands.replay_failed),
        hooks.LIST_WEBHOOKS.route(webhooks.listing),
        hooks.READ_WEBHOOK.route(webhooks.read),
        hooks.LIST_DELIVERIES.route(webhooks.deliveries),
        proofs.VERIFY_TIMELINE.route(audit.verification),
        proofs.EXPORT_EVIDENCE.route(audit.evidence),
        proofs.READ_RUN_ACCESS.route(audit.run_access),
        proofs.READ_ORGANIZATION_ACCESS.route(audit.organization_access),
        encrypted_data.ERASE_RUN_DATA.route(encryption.erase_run),
        encrypted_data.ERASE_ORGANIZATION_DATA.route(encryption.erase_organization),
        encrypted_data.ROTATE_KEY.route(encryption.rotate_key),
        secrets.PUT_SECRET.route(named_secrets.put),
        secrets.LIST_SECRETS.route(named_secrets.listing),
        secrets.DELETE_SECRET.route(named_secrets.delete),
    ]
    for route in table:
        route.methods |= {"HEAD"} if "GET" in route.methods else set()  # the server leaves the body out
    return table
