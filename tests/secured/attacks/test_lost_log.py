"""All brokers lose their logs at once, and with them their ACLs: their operator gives both back."""

import orjson

from tests.e2e.loss import lose_log
from tests.e2e.test_lost_log import check_commands_after
from tests.e2e.test_other_producers import SOURCES
from tests.running_stack import RunningStack
from tests.secured.cluster import give_rights


async def test_every_command_after_the_loss_is_answered_though_no_service_is_started_anew(stack: RunningStack) -> None:
    async def lose() -> None:
        await lose_log(stack.folder, stack.plan)
        await give_rights(stack.bootstrap_servers, {"SIGNAL_SOURCES": orjson.dumps(SOURCES).decode()})

    await check_commands_after(stack, lose)
