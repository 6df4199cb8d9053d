"""The catalogue names every column once, says what it means, and the documentation is current."""

from pathlib import Path

import pytest

from features.catalogue import CATALOGUE, as_markdown, catalogue
from features.errors import HistoryError
from features.intake.mapping import Mapping

DOCUMENT = Path(__file__).parents[2] / "docs" / "features.md"
NAMES = [feature.name for feature in CATALOGUE]
PROMISED = """
    days_since_last_order days_since_first_order days_since_last_refund days_since_last_feedback
    days_since_last_negative_feedback days_since_last_offer recency_over_horizon frequency recency T
    orders purchase_days orders_7d orders_14d orders_30d orders_60d orders_90d orders_180d
    orders_365d orders_025h orders_05h orders_1h orders_2h orders_4h orders_share_025h
    orders_share_05h orders_share_1h orders_share_2h orders_share_4h orders_weighted_30d
    orders_weighted_90d orders_weighted_270d orders_weighted_025h orders_weighted_1h
    orders_weighted_4h orders_season_1y orders_season_2y orders_season_3y spend aov order_amount_std
    order_amount_max first_day_spend last_day_spend order_amount_median spend_30d spend_90d
    spend_180d spend_365d spend_1h spend_4h aov_90d_over_aov aov_1h_over_aov spend_weighted_90d
    discount_share gap_mean gap_median gap_std gap_max gap_last gap_shrunk gap_cv overdue_mean
    overdue_median overdue_max regularity orders_trend_90d refunds refund_order_share
    refund_amount_share nps_count nps_mean nps_last csat_count csat_mean csat_last review_count
    review_mean review_last ticket_count ticket_mean ticket_last nps_promoter nps_detractor
    satisfaction_mean satisfaction_last satisfaction_slope negatives_90d negatives_180d tickets_open
    ticket_hours_to_resolve tickets_overdue_share offers_90d offers_365d offers_redeemed
    offers_refused offer_redemption_rate
"""


def test_the_document_is_current():
    found = DOCUMENT.read_text(encoding="utf-8")
    assert found == as_markdown(), "run python -m features.catalogue > docs/features.md"


def test_every_promised_column_is_there():
    assert set(PROMISED.split()) <= set(NAMES)


@pytest.mark.parametrize("feature", CATALOGUE, ids=lambda feature: feature.name)
def test_a_feature_has_a_unit_and_a_meaning_in_the_document(feature):
    line = f"| `{feature.name}` | {feature.unit} | {feature.meaning} |"
    assert feature.unit and len(feature.meaning.split()) > 1
    assert as_markdown().count(line) == 1


def test_a_declared_kind_adds_count_mean_and_last():
    names = {feature.name for feature in catalogue(Mapping(scales={"stars": (0, 10)}))}
    assert names - set(NAMES) == {"stars_count", "stars_mean", "stars_last"}


PROFILES = Mapping(static=("region", "age"), categories={"tier": ("a", "b"), "region": ("n", "s")})


@pytest.mark.parametrize("profiles", [None, {}, ["tier", "age", "region"]])
def test_declared_customer_columns_are_there_with_and_without_customers(profiles):
    added = [feature.name for feature in catalogue(PROFILES, profiles)][len(NAMES) :]
    assert added == ["profile_region", "profile_age", "profile_tier"]


def test_customer_columns_that_the_history_lacks_are_no_features():
    added = [feature.name for feature in catalogue(PROFILES, ["points", "age"])][len(NAMES) :]
    assert added == ["profile_age", "profile_points"]


def test_a_category_tells_its_codes():
    feature = catalogue(Mapping(categories={"tier": ("gold", "silver")}))[-1]
    assert (feature.unit, feature.family) == ("code", "profile")
    assert feature.meaning == "customer attribute tier, coded 0 = gold, 1 = silver"


def test_a_kind_that_would_name_a_column_twice_is_refused():
    with pytest.raises(HistoryError, match=r"satisfaction_last.*twice.*Rename the kind"):
        catalogue(Mapping(scales={"satisfaction": (0, 10)}))
