"""Which addresses a name may lead to."""

from ipaddress import ip_network

import pytest

from shared.addresses import forbidden_address


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.1", "172.16.0.1", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "240.0.0.1", "198.18.0.1", "192.0.0.1", "192.88.99.1", "::", "::1", "fe80::1%eth0",
        "fd00::1", "fec0::1", "ff02::1", "2001:db8::1", "3fff::1", "2001:0:4136:e378::1",
    ],
)  # fmt: skip
def test_private_addresses_are_forbidden(address: str) -> None:
    assert forbidden_address(address, ())


@pytest.mark.parametrize(
    "address",
    [
        "::ffff:127.0.0.1", "::ffff:7f00:1", "::127.0.0.1", "::ffff:0:127.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1",
        "64:ff9b:1::a01:203", "64:ff9b:1:a9fe:a9:fe00:5db8:d822", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1",
        "::ffff:169.254.169.254",
    ],
)  # fmt: skip
def test_an_ipv6_address_hides_no_ipv4_one(address: str) -> None:
    assert forbidden_address(address, ())


def test_public_addresses_and_allowed_networks_are_open() -> None:
    assert not forbidden_address("93.184.216.34", ())
    assert not forbidden_address("2606:2800:220:1::1", ())
    assert not forbidden_address("64:ff9b::5db8:d822", ())
    assert not forbidden_address("10.1.2.3", [ip_network("10.1.0.0/16")])
    assert not forbidden_address("::ffff:10.1.2.3", [ip_network("10.1.0.0/16")])
    assert forbidden_address("10.2.2.3", [ip_network("10.1.0.0/16")])
