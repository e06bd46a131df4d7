"""What the documentation says of the webhooks' routes."""

from contracts.rejections import Code
from services.gateway.documentation import IF_MATCH, Link, Operation
from services.gateway.routes.operations.parameters import PAGE, chosen
from services.gateway.routes.operations.refusals import BODY, LIST, NOT_FOUND
from services.gateway.routes.paths import WEBHOOKS
from services.gateway.shapes import requests, webhooks

_ONE = f"{WEBHOOKS}/{{webhook_id}}"
_WEBHOOK = {"webhook_id": "data/webhook_id"}
_LINKS = tuple(
    Link(name, _WEBHOOK)
    for name in ("read_webhook", "change_webhook", "test_webhook", "rotate_secret", "list_deliveries", "delete_webhook")
)
_COMMAND = (*BODY, Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT)
_MANAGE, _READ, _TAG = "webhook:manage", "webhook:read", "Webhooks"

CREATE_WEBHOOK = Operation(
    method="POST",
    path=WEBHOOKS,
    name="create_webhook",
    tag=_TAG,
    summary="Subscribe an endpoint to events of runs",
    description=(
        "From now on each event of these types is sent to `url`, signed by the"
        " [Standard Webhooks](https://www.standardwebhooks.com) scheme with the `secret` of this answer. Types are the"
        " timeline's names; `*` stands for all of them, housekeeping included. `warnings` name the `playbook_ids` that"
        " are no playbooks."
    ),
    permission=_MANAGE,
    answer=webhooks.WebhookWithSecret,
    status=201,
    body=requests.WebhookCreation,
    body_examples=("create_webhook",),
    links=_LINKS,
    refusals=(*BODY, Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT),
    command=True,
)

LIST_WEBHOOKS = Operation(
    method="GET",
    path=WEBHOOKS,
    name="list_webhooks",
    tag=_TAG,
    summary="List webhooks",
    description="Newest first.",
    permission=_READ,
    answer=webhooks.WebhookPage,
    links=(Link("read_webhook", {"webhook_id": "data/webhooks/0/webhook_id"}),),
    query=(chosen("status", "active", "paused", "disabled"), *PAGE),
    refusals=LIST,
)

READ_WEBHOOK = Operation(
    method="GET",
    path=_ONE,
    name="read_webhook",
    tag=_TAG,
    summary="Read a webhook",
    description="With what happened to it: changes, rotations, and why it was disabled.",
    permission=_READ,
    answer=webhooks.Webhook,
    etag=True,
    refusals=NOT_FOUND,
)

CHANGE_WEBHOOK = Operation(
    method="PATCH",
    path=_ONE,
    name="change_webhook",
    tag=_TAG,
    summary="Change a webhook",
    description=(
        "What is left out stays. While its `status` is `paused`, events are noted as failed deliveries, which can be"
        " replayed. One that was disabled is enabled with `/enable`."
    ),
    permission=_MANAGE,
    answer=webhooks.WebhookOutline,
    body=requests.WebhookUpdate,
    headers=(IF_MATCH,),
    refusals=(*_COMMAND, Code.CONFLICT, Code.INVALID_STATE),
    command=True,
)

DELETE_WEBHOOK = Operation(
    method="DELETE",
    path=_ONE,
    name="delete_webhook",
    tag=_TAG,
    summary="Delete a webhook",
    description="Nothing more is sent, also of what was waiting.",
    permission=_MANAGE,
    answer=webhooks.WebhookDeleted,
    refusals=(Code.VALIDATION_ERROR, Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    command=True,
)

ENABLE_WEBHOOK = Operation(
    method="POST",
    path=f"{_ONE}/enable",
    name="enable_webhook",
    tag=_TAG,
    summary="Enable a webhook that was disabled or paused",
    description="Events from now on are sent; what it missed stands among its failed deliveries, to be replayed.",
    permission=_MANAGE,
    answer=webhooks.WebhookOutline,
    body=requests.WebhookEnabling,
    refusals=_COMMAND,
    command=True,
)

ROTATE_SECRET = Operation(
    method="POST",
    path=f"{_ONE}/rotate-secret",
    name="rotate_secret",
    tag=_TAG,
    summary="Give a webhook a new secret",
    description=(
        "The new one stands in this answer only. For `old_valid_seconds` (a day; seven days at most) messages carry a"
        " signature by the old one too."
    ),
    permission=_MANAGE,
    answer=webhooks.WebhookWithSecret,
    body=requests.SecretRotation,
    refusals=_COMMAND,
    command=True,
)

TEST_WEBHOOK = Operation(
    method="POST",
    path=f"{_ONE}/test",
    name="test_webhook",
    tag=_TAG,
    summary="Send a test message",
    description="Of type `webhook_test`, once, also to one that is paused or disabled. Its delivery says how it went.",
    permission=_MANAGE,
    answer=webhooks.TrialSent,
    body=requests.WebhookTest,
    links=(Link("list_deliveries", _WEBHOOK),),
    refusals=_COMMAND,
    command=True,
)

LIST_DELIVERIES = Operation(
    method="GET",
    path=f"{_ONE}/deliveries",
    name="list_deliveries",
    tag=_TAG,
    summary="List what was sent to a webhook, or waits, or failed",
    description="Newest first; kept for 30 days, unless the installation says otherwise.",
    permission=_READ,
    answer=webhooks.DeliveryPage,
    links=(
        Link(
            "replay_delivery",
            {"webhook_id": "data/deliveries/0/webhook_id", "delivery_id": "data/deliveries/0/delivery_id"},
        ),
    ),
    query=(chosen("status", "pending", "delivered", "failed"), *PAGE),
    refusals=(*LIST, *NOT_FOUND),
)

REPLAY_DELIVERY = Operation(
    method="POST",
    path=f"{_ONE}/deliveries/{{delivery_id}}/replay",
    name="replay_delivery",
    tag=_TAG,
    summary="Send a message again",
    description="Whatever became of it before, under the same `webhook-id`, with tries for a day.",
    permission=_MANAGE,
    answer=webhooks.Delivery,
    body=requests.DeliveryReplay,
    refusals=(*_COMMAND, Code.INVALID_STATE),
    command=True,
)

REPLAY_FAILED = Operation(
    method="POST",
    path=f"{_ONE}/replay-failed",
    name="replay_failed_deliveries",
    tag=_TAG,
    summary="Send again all that failed since a moment",
    description="Failed deliveries that were made then or later, tests left out.",
    permission=_MANAGE,
    answer=webhooks.Replayed,
    body=requests.FailedReplay,
    refusals=(*_COMMAND, Code.INVALID_STATE),
    command=True,
)

OPERATIONS = (
    CREATE_WEBHOOK, LIST_WEBHOOKS, READ_WEBHOOK, CHANGE_WEBHOOK, DELETE_WEBHOOK, ENABLE_WEBHOOK, ROTATE_SECRET,
    TEST_WEBHOOK, LIST_DELIVERIES, REPLAY_DELIVERY, REPLAY_FAILED,
)  # fmt: skip
