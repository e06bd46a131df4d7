"""What a playbook has encrypted is refused where it would stay in clear."""

import pytest

from shared.clear_places import nothing_secret
from shared.errors import Refused


def test_says_where_each_of_them_stands_and_not_what_it_is() -> None:
    places = {"run.context": {"who": [{"ssn": "123"}]}, "run.metadata": {"card": "4711", "name": "Ann"}}
    with pytest.raises(Refused) as refused:
        nothing_secret(["ssn", "card"], places)
    errors = refused.value.rejection.details["errors"]
    assert [error["field"] for error in errors] == ["run.context.ssn", "run.metadata.card"]
    assert "123" not in str(errors) and "4711" not in str(errors)


def test_takes_what_holds_none() -> None:
    nothing_secret([], {"run.context": {"ssn": "123"}})
    nothing_secret(["ssn"], {"run.context": {"ssn": None, "name": "Ann"}, "run.metadata": {}})
