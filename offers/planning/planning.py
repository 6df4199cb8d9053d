"""From a history and its champions to a plan: score, hold against the catalogue, choose."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from features.clock import Instant
from features.history.history import History, Past
from features.schema import NO_OFFER
from offers.catalogue.catalogue import OfferCatalogue
from offers.catalogue.contacts import Contacts
from offers.catalogue.eligibility import screen
from offers.catalogue.verdicts import VERDICTS, Eligibility
from offers.errors import OffersError
from offers.planning.campaign import Campaign
from offers.planning.plan import Choices, Customers, Plan, plan_table
from offers.planning.prospects import prospects
from training.panel.labels import Value
from training.panel.panel import Progress
from training.scoring.scorer import Scorer
from training.uplift.scoring import UpliftScorer


@dataclass(frozen=True)
class Models:
    """What a plan is made with: risk and value, and the uplift where it was learnt.

    Attributes
    ----------
    scorer : Scorer
    uplift : UpliftScorer or None
        None if there is no evidence: every offer then goes by its prior.
    """

    scorer: Scorer
    uplift: UpliftScorer | None = None

    def __post_init__(self) -> None:
        if self.uplift is None:
            return
        for term in ("shop", "horizon_days", "currency", "timezone"):
            ours = getattr(self.scorer.churn.definition, term)
            theirs = getattr(self.uplift.definition, term)
            if ours != theirs:
                raise OffersError(
                    f"churn-risk and offer-uplift must be of one {term}; got {ours} and {theirs}. "
                    "Run holdfast uplift again for this one."
                )


@dataclass(frozen=True)
class Screened:
    """The customers of a past, held against a catalogue.

    Attributes
    ----------
    past : Past
    customers : Customers
        Those eligible for some offer.
    eligibility : Eligibility
        What came of all customers.
    """

    past: Past
    customers: Customers
    eligibility: Eligibility


def plan_campaign(
    history: History,
    as_of: Instant,
    models: Models,
    campaign: Campaign,
    progress: Progress = lambda _: None,
) -> Plan:
    """Plan a campaign from what was known before `as_of`.

    Parameters
    ----------
    history : History
        Uncut.
    as_of : str, date, datetime or float
    models : Models
    campaign : Campaign
    progress : callable, optional
        Told in words what is being done.

    Raises
    ------
    OffersError
        If nobody is eligible for any offer; says why.
    TrainingError
        If the models do not fit the history.
    HistoryError
        If the history was cut before `as_of`.
    """
    found = screened(history, as_of, models, campaign.catalogue, progress)
    return plan_screened(found, models, campaign, progress)


def screened(
    history: History,
    as_of: Instant,
    models: Models,
    catalogue: OfferCatalogue,
    progress: Progress = lambda _: None,
) -> Screened:
    """Score everybody, and hold them against a catalogue; arguments as of `plan_campaign`."""
    past = history.at(as_of)
    progress("scoring")
    table = models.scorer.table(past)
    scores = models.scorer.score_past(past, table, reasons_for=0)
    scores = scores.sort_values("customer_id", ignore_index=True)
    progress("holding customers against the catalogue")
    found = screen(catalogue, scores, table, Contacts.of(past))
    some = found.allowed.any(axis=1).to_numpy()
    if not some.any():
        raise OffersError(_nobody(found))
    customers = Customers(scores[some].reset_index(drop=True), table, found.allowed[some])
    return Screened(past, customers, found)


def plan_screened(
    found: Screened, models: Models, campaign: Campaign, progress: Progress = lambda _: None
) -> Plan:
    """Plan a campaign for customers who were held against its catalogue."""
    customers = found.customers
    progress("weighing offers")
    choices = _choices(found.past, models, campaign.catalogue, customers)
    progress("choosing")
    chosen, assignment = plan_table(customers, choices, campaign, models.scorer.clv.definition)
    risk = customers.scores.set_index("customer_id")["churn_risk"]
    return Plan(chosen, campaign, risk, choices, assignment, found.eligibility, _tried(found.past))


def _tried(past: Past) -> tuple[str, ...]:
    """The offers of the history."""
    if past.offers is None:
        return ()
    ids = past.offers.select("offer_id").unique().collect("polars").to_native()["offer_id"]
    return tuple(sorted(set(ids.to_list()) - {NO_OFFER}))


def _choices(
    past: Past,
    models: Models,
    catalogue: OfferCatalogue,
    customers: Customers,
) -> Choices:
    worth = models.scorer.clv.definition
    value = Value(worth.margin_rate, worth.discount_rate_yearly)
    scores, eligible = customers.scores.set_index("customer_id"), customers.eligible
    if models.uplift is None:
        return Choices(prospects(scores, catalogue, value), eligible)
    rows = _read_by(models.uplift, models.scorer, past, customers).loc[scores.index]
    harmed = models.uplift.harmed(rows).reindex(columns=eligible.columns, fill_value=False)
    found = prospects(scores, catalogue, value, models.uplift.uplift(rows))
    return Choices(found, eligible & ~harmed, models.uplift.doubts(rows))


def _read_by(
    uplift: UpliftScorer, scorer: Scorer, past: Past, customers: Customers
) -> pd.DataFrame:
    """The feature table in the codes of the uplift model: that of the scores, if they agree."""
    ours, theirs = uplift.definition, scorer.churn.definition
    same = ours.categories == theirs.categories and (
        ours.table_horizon_days == theirs.table_horizon_days
    )
    return customers.table if same else uplift.table(past)


def _nobody(found: Eligibility) -> str:
    counts = found.by_customer()
    why = "; ".join(f"{n:,}: {VERDICTS[str(name)]}" for name, n in counts.items() if n)
    return (
        f"offers must be open to somebody; nobody is eligible for any ({why}). Record consent in "
        "customers.marketing_consent, or widen the offers."
    )
