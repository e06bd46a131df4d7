"""Which runs a selection means."""

from dataclasses import replace

from contracts.bulk import RunSelection
from contracts.signals import SignalType
from services.run_engine.domain.lifecycle import RUN_OPEN
from services.run_engine.run_list import RunFilters
from shared.pages import Listing


def listing_of(
    organization_id: str, selection: RunSelection, signal_type: SignalType, cursor: str | None, limit: int
) -> Listing:
    """A walk over them that a signal's own effects lead no run into twice."""
    listing = RunFilters(**selection.filters()).listing(organization_id, None, cursor, limit)
    query = {**listing.query, "_id": {"$in": selection.run_ids}} if selection.run_ids else dict(listing.query)
    if selection.status is None and selection.run_ids is None:
        meant = {*RUN_OPEN, "failed"} if signal_type == "retry" else RUN_OPEN
        query["state.status"] = {"$in": sorted(meant)}
    return replace(listing, query=query, hint="_id_" if selection.run_ids else listing.hint)
