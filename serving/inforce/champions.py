"""The champions, and what a shop may say to them: loaded from the registry when an alias moves."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from dataclasses import dataclass, field
from typing import Self

from features.clock import as_instant
from features.families.profile import PROFILE
from features.intake.mapping import Mapping, TableMapping
from features.intake.rules import AttributeKind
from serving.inforce.reloading import LoadError, Source
from serving.inforce.schemas import Terms, Versions
from training.champions import CHURN, CLV, load_scorer
from training.registry.tracking import Tracker
from training.scoring.definition import Definition
from training.scoring.model_scorers import ChurnScorer, CLVScorer
from training.scoring.scorer import Scorer

# What reading a damaged or incomplete model folder can raise, besides the errors made for it.
UNREADABLE = (ValueError, LookupError, TypeError, OSError)


@dataclass(frozen=True)
class Champions:
    """Two models that score together, and what they may be told of a customer.

    Attributes
    ----------
    scorer : Scorer
    attributes : dict
        Customer attribute -> the values that have a code; None for a number.
    scales : dict
        Kind of feedback -> its lowest and highest score.
    row_attributes : dict
        Table -> further column of its rows -> `number` or `text`.
    """

    scorer: Scorer
    attributes: Dict[str, frozenset[str] | None]
    scales: Dict[str, tuple[float, float]]
    row_attributes: Dict[str, Dict[str, AttributeKind]] = field(default_factory=dict)

    @classmethod
    def of(cls, scorer: Scorer) -> Self:
        """Take two champions of one shop.

        Raises
        ------
        LoadError
            If they read the same feedback differently.
        """
        churn, clv = scorer.churn.definition, scorer.clv.definition
        scales = {**clv.scales, **churn.scales}
        if differing := [kind for kind in clv.scales if clv.scales[kind] != scales[kind]]:
            raise LoadError(
                f"{CHURN} version {scorer.churn_version} and {CLV} version {scorer.clv_version} "
                f"must have the same scales of feedback; {differing} differ. Promote two versions "
                "of the same training."
            )
        attributes = {**_attributes(scorer.clv), **_attributes(scorer.churn)}
        tables = {*clv.attributes, *churn.attributes}
        further = {
            table: {**clv.attributes.get(table, {}), **churn.attributes.get(table, {})}
            for table in sorted(tables)
        }
        return cls(scorer, attributes, scales, further)

    @property
    def mapping(self) -> Mapping:
        """How a shop's rows are to be read for these models."""
        churn, clv = self.scorer.churn.definition, self.scorer.clv.definition
        return Mapping(
            timezone=churn.timezone,
            currency=churn.currency,
            scales=self.scales,
            static=tuple(self.attributes),
            categories={**clv.categories, **churn.categories},
            tables={
                table: TableMapping(attributes=columns)
                for table, columns in self.row_attributes.items()
            },
        )

    @property
    def versions(self) -> Versions:
        """The registered versions."""
        return {CHURN: self.scorer.churn_version, CLV: self.scorer.clv_version}

    @property
    def terms(self) -> Terms:
        """What the scores mean."""
        return terms_of(self.scorer.churn.definition, self.scorer.clv.definition)


def terms_of(churn: Definition, clv: Definition) -> Terms:
    """What the scores of two models mean."""
    return Terms(
        horizon_days=churn.horizon_days,
        clv_horizon_days=clv.horizon_days,
        currency=churn.currency,
        timezone=churn.timezone,
        margin_rate=clv.margin_rate,
        discount_rate_yearly=clv.discount_rate_yearly,
        churn_trained_as_of=as_instant(churn.trained_as_of),
        clv_trained_as_of=as_instant(clv.trained_as_of),
    )


def champions(tracker: Tracker) -> Source[Champions]:
    """The champions of a tracking store."""

    def version() -> tuple[int | None, ...]:
        try:
            found = tracker.champions()
        except UNREADABLE as error:
            raise LoadError(said(error)) from error
        return tuple(found.get(name) for name in (CHURN, CLV))

    def load() -> Champions:
        try:
            scorer = load_scorer(tracker)
        except UNREADABLE as error:
            raise LoadError(said(error)) from error
        return Champions.of(scorer)

    return Source("the champions", version, load)


def said(error: Exception) -> str:
    """A message, with the kind of error where it was not written to be read."""
    return str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"


def _attributes(scorer: ChurnScorer | CLVScorer) -> dict[str, frozenset[str] | None]:
    codes = scorer.definition.categories
    names = (c.removeprefix(PROFILE) for c in scorer.model.columns_ if c.startswith(PROFILE))
    return {name: frozenset(codes[name]) if name in codes else None for name in names}
