"""Every column of a plan: the contract between who makes it, its file, and who measures it."""

from __future__ import annotations

from features.table_column import DAYS, MONEY, PROBABILITY, TableColumn, as_markdown

ARMS = ("offer", "holdout", "none")
EVIDENCE = ("experiment", "prior")


class PlanColumn(TableColumn):
    """A column of a plan."""


PLAN_COLUMNS = (
    PlanColumn("campaign_id", "", "the campaign", "text", constant=True),
    PlanColumn("customer_id", "", "as in the history", "text"),
    PlanColumn(
        "as_of", "", "the instant of the plan, on the shop's wall clock", "instant", constant=True
    ),
    PlanColumn(
        "horizon_days",
        DAYS,
        "days in which an order counts",
        "whole",
        constant=True,
        low=0.0,
        above_low=True,
    ),
    PlanColumn("intended_offer", "", "the offer, or `none`", "text"),
    PlanColumn(
        "arm",
        "",
        "`offer`: make it; `holdout`: an offer is intended, and held out at random; `none`: "
        "nothing is intended",
        "text",
        texts=ARMS,
    ),
    PlanColumn("explored", "", "whether the offer was drawn at random instead of chosen", "flag"),
    PlanColumn(
        "propensity",
        PROBABILITY,
        "probability of what the customer gets: of the offer in arm `offer`, of none in the others",
        low=0.0,
        high=1.0,
        above_low=True,
    ),
    PlanColumn(
        "expected_uplift",
        PROBABILITY,
        "by how much the offer raises the probability of an order within the horizon",
        low=-1.0,
        high=1.0,
    ),
    PlanColumn("expected_cost", MONEY, "what the offer is expected to cost if it is made", low=0.0),
    PlanColumn(
        "expected_profit", MONEY, "`expected_uplift` x `clv_if_active` less `expected_cost`"
    ),
    PlanColumn("churn_risk", PROBABILITY, "from the scores", low=0.0, high=1.0),
    PlanColumn("clv_if_active", MONEY, "from the scores", low=0.0),
    PlanColumn(
        "reason",
        "",
        "why this offer, in the customer's own numbers; or why none",
        "text",
        nullable=True,
    ),
    PlanColumn(
        "evidence",
        "",
        "`experiment`: the uplift was learnt from offers that were tried; `prior`: it is that of "
        "the offers file",
        "text",
        nullable=True,
        texts=EVIDENCE,
    ),
    PlanColumn("kind", "", "kind of the offer", "text", nullable=True),
    PlanColumn(
        "upfront_cost",
        MONEY,
        "the part of the cost that is paid whether or not an order comes",
        low=0.0,
    ),
    PlanColumn(
        "margin_rate",
        "share",
        "share of net spend that is margin, as the CLV model was trained",
        constant=True,
        low=0.0,
        above_low=True,
    ),
    PlanColumn("currency", "", "currency of all amounts", "text", nullable=True, constant=True),
)
COLUMNS = tuple(column.name for column in PLAN_COLUMNS)

INTRODUCTION = """\
# Plans

`holdfast plan` writes one row per eligible customer, most expected profit first, with these
columns; `holdfast measure` reads them back. They are generated from the code:
`python -m offers.planning.plan_columns > docs/plans.md`.

Evidence and kind are null where nothing is intended, the currency where the shop never named one.

"""


def document() -> str:
    """`docs/plans.md`."""
    return INTRODUCTION + as_markdown(PLAN_COLUMNS)


if __name__ == "__main__":
    print(document(), end="")
