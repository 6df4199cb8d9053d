"""Every feature against a slow computation in plain Python, written from what it should mean."""

import math
from collections import defaultdict
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from statistics import mean, median, stdev
from types import SimpleNamespace

import pandas as pd
import pytest

from features.catalogue import CATALOGUE
from features.history.history import History
from features.table import feature_table

SCALES = {"nps": (0, 10), "csat": (1, 5), "review": (1, 5), "ticket": (1, 5)}
HORIZON = 45.0
RELATIVE = {"025h": 0.25, "05h": 0.5, "1h": 1, "2h": 2, "4h": 4}
UNKNOWN = math.nan
SEEDS = range(6)


def days(span):
    return span / timedelta(days=1)


def over(a, b):
    return a / b if b > 0 else UNKNOWN


def of(function, values, at_least=1):
    return function(values) if len(values) >= at_least else UNKNOWN


def known_rows(frame, as_of, happened, identity):
    """The last version of each row known before as_of, without the facts that came later."""
    versions = defaultdict(list)
    for raw in frame.to_dict("records"):
        row = SimpleNamespace(**{k: None if pd.isna(v) else v for k, v in raw.items()})
        recorded = getattr(row, "recorded_at", None) or datetime.min
        known = max(recorded, getattr(row, happened)) if happened else recorded
        if known < as_of:
            versions[identity(row)].append((known, row))
    for found in versions.values():
        _, row = max(found, key=lambda version: version[0])
        for fact in ("resolved_at", "redeemed_at", "refused_at"):
            if (getattr(row, fact, None) or datetime.min) >= as_of:
                setattr(row, fact, None)
        if getattr(row, "kind", None) == "ticket" and row.resolved_at is None:
            row.score = None
        yield row


def pasts(shop, as_of):
    """Customer -> what was known of them before as_of, with ages in days."""
    tables = {
        "orders": ("ordered_at", lambda row: (row.order_id, row.amount > 0, row.amount < 0)),
        "feedback": ("created_at", lambda row: row.feedback_id),
        "offers": ("offered_at", lambda row: row.campaign_id),
        "customers": (None, lambda row: row.customer_id),
    }
    people = defaultdict(lambda: {table: [] for table in tables})
    for table, (happened, identity) in tables.items():
        for row in known_rows(shop.frames[table], as_of, happened, identity):
            if happened:
                row.at = getattr(row, happened)
                row.age = days(as_of - row.at)
            people[row.customer_id][table].append(row)
    return {name: past_of(rows) for name, rows in people.items() if bought(rows["orders"])}


def bought(orders):
    return sorted((row for row in orders if row.amount > 0), key=lambda row: row.at)


def past_of(rows):
    by_day = defaultdict(float)
    for order in bought(rows["orders"]):
        by_day[order.at.date()] += order.amount
    dates = sorted(by_day)
    for row in rows["feedback"]:
        low, high = SCALES[row.kind]
        scored = row.score is not None
        row.satisfaction = 2 * (row.score - low) / (high - low) - 1 if scored else None
    return SimpleNamespace(
        orders=bought(rows["orders"]),
        refunds=[row for row in rows["orders"] if row.amount < 0],
        by_day=by_day,
        dates=dates,
        gaps=[(b - a).days for a, b in pairwise(dates)],
        feedback=rows["feedback"],
        offers=[row for row in rows["offers"] if row.offer_id != "none"],
        profile=rows["customers"][0] if rows["customers"] else None,
    )


def within(rows, width):
    return [row for row in rows if row.age <= width]


def ages(rows):
    return [row.age for row in rows]


def amounts(rows):
    return [row.amount for row in rows]


def horizon(past, as_of):
    return {"horizon_days": HORIZON}


def recency(past, as_of):
    last, first = past.orders[-1].age, past.orders[0].age
    since_first_day = days(as_of - datetime.combine(past.dates[0], datetime.min.time()))
    unhappy = [row for row in past.feedback if (row.satisfaction or 0) < 0]
    return {
        "days_since_last_order": last,
        "days_since_first_order": first,
        "days_since_last_refund": of(min, ages(past.refunds)),
        "days_since_last_feedback": of(min, ages(past.feedback)),
        "days_since_last_negative_feedback": of(min, ages(unhappy)),
        "days_since_last_offer": of(min, ages(past.offers)),
        "recency_over_horizon": last / HORIZON,
        "age_over_horizon": first / HORIZON,
        "recency_over_age": last / first,
        "frequency": len(past.dates) - 1,
        "recency": (past.dates[-1] - past.dates[0]).days,
        "T": since_first_day,
    }


