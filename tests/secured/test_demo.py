"""The demo over three brokers with SASL_SSL and ACLs: every service has the rights that it needs."""

from pathlib import Path

from deploy.demo import __main__ as demo
from deploy.demo.target import Target
from tests.secured.certificates import Authority
from tests.secured.cluster import running


async def test_the_demo_passes_over_secured_brokers(authority: Authority, tmp_path: Path) -> None:
    with running(tmp_path, authority, {}) as stack:
        await demo.play(Target(stack.gateway_url, stack.bootstrap_servers, stack.folder.jwt_secret()))
