import math
from dataclasses import FrozenInstanceError, fields

import pytest
from scipy.stats import beta

from offers.catalogue.catalogue import Offer, OfferCatalogue
from offers.catalogue.rules import KINDS
from offers.catalogue.signals import SIGNALS
from offers.errors import OffersError
from simulation.response import DISCOUNT, FIXED_COST, OFFERS

A_KIND = f"{', '.join(map(repr, KINDS[:-1]))} or 'renewal_reminder'"
A_SIGNAL = f"{', '.join(map(repr, [*SIGNALS][:-1]))} or 'silent'"
COUNT = "must be a whole number >= 0, or inf for no limit"
BETA = "must be [alpha, beta] of a Beta, two numbers > 0"
FILE = """
[defaults]
contact_cost = 0.1
contact_cap = 2
stages = ["active"]

[offers.points]
kind = "points"
fixed_cost = 2
addresses = ["overdue", "high_value"]
prior = [2, 38]

[offers.sale]
kind = "discount"
cost_share = 0.1
contact_cost = 0
contact_cap = inf
capacity = 500
stages = ["at_risk", "lapsed"]
"""


@pytest.fixture
def read(tmp_path):
    def read(text):
        path = tmp_path / "offers.toml"
        path.write_text(text, encoding="utf-8")
        return OfferCatalogue.read(path)

    return read


def mistakes_of(content):
    with pytest.raises(OffersError) as caught:
        OfferCatalogue.from_dict(content)
    return str(caught.value).splitlines()


def test_a_file_gives_one_offer_for_each_table_in_its_order(read):
    assert read(FILE).ids == ("points", "sale")


def test_defaults_apply_to_every_offer_that_does_not_say_otherwise(read):
    points, sale = read(FILE)
    assert (points.contact_cost, points.contact_cap, points.stages) == (0.1, 2, ("active",))
    assert (sale.contact_cost, sale.contact_cap, sale.stages) == (0, None, ("at_risk", "lapsed"))


def test_a_file_sets_every_key(read):
    points, sale = read(FILE)
    assert points.addresses == ("overdue", "high_value")
    assert (points.prior, points.upfront_cost) == ((2, 38), 2.1)
    assert (sale.kind, sale.cost_share, sale.capacity) == ("discount", 0.1, 500)


def test_an_offer_is_found_by_its_id(read):
    catalogue = read(FILE)
    assert catalogue["sale"] is catalogue.offers[1]
    assert len(catalogue) == 2
    with pytest.raises(KeyError, match="no offer 'gone'; it has"):
        catalogue["gone"]


def test_an_offer_without_keys_goes_to_live_customers_and_has_the_prior_of_the_literature():
    offer = Offer("x", kind="gift")
    assert (offer.stages, offer.addresses) == (("new", "active", "at_risk"), ())
    assert (offer.capacity, offer.contact_cap, offer.prior) == (None, None, (6, 14))


def test_an_offer_does_not_change():
    with pytest.raises(FrozenInstanceError):
        Offer("x", kind="gift").fixed_cost = 3.0


def test_the_save_rate_is_the_mean_of_the_prior_and_the_cautious_one_its_lower_quantile():
    offer = Offer("x", kind="gift", prior=(2, 38))
    assert offer.save_rate == pytest.approx(0.05)
    assert beta.cdf(offer.cautious_save_rate, 2, 38) == pytest.approx(0.2)


def test_the_same_belief_from_less_evidence_is_more_cautious():
    little, much = Offer("x", kind="gift", prior=(1, 9)), Offer("x", kind="gift", prior=(10, 90))
    assert little.cautious_save_rate < much.cautious_save_rate < much.save_rate


