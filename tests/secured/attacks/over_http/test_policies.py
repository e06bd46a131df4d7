"""What organizations demand of those who act."""

from tests.e2e.test_policies import (
    test_an_assignment_does_not_stand_for_a_role_where_a_role_is_required,
)

__all__ = [
    "test_an_assignment_does_not_stand_for_a_role_where_a_role_is_required",
]
