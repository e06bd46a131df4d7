"""What the documentation says of the calendars' routes."""

from contracts.rejections import Code
from services.gateway.documentation import IF_MATCH, Link, Operation
from services.gateway.routes.operations.parameters import PAGE
from services.gateway.routes.operations.refusals import BODY, LIST, NOT_FOUND
from services.gateway.routes.paths import CALENDARS
from services.gateway.shapes import answers, requests
from services.gateway.shapes.reads.organization import CalendarHistory, Calendars

_CALENDAR = {"calendar": "data/calendar"}
_CHANGE = (Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT)

LIST_CALENDARS = Operation(
    method="GET",
    path=CALENDARS,
    name="list_calendars",
    tag="Calendars",
    summary="List the organization's business calendars",
    description="All of them, a hundred at most, by name.",
    permission="policy:read",
    answer=Calendars,
)

READ_CALENDAR = Operation(
    method="GET",
    path=f"{CALENDARS}/{{calendar}}",
    name="read_calendar",
    tag="Calendars",
    summary="Read a calendar",
    description="With the public holidays that it knows. The ETag is its revision, for `If-Match`.",
    permission="policy:read",
    answer=answers.Calendar,
    etag=True,
    links=(Link("read_calendar_history", _CALENDAR),),
    refusals=NOT_FOUND,
)

PUT_CALENDAR = Operation(
    method="PUT",
    path=f"{CALENDARS}/{{calendar}}",
    name="put_calendar",
    tag="Calendars",
    summary="Make or change a calendar",
    description=(
        "Business hours by weekday in a time zone, public holidays of a country, holidays and exceptions of one's own."
        " The calendar named `default` holds for every playbook that names none in `metadata.calendar`; others are"
        " named there, or in a step's metadata. `24x7` is no calendar's name: it stands for every hour. Steps that"
        " start and runs that are resumed after the answer are reckoned with it; dates that were reckoned before stay."
        " `public_holidays` is worked out when a calendar is put, for ten years, and by the system, as a new revision,"
        " when another year has begun; what is sent in its place is not looked at. With `If-Match` only if nobody"
        " changed it meanwhile."
    ),
    permission="policy:update",
    answer=answers.Calendar,
    body=requests.CalendarPut,
    body_examples=("put_calendar",),
    headers=(IF_MATCH,),
    links=(Link("read_calendar", _CALENDAR), Link("read_calendar_history", _CALENDAR)),
    refusals=(*BODY, *_CHANGE),
    command=True,
)

DELETE_CALENDAR = Operation(
    method="DELETE",
    path=f"{CALENDARS}/{{calendar}}",
    name="delete_calendar",
    tag="Calendars",
    summary="Delete a calendar",
    description=(
        "Refused with 409 `CONFLICT` while an active playbook or an open run's revision names it; the details name the"
        " first of them. `default` holds for all that name none: without it they are reckoned around the clock from"
        " then on. Dates that were reckoned before stay; its revisions stay too, and it can be put again."
    ),
    permission="policy:update",
    answer=answers.Calendar,
    headers=(IF_MATCH,),
    refusals=(Code.VALIDATION_ERROR, *NOT_FOUND, *_CHANGE),
    command=True,
)

READ_CALENDAR_HISTORY = Operation(
    method="GET",
    path=f"{CALENDARS}/{{calendar}}/history",
    name="read_calendar_history",
    tag="Calendars",
    summary="Read all revisions of a calendar",
    description="Newest first: who put or deleted each, when, why, and what it said. They are kept for good.",
    permission="policy:read",
    answer=CalendarHistory,
    query=PAGE,
    refusals=(*LIST, *NOT_FOUND),
)

OPERATIONS = (LIST_CALENDARS, READ_CALENDAR, PUT_CALENDAR, DELETE_CALENDAR, READ_CALENDAR_HISTORY)