def test_all_mistakes_of_a_file_are_reported_at_once_by_table_and_key(read):
    with pytest.raises(OffersError) as caught:
        read(
            "[defaults]\ncontact_cap = 0\n"
            '[offers.points]\nkind = "pts"\ncost_share = 1.5\n'
            '[offers.sale]\nkind = "discount"\nprior = [1]\n'
        )
    first, *found = str(caught.value).splitlines()
    assert first.startswith("offers ") and first.endswith("offers.toml:")
    assert found == [
        "defaults.contact_cap must be a whole number >= 1, or inf for no limit; got 0. "
        "Write for example 2.",
        f"offers.points.kind must be {A_KIND}; got 'pts'. Use one of these.",
        "offers.points.cost_share must be a share of the order from 0 to 1; got 1.5. "
        "Write for example 0.1 for 10 %.",
        f"offers.sale.prior {BETA}; got [1]. Write for example [6, 14] for 30 %.",
    ]


def test_mistakes_of_every_sort_are_reported_together():
    found = mistakes_of(
        {
            "offer": {},
            "defaults": {"prior": [1, 2, 3], "capacity": True},
            "offers": {"none": {"kind": "gift"}, "x": {"costs": 2}, "y": 3},
        }
    )
    assert [line.split()[0] for line in found] == [
        "defaults.capacity",
        "defaults.prior",
        "offers.none",
        "offers.x.kind",
        "offers.x.costs",
        "offers.y",
        "offer",
    ]


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [
        ("kind", 3, f"must be {A_KIND}"),
        ("kind", "", f"must be {A_KIND}"),
        ("kind", ["discount"], f"must be {A_KIND}"),
        ("fixed_cost", -1, "must be at least 0.0"),
        ("fixed_cost", "2", "must be a number"),
        ("fixed_cost", math.inf, "must be a finite number"),
        ("fixed_cost", math.nan, "must be a finite number"),
        ("cost_share", -0.1, "must be a share of the order from 0 to 1"),
        ("contact_cost", True, "must be a number"),
        ("capacity", 1.5, COUNT),
        ("capacity", -1, COUNT),
        ("capacity", True, COUNT),
        ("capacity", -math.inf, COUNT),
        ("capacity", math.nan, COUNT),
        ("stages", [], "must name at least one"),
        ("stages", "active", "must be a list"),
        ("stages", ["active", "active"], "must name each once"),
        ("min_clv", -1, "must be at least 0.0"),
        ("contact_cap", 0, "must be a whole number >= 1, or inf for no limit"),
        ("contact_cap_days", 0, "must be above 0.0"),
        ("refusal_cooldown_days", -1, "must be at least 0.0"),
        ("addresses", ["overdue", "overdue"], "must name each once"),
        ("prior", [6, 0.5, 1], BETA),
        ("prior", 0.3, BETA),
        ("prior", [6, 0], BETA),
        ("prior", [6, math.inf], BETA),
        ("prior", [True, 6], BETA),
    ],
)
def test_a_value_that_breaks_its_rule_is_named_by_table_and_key(key, value, rule):
    (mistake,) = mistakes_of({"offers": {"x": {"kind": "gift", key: value}}})
    assert mistake.startswith(f"offers.x.{key} {rule}; got {value!r}. ")


@pytest.mark.parametrize(
    ("key", "values", "position", "rule"),
    [
        ("stages", ["new", "gone"], 1, "must be 'new', 'active', 'at_risk' or 'lapsed'"),
        ("addresses", ["overdu"], 0, f"must be {A_SIGNAL}"),
        ("addresses", [["overdue"]], 0, f"must be {A_SIGNAL}"),
    ],
)
def test_what_is_wrong_in_a_list_is_named_by_its_position(key, values, position, rule):
    (mistake,) = mistakes_of({"offers": {"x": {"kind": "gift", key: values}}})
    assert mistake.startswith(f"offers.x.{key}.{position} {rule}; got {values[position]!r}. ")


def test_an_offer_made_in_code_is_held_to_the_same_rules():
    with pytest.raises(OffersError) as caught:
        Offer("x", kind="pts", capacity=math.inf, stages=["active"], prior=(6, -1))
    assert [line.split()[0] for line in str(caught.value).splitlines()] == [
        "offers.x.kind",
        "offers.x.capacity",
        "offers.x.stages",
        "offers.x.prior",
    ]


