"""Campaigns: drafted, started, handed out, told of, measured."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from features.clock import as_day, as_instant
from features.history.history import History
from features.intake.store.reading import StoredSettings, stored_settings, stored_tables
from features.plain import plain
from offers.catalogue.contacts import Contacts
from offers.errors import OffersError
from offers.measurement.experiment import measure, offer_rows
from offers.planning.plan_columns import COLUMNS
from serving.campaigns import repository
from serving.campaigns.planning import campaign_of
from serving.campaigns.schemas import (
    Assigned,
    AssignmentPage,
    AssignmentQuery,
    CampaignAnswer,
    CampaignPage,
    NewCampaign,
    NotTaken,
    Outcome,
    OutcomesAnswer,
    ResultsAnswer,
)
from serving.clock import ShopClock, utc_now
from serving.events.schemas import MOST_EVENTS
from serving.events.service import take_events
from serving.http.problems import FieldProblem, ProblemError, shortened
from serving.jobs.repository import add as add_job
from serving.repeated import ONCE, Repeatable
from serving.store.audit import record
from serving.store.database import Connection, Database
from serving.store.outbox import tell

GROUPS = {arm: group for group, arm in repository.ARMS.items()}


def draft(
    database: Database, asked: NewCampaign, caller: str, repeatable: Repeatable = ONCE
) -> CampaignAnswer:
    """A campaign, and the job that plans it.

    Raises
    ------
    ProblemError
        If its offers are not as they must be, there is one of that id, or the key stands for
        another request.
    """
    terms = asked.model_dump(mode="json", exclude={"campaign_id"})
    try:
        campaign_of(asked.campaign_id, terms)
    except OffersError as error:
        remedy = "See docs/offers.md."
        problem = FieldProblem(place="body", field="/offers", detail=str(error), remedy=remedy)
        raise ProblemError(422, f"body {error}", [problem]) from None
    whole = asked.model_dump_json()
    with database.writing(alone="campaigns") as connection:
        repeatable.made_before(connection, caller, whole)
        if (known := repository.find(connection, asked.campaign_id)) is not None:
            if known["terms"] == terms:
                return _answer(known)  # Asked again, such as by a request that got no answer.
            raise ProblemError(409, "There is another campaign of this id. Give it another one.")
        now = utc_now()
        request = {"campaign_id": asked.campaign_id}
        job = add_job(connection, now, kind="plan", request=request, asked_by=caller)
        repository.add(
            connection,
            campaign_id=asked.campaign_id,
            terms=terms,
            created_by=caller,
            created_at=now,
            job_id=job,
        )
        record(connection, now, caller, "campaign.drafted", campaign=asked.campaign_id)
        repeatable.note(connection, caller, whole, job, now)
        return _answer(_found(connection, asked.campaign_id))


def every(database: Database) -> CampaignPage:
    """All campaigns."""
    with database.reading() as connection:
        return CampaignPage(campaigns=[_answer(row) for row in repository.every(connection)])


def one(database: Database, campaign_id: str) -> CampaignAnswer:
    """A campaign.

    Raises
    ------
    ProblemError
        If there is none of that id.
    """
    with database.reading() as connection:
        return _answer(_found(connection, campaign_id))


def start(database: Database, clock: ShopClock, campaign_id: str, caller: str) -> CampaignAnswer:
    """Make the offers: from now on the history has them, and who was held out.

    Asked again it changes nothing, so that a start that was broken off is ended.

    Raises
    ------
    ProblemError
        If it is not planned.
    """
    with database.reading() as connection:
        found = _found(connection, campaign_id)
        rows = repository.plan_rows(connection, campaign_id)
    if found["state"] not in ("planned", "running"):
        raise _wrong_state(found, "planned")
    made = offer_rows(_plan(rows))
    events = [_offer_event(campaign_id, row) for row in made.to_dict("records")]
    for first in range(0, len(events), MOST_EVENTS):
        take_events(database, events[first : first + MOST_EVENTS], clock)
    with database.writing() as connection:
        if repository.move(connection, campaign_id, "planned", "running"):
            repository.note_start(connection, campaign_id, utc_now())
            record(connection, utc_now(), caller, "campaign.started", campaign=campaign_id)
        return _answer(_found(connection, campaign_id))


def end(database: Database, campaign_id: str, caller: str) -> CampaignAnswer:
    """End a campaign: nothing more is to be sent.

    Raises
    ------
    ProblemError
        If it does not run.
    """
    with database.writing() as connection:
        found = _found(connection, campaign_id)
        if found["state"] == "ended":
            return _answer(found)
        now = utc_now()
        if not repository.move(connection, campaign_id, "running", "ended", ended_at=now):
            raise _wrong_state(found, "running")
        record(connection, now, caller, "campaign.ended", campaign=campaign_id)
        tell(connection, "campaign.ended", {"campaign_id": campaign_id}, now)
        return _answer(_found(connection, campaign_id))


def assignments(
    database: Database, clock: ShopClock, campaign_id: str, query: AssignmentQuery
) -> AssignmentPage:
    """Who is to get what, with the consent that there is now.

    Raises
    ------
    ProblemError
        If it is not planned yet.
    """
    with database.reading() as connection:
        found = _found(connection, campaign_id)
        if found["state"] == "draft":
            raise _wrong_state(found, "planned")
        rows = repository.assignments(
            connection, campaign_id, query.group, query.after, query.limit + 1
        )
        page = rows[: query.limit]
        consent = _consent(connection, clock, [row["customer_id"] for row in page])
    given = [_assignment(row, consent[row["customer_id"]], found["state"]) for row in page]
    more = len(rows) > query.limit
    return AssignmentPage(
        campaign_id=campaign_id,
        state=found["state"],
        assignments=given,
        next_after=page[-1]["customer_id"] if more else None,
    )


def outcomes(
    database: Database, clock: ShopClock, campaign_id: str, given: Sequence[Outcome]
) -> OutcomesAnswer:
    """Take what came of offers, as events.

    Raises
    ------
    ProblemError
        If the campaign was not started.
    """
    with database.reading() as connection:
        found = _found(connection, campaign_id)
        if found["state"] not in ("running", "ended"):
            raise _wrong_state(found, "running")
        ids = list({outcome.customer_id for outcome in given})
        known = repository.assigned(connection, campaign_id, ids)
    rejected, events, places = [], [], []
    for index, outcome in enumerate(given):
        row = known.get(outcome.customer_id)
        if row is None or row["arm"] != "offer":
            got = (
                "nobody of this id" if row is None else f"a customer of group {GROUPS[row['arm']]}"
            )
            detail = f"customer_id must be of somebody who got an offer; got {got}"
            remedy = "Send outcomes of the treatment alone."
            rejected.append(NotTaken(index=index, detail=detail, remedy=remedy))
            continue
        events.append(_outcome_event(campaign_id, row, outcome))
        places.append(index)
    taken = take_events(database, events, clock) if events else None
    for bad in taken.rejected if taken else ():
        detail = f"{bad.field} {bad.detail}".strip()
        rejected.append(NotTaken(index=places[bad.index], detail=detail, remedy=bad.remedy))
    return OutcomesAnswer(
        accepted=taken.accepted if taken else 0,
        duplicate=taken.duplicate if taken else 0,
        rejected=sorted(rejected, key=lambda each: each.index),
    )


def results(database: Database, clock: ShopClock, campaign_id: str, interim: bool) -> ResultsAnswer:
    """What a campaign brought, by the code of `holdfast measure`.

    Raises
    ------
    ProblemError
        If it was not started, or it is too early.
    """
    with database.reading() as connection:
        found = _found(connection, campaign_id)
        if found["state"] not in ("running", "ended"):
            raise _wrong_state(found, "running")
        rows = repository.plan_rows(connection, campaign_id)
        settings = stored_settings(connection) or StoredSettings()
        intakes = stored_tables(connection, settings)
    history = History.from_intakes(intakes, settings.mapping)
    day = as_day(clock.now(settings.mapping.timezone))
    try:
        measured = measure(history, _plan(rows), day, interim)
    except OffersError as error:
        raise ProblemError(409, str(error)) from None
    return ResultsAnswer(measured_at=as_instant(day), results=plain(measured.as_dict()))


def _assignment(row: repository.Row, consent: Any, state: str) -> Assigned:
    group: Any = GROUPS[row["arm"]]
    is_treated = group == "treatment"
    figures = ("propensity", "expected_uplift", "expected_cost", "expected_profit", "reason")
    return Assigned(
        customer_id=row["customer_id"],
        group=group,
        offer=row["intended_offer"] if is_treated else None,
        intended_offer=row["intended_offer"],
        send=is_treated and consent == "given" and state == "running",
        consent=consent,
        **{name: row[name] for name in figures},
    )


def _consent(
    connection: Connection, clock: ShopClock, customer_ids: Sequence[str]
) -> dict[str, Any]:
    """Consent as it is now, by the code that plans go by."""
    settings = stored_settings(connection) or StoredSettings()
    intakes = stored_tables(connection, settings, customer_ids)
    timezone = settings.mapping.timezone
    past = History.from_intakes(intakes, settings.mapping).upto(as_day(clock.now(timezone)))
    states = Contacts.of(past).consent_of(pd.Index(customer_ids))
    return dict(zip(customer_ids, states, strict=True))


def _offer_event(campaign_id: str, row: dict[Any, Any]) -> dict[str, Any]:
    return {
        "type": "offer",
        "event_id": f"campaign {campaign_id} {row['customer_id']}"[-256:],
        "customer_id": row["customer_id"],
        "campaign_id": campaign_id,
        "offered_at": row["offered_at"].isoformat(),
        "offer_id": row["offer_id"],
        "intended_offer": row["intended_offer"],
        "propensity": float(row["propensity"]),
    }


def _outcome_event(campaign_id: str, row: repository.Row, outcome: Outcome) -> dict[str, Any]:
    told = {
        name: value
        for name in ("redeemed_at", "refused_at", "cost")
        if (value := getattr(outcome, name)) is not None
    }
    at = "".join(f" {name} {value}" for name, value in told.items())
    offered: datetime = row["as_of"]
    return {
        "type": "offer",
        "event_id": f"outcome {campaign_id} {row['customer_id']}{at}"[-256:],
        "customer_id": row["customer_id"],
        "campaign_id": campaign_id,
        "offered_at": offered.isoformat(),
        "offer_id": row["intended_offer"],
        **told,
    }


def _plan(rows: Sequence[repository.Row]) -> pd.DataFrame:
    return pd.DataFrame([dict(row) for row in rows], columns=list(COLUMNS))


def _found(connection: Connection, campaign_id: str) -> repository.Row:
    row = repository.find(connection, campaign_id)
    if row is None:
        detail = f"there is no campaign {shortened(campaign_id)!r}"
        remedy = "List them with GET /v1/campaigns."
        problem = FieldProblem(place="path", field="campaign_id", detail=detail, remedy=remedy)
        raise ProblemError(404, f"path campaign_id: {detail}. {remedy}", [problem])
    return row


def _answer(row: repository.Row) -> CampaignAnswer:
    return CampaignAnswer(**{name: row[name] for name in CampaignAnswer.model_fields})


def _wrong_state(found: repository.Row, wanted: str) -> ProblemError:
    detail = f"The campaign must be {wanted} for this; it is {found['state']}."
    if found["state"] == "draft":
        detail += f" GET /v1/jobs/{found['job_id']} tells how far its plan is."
    return ProblemError(409, detail)
