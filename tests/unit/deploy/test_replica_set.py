"""What is said of an address that is none of a replica set."""

import pytest

from deploy.replica_set import ReplicaSetError, initiate, main


@pytest.mark.parametrize(
    ("uri", "sentence"),
    [("mongodb://h:27017/", "names no replicaSet"), ("http://h/", "is no address of a replica set")],
)
def test_an_address_without_a_replica_set_is_refused(uri: str, sentence: str) -> None:
    with pytest.raises(ReplicaSetError, match=sentence):
        initiate({"MONGODB_URI": uri})


def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("MONGODB_URI", raising=False)
    assert main() == 2
    assert capsys.readouterr().err == "MONGODB_URI is not set.\n"