def test_an_unknown_key_or_table_is_reported_with_those_there_are():
    found = mistakes_of({"offer": {}, "offers": {"x": {"kind": "gift", "cost": 2}}})
    assert found == [
        "offers.x.cost is not known here. Remove it or check its spelling. "
        f"Known there: {', '.join(field.name for field in fields(Offer)[1:])}.",
        "offer is not known here. Did you mean offers? Known there: defaults, offers.",
    ]


def test_a_missing_kind_is_reported_unless_there_is_a_default():
    (mistake,) = mistakes_of({"offers": {"x": {}}})
    assert mistake == f"offers.x.kind is missing. Add one of {list(KINDS)}."
    found = OfferCatalogue.from_dict({"defaults": {"kind": "gift"}, "offers": {"x": {}}})
    assert found["x"].kind == "gift"


@pytest.mark.parametrize("content", [{}, {"offers": {}}, {"defaults": {"kind": "gift"}}])
def test_a_catalogue_without_offers_is_refused(content):
    (mistake,) = mistakes_of(content)
    assert mistake == "offers must hold at least one offer; got {}. Add a table [offers.ID]."


@pytest.mark.parametrize("offer_id", ["none", "None"])
def test_no_offer_may_be_called_none(offer_id):
    (mistake,) = mistakes_of({"offers": {offer_id: {"kind": "gift"}}})
    assert f"offers.{offer_id} must have another id" in mistake


@pytest.mark.parametrize("offer_id", ["", " x", "x "])
def test_an_id_is_text_as_the_history_reads_it(offer_id):
    (mistake,) = mistakes_of({"offers": {offer_id: {"kind": "gift"}}})
    assert f"must be text without blanks around it; got {offer_id!r}" in mistake


@pytest.mark.parametrize(
    ("content", "named"),
    [({"offers": 3}, "offers"), ({"defaults": [], "offers": {"x": {"kind": "gift"}}}, "defaults")],
)
def test_what_is_no_table_is_refused(content, named):
    assert mistakes_of(content)[0].startswith(f"{named} must be a table; got ")


def test_a_key_outside_every_table_is_refused():
    (mistake,) = mistakes_of({"offers": {"kind": "gift", "x": {"kind": "gift"}}})
    assert mistake.startswith("offers.kind must be a table; got 'gift'.")


def test_a_catalogue_made_in_code_has_an_offer():
    with pytest.raises(OffersError, match=r"^offers must hold at least one offer; got \[\]"):
        OfferCatalogue(())


def test_two_offers_of_one_id_are_refused():
    with pytest.raises(OffersError, match=r"offers must have different ids; .* one of \['x'\]"):
        OfferCatalogue((Offer("x", kind="gift"), Offer("x", kind="points")))


@pytest.mark.parametrize("text", ["[offers", "\xff"])
def test_a_file_that_is_no_toml_is_refused(tmp_path, text):
    path = tmp_path / "offers.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(OffersError, match=r"offers\.toml cannot be read: "):
        OfferCatalogue.read(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(OffersError, match=r"does not exist\. Check the path"):
        OfferCatalogue.read(tmp_path / "gone.toml")


def test_the_default_catalogue_has_the_offers_of_the_simulated_pilot_at_their_costs():
    catalogue = OfferCatalogue.default()
    assert set(OFFERS) <= set(catalogue.ids)
    assert {catalogue[offer].kind for offer in OFFERS} == {"discount", "service_recovery", "points"}
    assert catalogue["discount_10"].cost_share == DISCOUNT
    for offer in ("service_recovery", "points"):
        assert catalogue[offer].fixed_cost == FIXED_COST[offer]


def test_the_default_catalogue_believes_little_of_what_nobody_tried():
    assert all(offer.save_rate <= 0.1 for offer in OfferCatalogue.default())


@pytest.mark.parametrize("reserved", ["none", "None", "total"])
def test_an_id_that_means_something_else_is_refused(reserved):
    with pytest.raises(OffersError, match=f"offers.{reserved} must have another id"):
        OfferCatalogue.from_dict({"offers": {reserved: {"kind": "points"}}})


def test_a_catalogue_may_be_made_of_a_list():
    offer = Offer("x", kind="gift")
    assert OfferCatalogue([offer]) == OfferCatalogue((offer,))
