"""Named secrets: where they can be found, and who may use them."""

from tests.e2e.test_secrets import (
    company,
    test_a_secret_belongs_to_its_organization_and_needs_its_permissions,
    test_a_secret_stands_in_no_store_no_topic_no_log_and_no_answer,
)

__all__ = [
    "company",
    "test_a_secret_belongs_to_its_organization_and_needs_its_permissions",
    "test_a_secret_stands_in_no_store_no_topic_no_log_and_no_answer",
]
