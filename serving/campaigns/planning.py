"""A draft becomes a plan, by the code of `offers`; the work of a job."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pandas as pd
import polars as pl

from features.history.history import History
from offers.catalogue.catalogue import OfferCatalogue
from offers.planning.campaign import Campaign
from offers.planning.models import models_for
from offers.planning.plan_columns import COLUMNS
from offers.planning.planning import plan_campaign
from serving.campaigns import repository
from serving.clock import utc_now
from serving.errors import ServingError
from serving.store.database import Database
from serving.store.outbox import tell as tell_others
from training.registry.tracking import Tracker

# Rows that are written by one statement.
CHUNK = 5_000


def campaign_of(campaign_id: str, terms: Mapping[str, Any]) -> Campaign:
    """The terms of a campaign as `offers` knows them.

    Raises
    ------
    OffersError
        If one is not as it must be.
    """
    content = {"offers": terms["offers"]}
    if terms["defaults"]:
        content["defaults"] = terms["defaults"]
    catalogue = OfferCatalogue.from_dict(content)
    return Campaign(campaign_id, catalogue, terms["budget"], terms["holdout"], terms["explore"])


def plan_draft(
    database: Database,
    store: str,
    tracker: Tracker,
    campaign_id: str,
    now: Callable[[str], datetime],
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """Plan a campaign that is a draft, and keep the plan: from then on it does not change.

    Of one that is planned it tells the same: the job was lost after it had kept the plan.

    Raises
    ------
    ServingError
        If there is no such campaign.
    OffersError
        If nobody may get an offer.
    NoChampionError
    """
    with database.reading() as connection:
        draft = repository.find(connection, campaign_id)
    if draft is None:
        raise ServingError(f"there must be a campaign {campaign_id!r}; there is none.")
    if draft["counts"] is not None:
        return {"campaign_id": campaign_id, **draft["counts"], "warnings": []}
    tell("reading the history")
    history = History.open(store)
    models, notes = models_for(tracker, history)
    tell("planning")
    as_of = draft["terms"]["as_of"] or now(history.mapping.timezone)
    made = plan_campaign(history, as_of, models, campaign_of(campaign_id, draft["terms"]), tell)
    rows = pl.from_pandas(made.table[list(COLUMNS)]).to_dicts()
    counts = _counts(made.table)
    tell("keeping the plan")
    now_utc = utc_now()
    with database.writing() as connection:
        if not repository.move(
            connection, campaign_id, "draft", "planned", planned_at=now_utc, counts=counts
        ):
            raise ServingError(f"campaign {campaign_id!r} was planned by another job.")
        for start in range(0, len(rows), CHUNK):
            repository.assign(connection, rows[start : start + CHUNK])
        told = {"campaign_id": campaign_id, "counts": counts}
        tell_others(connection, "campaign.planned", told, now_utc)
    return {"campaign_id": campaign_id, **counts, "warnings": notes}


def _counts(table: pd.DataFrame) -> dict[str, Any]:
    made = table[table["arm"] == "offer"]
    return {
        **{group: int((table["arm"] == arm).sum()) for group, arm in repository.ARMS.items()},
        "expected_cost": float(made["expected_cost"].sum()),
        "expected_profit": float(made["expected_profit"].sum()),
    }
