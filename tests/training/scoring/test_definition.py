import json
from dataclasses import replace

import pytest

from training.scoring.definition import Definition, shop_digest

TERMS = Definition(
    horizon_days=60,
    table_horizon_days=90,
    currency="EUR",
    timezone="Europe/Paris",
    shop="abc",
    trained_as_of=20_000.5,
    margin_rate=0.4,
    scales={"nps": (0.0, 10.0)},
    categories={"channel": ("ads", "mail")},
)


def test_a_definition_survives_json():
    assert Definition.from_dict(json.loads(json.dumps(TERMS.as_dict()))) == TERMS


@pytest.mark.parametrize(
    ("term", "value"),
    [
        ("horizon_days", 30),
        ("table_horizon_days", 60),
        ("currency", "GBP"),
        ("timezone", "UTC"),
        ("shop", "xyz"),
        ("margin_rate", 1.0),
        ("discount_rate_yearly", 0.1),
    ],
)
def test_another_term_is_another_lineage(term, value):
    assert replace(TERMS, **{term: value}).lineage != TERMS.lineage


@pytest.mark.parametrize(
    ("term", "value"),
    [("trained_as_of", 20_100.0), ("scales", {}), ("categories", {"channel": ("ads",)})],
)
def test_a_later_training_is_of_the_same_lineage(term, value):
    assert replace(TERMS, **{term: value}).lineage == TERMS.lineage


def test_a_lineage_is_the_same_in_every_process():
    assert TERMS.lineage == "13b668e6a9f6"


def test_the_kinds_of_feedback_are_those_with_a_scale():
    assert TERMS.kinds == ("nps",)


def test_a_shop_is_recognised_as_its_history_grows_and_is_filled_in(history_of):
    rows = [("a", "2024-01-01T10:00", 5.0), ("b", "2024-01-02T09:00", 5.0)]
    more = [("c", "2024-01-01T11:00", 5.0, "2024-06-01"), ("a", "2024-07-01", 5.0)]

    digest = shop_digest(history_of(*rows).upto("2024-03-01"))

    assert shop_digest(history_of(*rows, *more).upto("2024-03-01")) == digest
    assert shop_digest(history_of(*rows, *more).upto("2024-06-02")) != digest


@pytest.mark.parametrize(
    "first_day",
    [
        [("a", "2024-01-02T10:00", 5.0)],
        [("a", "2024-01-01T10:00", 6.0)],
        [("a", "2024-01-01T10:00", 5.0), ("b", "2024-01-01T10:00", 5.0)],
        [("b", "2023-01-01T10:00", 5.0), ("a", "2024-01-01T10:00", 5.0)],
    ],
    ids=["another day", "another amount", "one order more", "an earlier start"],
)
def test_another_first_day_is_another_shop(history_of, first_day):
    ours = history_of(("a", "2024-01-01T10:00", 5.0))

    assert shop_digest(history_of(*first_day).upto("2025-01-01")) != shop_digest(
        ours.upto("2025-01-01")
    )


def test_a_digest_names_nobody(history_of):
    digest = shop_digest(history_of(("alice", "2024-01-01", 5.0)).upto("2024-06-01"))

    assert len(digest) == 16
    assert int(digest, 16) >= 0


def test_before_the_first_order_there_is_no_shop(history_of):
    assert shop_digest(history_of(("a", "2024-01-01", 5.0)).upto("2024-01-01")) is None
