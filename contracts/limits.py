"""How much a playbook and a run may hold. What goes beyond a limit is refused with the limit's name and size.

Together they keep a run's document, with its journal, below MongoDB's 16 MiB, and each message below Kafka's 8 MiB
(docs/limits.md). Sizes are those of JSON in UTF-8, in bytes.
"""

STEPS = 1000
"""Of a playbook."""
DEFINITION_BYTES = 1024 * 1024
"""Of a playbook as it is sent."""
CONDITIONS_OF_STEP = 100
"""Pre- and post-conditions, those within groups counted."""
CONDITIONS = 5000
"""Of a playbook."""
CONDITION_DEPTH = 10
"""Groups within groups."""
FIELDS_OF_STEP = 200
"""Form fields, and as many required outputs."""
OPTIONS_OF_FIELD = 1000
ITEMS_OF_LIST = 1000
"""Of each list of a step's metadata: documents, deliverables, sections, items to check off, options."""
BANDS = 100
"""Of an approval matrix."""
PATTERN_LENGTH = 1000
"""Characters of a `matches` or `validation` pattern."""
PATTERN_PROGRAM = 2000
"""Instructions that RE2 makes of it."""
PATTERN_MEMORY = 1024 * 1024
"""Bytes that RE2 may use for it."""
PATTERN_WORK = 800_000
"""Instructions × bytes of text that the patterns of a completion's contract may take, and those of all steps that look
at their conditions after it: some 15 ms each at the worst. What comes beyond is not tried, and does not match."""
ITEMS_LOOKED_THROUGH = 500_000
"""Items of lists that the conditions of one command may search; a time, a list or an object costs ten to be searched
for, and 16 characters of a text cost one. What comes beyond is not looked through, and does not hold."""
MATCHES = 50
"""Conditions of a playbook with `matches`."""

RUN_DATA_BYTES = 2 * 1024 * 1024
"""Of a run's data, context and metadata together."""
RUN_KEPT_BYTES = 3 * 1024 * 1024
"""Of what the run's steps keep of their completions and votes: data and attachments."""
RUN_EVENTS = 10_000
"""After so many a run takes cancellations, erasures and what machines and timers bring, so that it can end."""
ATTACHMENTS = 100
"""Of one completion."""
ROLES_OF_STEP = 100
"""That may act on it, escalations counted in."""
NAME_LENGTH = 200
"""Characters of a user's id, or of a role, that is given work."""
COMMAND_OUTPUT_BYTES = 6 * 1024 * 1024
"""Of the events and jobs that come of one command: each job carries the run's data."""
JOURNAL_BYTES = 4 * 1024 * 1024
"""Of a run's events and jobs that are not known to be published yet; while there are more, it takes no new command."""