def frequency(past, as_of):
    expected = {"orders": len(past.orders), "purchase_days": len(past.dates)}
    for width in (7, 14, 30, 60, 90, 180, 365):
        expected[f"orders_{width}d"] = len(within(past.orders, width))
    for name, width in RELATIVE.items():
        expected[f"orders_{name}"] = len(within(past.orders, width * HORIZON))
        expected[f"orders_share_{name}"] = expected[f"orders_{name}"] / len(past.orders)
    for half_life in (30, 90, 270):
        weights = [2 ** -(age / half_life) for age in ages(past.orders)]
        expected[f"orders_weighted_{half_life}d"] = sum(weights)
    for name in ("025h", "1h", "4h"):
        weights = [2 ** -(age / (RELATIVE[name] * HORIZON)) for age in ages(past.orders)]
        expected[f"orders_weighted_{name}"] = sum(weights)
    for years in (1, 2, 3):
        start = as_of - timedelta(days=365 * years)
        end = start + timedelta(days=HORIZON)
        season = [order for order in past.orders if start <= order.at < end]
        expected[f"orders_season_{years}y"] = len(season)
    return expected


def spend(past, as_of):
    total, aov = sum(amounts(past.orders)), mean(amounts(past.orders))
    first_day, last_day = past.by_day[past.dates[0]], past.by_day[past.dates[-1]]
    known = [order for order in past.orders if order.discount_amount is not None]
    discounts = sum(order.discount_amount for order in known)
    discounted = sum(order.discount_amount > 0 for order in known)
    expected = {
        "spend": total,
        "aov": aov,
        "order_amount_std": of(stdev, amounts(past.orders), at_least=2),
        "order_amount_max": max(amounts(past.orders)),
        "order_amount_median": median(amounts(past.orders)),
        "first_day_spend": first_day,
        "last_day_spend": last_day,
        "last_day_spend_over_aov": last_day / aov,
        "discounted_orders_share": over(discounted, len(known)),
        "discount_share": over(discounts, sum(amounts(known)) + discounts),
    }
    widths = {"30d": 30, "90d": 90, "180d": 180, "365d": 365, "1h": HORIZON, "4h": 4 * HORIZON}
    for name, width in widths.items():
        expected[f"spend_{name}"] = sum(amounts(within(past.orders, width)))
    for name in ("90d", "1h"):
        lately = of(mean, amounts(within(past.orders, widths[name])))
        expected[f"aov_{name}_over_aov"] = lately / aov
    for name, half_life in {"90d": 90, "270d": 270, "1h": HORIZON}.items():
        weighted = [order.amount * 0.5 ** (order.age / half_life) for order in past.orders]
        expected[f"spend_weighted_{name}"] = sum(weighted)
    return expected


def rhythm(past, as_of):
    gaps, last = past.gaps, past.orders[-1].age
    shares = [b / (a + b) for a, b in pairwise(gaps)]
    variance = (sum((share - 0.5) ** 2 for share in shares) + 1 / 12) / (len(shares) + 1)
    lately = len(within(past.orders, 90))
    before = len(within(past.orders, 180)) - lately
    typical = {
        "mean": of(mean, gaps),
        "median": of(median, gaps),
        "max": of(max, gaps),
        "shrunk": (sum(gaps) + HORIZON) / (len(gaps) + 1),
    }
    return {
        **{f"gap_{name}": gap for name, gap in typical.items()},
        **{f"overdue_{name}": last / gap for name, gap in typical.items()},
        "gap_std": of(stdev, gaps, at_least=2),
        "gap_last": gaps[-1] if gaps else UNKNOWN,
        "gap_cv": of(stdev, gaps, at_least=2) / typical["mean"],
        "regularity": (1 / (4 * variance) - 1) / 2,
        "orders_trend_90d": math.log((lately + 1) / (before + 1)),
    }


def returns(past, as_of):
    refunded = -sum(amounts(past.refunds))
    return {
        "refunds": len(past.refunds),
        "refund_amount": refunded,
        "refund_order_share": len(past.refunds) / len(past.orders),
        "refund_amount_share": refunded / sum(amounts(past.orders)),
    }


