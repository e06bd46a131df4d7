"""Who a run was cancelled by, as its cancel signal tells it."""

from collections.abc import Mapping
from typing import Any, Literal

CUSTOMER_CATEGORIES = frozenset(
    {"customer_request", "customer_withdrew", "customer_declined", "customer_unresponsive", "lost_to_competitor",
     "lost_deal", "budget", "no_longer_needed", "duplicate_by_customer"}
)  # fmt: skip
"""Values of the signal's `metadata.cancellation_category` that mean the customer; every other one means us."""


def cancelled_by(metadata: Mapping[str, Any]) -> Literal["customer", "internal"]:
    """`metadata.customer_request` decides where it is true or false; else the category does; else it was internal."""
    requested = metadata.get("customer_request")
    if isinstance(requested, bool):
        return "customer" if requested else "internal"
    category = metadata.get("cancellation_category")
    return "customer" if isinstance(category, str) and category in CUSTOMER_CATEGORIES else "internal"
