import json
from dataclasses import replace

import pytest

from training.scoring.definition import Definition

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
    [
        ("trained_as_of", 20_100.0),
        ("scales", {}),
        ("categories", {"channel": ("ads",)}),
        ("shop_name", "x"),
    ],
)
def test_a_later_training_is_of_the_same_lineage(term, value):
    assert replace(TERMS, **{term: value}).lineage == TERMS.lineage


def test_a_lineage_is_the_same_in_every_process():
    assert TERMS.lineage == "13b668e6a9f6"


def test_the_kinds_of_feedback_are_those_with_a_scale():
    assert TERMS.kinds == ("nps",)
