from contracts.commands import EraseEncryptedData
from contracts.events import EncryptedDataErased
from services.run_engine.domain.views import erasure_view
from tests.unit.run_engine.story import ADMIN, Story, playbook

FORM = {"metadata": {"form_fields": [{"name": "ssn", "type": "text", "encrypted": True}]}}


def story() -> Story:
    told = Story(playbook(FORM, {})).started()
    return told.completes(1, data={"ssn": told.encrypted("123-45-6789"), "name": "Ann"})


def erase(*key_ids: str) -> EraseEncryptedData:
    return EraseEncryptedData(caller=ADMIN, key_ids=list(key_ids), reason="asked for by the patient")


def test_says_which_fields_are_lost_with_which_keys() -> None:
    told = story().when(erase("key_1")).then("EncryptedDataErased")
    (event,) = told.history[-1:]
    assert isinstance(event, EncryptedDataErased)
    assert (event.fields, event.key_ids, event.actor.id) == (["ssn"], ["key_1"], "admin")
    assert told.state.erased_keys == ("key_1",)
    assert told.state.status == "active"


def test_is_taken_by_a_run_that_is_over() -> None:
    told = story().completes(2).when(erase("key_1")).then("EncryptedDataErased")
    assert told.state.status == "completed"


def test_a_key_is_erased_once() -> None:
    story().when(erase("key_1")).when(erase("key_1")).then()


def test_the_answer_names_fields_and_keys_or_that_there_was_nothing() -> None:
    told = story().when(erase("key_1"))
    assert isinstance(told.answer, list)
    view = erasure_view(told.state, told.answer)
    assert (view["erased_fields"], view["keys_destroyed"]) == (["ssn"], ["key_1"])
    assert view["timeline_entry"]["event"] == "encrypted_data_erased"
    assert view["timeline_entry"]["details"] == {"fields": ["ssn"], "reason": "asked for by the patient"}
    nothing = erasure_view(told.state, [])
    assert (nothing["erased_fields"], nothing["keys_destroyed"], nothing["timeline_entry"]) == ([], [], None)
