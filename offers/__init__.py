"""What to do about it: which offer to make to whom. Pure decisions, no input or output."""

from typing import TYPE_CHECKING

from features.face import lazily

if TYPE_CHECKING:
    from offers.catalogue.catalogue import Offer as Offer
    from offers.catalogue.catalogue import OfferCatalogue as OfferCatalogue
    from offers.catalogue.contacts import Contacts as Contacts
    from offers.catalogue.eligibility import screen as screen
    from offers.errors import OffersError as OffersError
    from offers.measurement.experiment import Measurement as Measurement
    from offers.measurement.experiment import measure as measure
    from offers.measurement.experiment import offer_rows as offer_rows
    from offers.planning.campaign import Campaign as Campaign
    from offers.planning.figures import budget_figure as budget_figure
    from offers.planning.figures import trade_off_figure as trade_off_figure
    from offers.planning.plan import Plan as Plan
    from offers.planning.planning import Models as Models
    from offers.planning.planning import plan_campaign as plan_campaign

WHERE = {
    "Offer": "offers.catalogue.catalogue",
    "OfferCatalogue": "offers.catalogue.catalogue",
    "Contacts": "offers.catalogue.contacts",
    "screen": "offers.catalogue.eligibility",
    "OffersError": "offers.errors",
    "Measurement": "offers.measurement.experiment",
    "measure": "offers.measurement.experiment",
    "offer_rows": "offers.measurement.experiment",
    "Campaign": "offers.planning.campaign",
    "budget_figure": "offers.planning.figures",
    "trade_off_figure": "offers.planning.figures",
    "Plan": "offers.planning.plan",
    "Models": "offers.planning.planning",
    "plan_campaign": "offers.planning.planning",
}
if not TYPE_CHECKING:  # Type checkers would take any name for one of the package.
    __getattr__ = lazily(__name__, WHERE)