def newest(rows, value):
    """The mean of a value over the rows of the last instant that has one."""
    scored = [row for row in rows if row.score is not None]
    last = max((row.at for row in scored), default=None)
    return of(mean, [value(row) for row in scored if row.at == last])


def slope(rows, as_of):
    """Least squares through (time in years, satisfaction)."""
    points = [(row.age / -365, row.satisfaction) for row in rows if row.score is not None]
    times = [time for time, _ in points]
    if not points or max(times) - min(times) < 1 / 365:
        return UNKNOWN
    centre, level = mean(times), mean(value for _, value in points)
    rise = math.fsum((time - centre) * (value - level) for time, value in points)
    return rise / math.fsum((time - centre) ** 2 for time in times)


def feedback(past, as_of):
    expected = {}
    for kind in SCALES:
        rows = [row for row in past.feedback if row.kind == kind]
        scores = [row.score for row in rows if row.score is not None]
        expected[f"{kind}_count"] = len(rows)
        expected[f"{kind}_mean"] = of(mean, scores)
        expected[f"{kind}_last"] = newest(rows, lambda row: row.score)
    nps = expected["nps_last"]
    scored = [row for row in past.feedback if row.score is not None]
    unhappy = [row for row in scored if row.satisfaction < 0]
    tickets = [row for row in past.feedback if row.kind == "ticket"]
    resolved = [row for row in tickets if row.resolved_at]
    due = [row for row in tickets if row.due_at]
    late = [row for row in due if (row.resolved_at or as_of) > row.due_at]
    return expected | {
        "nps_promoter": UNKNOWN if math.isnan(nps) else nps >= 9,
        "nps_detractor": UNKNOWN if math.isnan(nps) else nps <= 6,
        "satisfaction_mean": of(mean, [row.satisfaction for row in scored]),
        "satisfaction_last": newest(past.feedback, lambda row: row.satisfaction),
        "satisfaction_slope": slope(past.feedback, as_of),
        "negatives_90d": len(within(unhappy, 90)),
        "negatives_180d": len(within(unhappy, 180)),
        "tickets_open": len(tickets) - len(resolved),
        "ticket_hours_to_resolve": of(
            mean, [(row.resolved_at - row.at) / timedelta(hours=1) for row in resolved]
        ),
        "tickets_overdue_share": over(len(late), len(due)),
    }


def exposure(past, as_of):
    redeemed = [row for row in past.offers if row.redeemed_at]
    return {
        "offers_90d": len(within(past.offers, 90)),
        "offers_365d": len(within(past.offers, 365)),
        "offers_redeemed": len(redeemed),
        "offers_refused": len([row for row in past.offers if row.refused_at]),
        "offer_redemption_rate": over(len(redeemed), len(past.offers)),
    }


def profile(past, as_of):
    size = past.profile.size if past.profile else None
    code = {"web": 0, "shop": 1, "app": 2}.get(past.profile.channel if past.profile else None)
    return {
        "profile_size": UNKNOWN if size is None else size,
        "profile_channel": UNKNOWN if code is None else code,
    }


FAMILIES = (horizon, recency, frequency, spend, rhythm, returns, feedback, exposure, profile)


@pytest.fixture(scope="module")
def shops(messy_shop, as_of):
    """One (table, pasts) for each seed; odd shops keep versions of their customers."""

    @cache
    def shop(seed):
        messy = messy_shop(seed, versioned=seed % 2 == 1)
        history = History(**messy.frames, mapping=messy.mapping)
        return feature_table(history, as_of, HORIZON), pasts(messy, as_of)

    return shop


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_the_family_means_what_it_says(shops, as_of, family, seed):
    table, people = shops(seed)
    expected = pd.DataFrame({name: family(past, as_of) for name, past in people.items()}).T
    found = table[list(expected.columns)]
    pd.testing.assert_frame_equal(
        found, expected.astype(float).sort_index(), check_names=False, rtol=1e-9, atol=1e-9
    )


def test_the_oracle_knows_every_feature(shops, as_of):
    table, people = shops(0)
    past = next(iter(people.values()))
    answered = {name for family in FAMILIES for name in family(past, as_of)}
    assert answered == set(table.columns)
    assert {feature.name for feature in CATALOGUE} < answered


def test_each_feature_is_known_of_somebody_and_differs(shops):
    tables = pd.concat([shops(seed)[0] for seed in SEEDS])
    constant = [name for name in tables if tables[name].nunique() < 2]
    assert constant == ["horizon_days"]
