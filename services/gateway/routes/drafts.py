"""The playbook that a body brings, or all that is wrong with it: also where its shape already is."""

import orjson

from contracts.definitions import PlaybookDraft
from contracts.rejections import Rejection
from services.gateway.admission import Admitted
from services.gateway.owners import Owner
from services.gateway.shapes.checking import shaped
from services.gateway.shapes.requests import PlaybookCreation, PlaybookRevision
from shared.errors import Refused, Unavailable


async def draft_of(
    model: type[PlaybookCreation | PlaybookRevision], admitted: Admitted, registry: Owner
) -> PlaybookDraft:
    """Raises Refused (VALIDATION_ERROR): the shape's faults first, then what the registry finds beside them."""
    try:
        return shaped(model, admitted).playbook
    except Refused as refused:
        raise Refused.because(await _with_what_else(refused.rejection, admitted, registry)) from None


async def _with_what_else(rejection: Rejection, admitted: Admitted, registry: Owner) -> Rejection:
    draft, params = admitted.body.get("playbook"), [("organization_id", admitted.identity.organization_id)]
    if not isinstance(draft, dict):
        return rejection
    try:
        answer = (await registry.post("/internal/playbooks/faults", params, orjson.dumps(draft))).data()
    except (Refused, Unavailable):  # what is known is told all the same
        return rejection
    shape = [{"code": rejection.code.value, "message": rejection.message, **e} for e in rejection.details["errors"]]
    return rejection.model_copy(update={"details": {**rejection.details, "errors": [*shape, *answer["errors"]]}})
