"""UpliftModel: what each offer changes in a customer's outcome, and how sure that is."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from features.plain import plain, restored
from features.schema import NO_OFFER
from training.errors import TrainingError
from training.evaluation import FloatArray
from training.models import artifact
from training.uplift.calibration import Calibration, pooled
from training.uplift.crossfit import (
    CANDIDATES,
    LEARNERS,
    LearnerSetting,
    crossfit,
    learn_all,
    learner_from,
)
from training.uplift.doubt import Doubt
from training.uplift.encoding import Encoding
from training.uplift.evidence import Evidence, group_effects, harmed, with_edges
from training.uplift.experiment import Experiment, arms_of, outcome_of
from training.uplift.learners import Learner
from training.uplift.propensity import Propensities, overlap, tested
from training.uplift.selection import compare_candidates

AUTO = "auto"


class UpliftModel(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Effects of several offers by cross-fitted meta-learners, the best of which is chosen.

    S-, T- and X-learner (Kuenzel et al., PNAS 116, 2019) and doubly robust learners (Kennedy, 2023)
    on boosted trees, one of which starts from one effect for all on the scale of odds. Each
    predicts rows it never saw, and offers made by its calibrated predictions are valued there
    (doubly robust, Dudik, Langford & Li 2011): the steadiest of those that tie in money is chosen.
    How much of its predicted differences showed on unseen rows decides how far they are held back
    or stretched.

    Parameters
    ----------
    learner : str
        `auto`, or one of `odds`, `dr_stumps`, `dr`, `x`, `s`, `t`.
    folds : int
        Number of parts for cross-fitting, at least 2.
    random_state : int

    Attributes
    ----------
    offers_ : list of str
        Offer ids, sorted, without `none`.
    learner_ : str
        The chosen learner; `none` if no offer has enough evidence.
    candidates_ : pandas.DataFrame
        What each candidate was worth out of fold: see `training.uplift.selection`.
    tested_ : dict of str to bool
        Whether at least 200 effective rows with the offer and 200 without were seen. Where not, the
        predicted uplift is 0 and a prior should be used.
    effects_ : pandas.DataFrame
        Effect of each tested offer by quantile group of predicted uplift: offer, group, customers,
        predicted, effect, standard_error, low, high, from_uplift (the group's lowest prediction).
    overlap_ : pandas.DataFrame
        Rows, effective rows, lowest propensity and share clipped, of each offer and `none`.
    propensity_source_ : str
        `logged`, `shares` or `model`.
    calibration_ : dict of str to Calibration
        Mean effect of each tested offer and the share of predicted differences that is real.
    evidence_ : Evidence
        Out-of-fold effects and doubly robust scores of the rows learnt from; not saved.

    Examples
    --------
    >>> generator = np.random.default_rng(0)
    >>> X = pd.DataFrame({"orders": generator.poisson(3, 2000)})
    >>> offer = generator.choice(["none", "gift"], 2000)
    >>> chance = 0.3 + 0.3 * (offer == "gift") * (X["orders"] > 3)
    >>> model = UpliftModel().fit(X, generator.random(2000) < chance, offer)
    >>> uplift = model.predict(pd.DataFrame({"orders": [1, 6]}))["gift"]
    >>> bool(uplift[1] > uplift[0] + 0.1)
    True
    """

    def __init__(self, learner: str = AUTO, folds: int = 5, random_state: int = 0) -> None:
        self.learner = learner
        self.folds = folds
        self.random_state = random_state

    def fit(
        self,
        X: pd.DataFrame,
        outcome: ArrayLike,
        offer: ArrayLike,
        propensity: ArrayLike | None = None,
    ) -> Self:
        """Learn from offers made and not made.

        Parameters
        ----------
        X : pandas.DataFrame, shape (rows, columns)
            Numbers, truths and texts, as they were when the offer was assigned; NaN where unknown.
            Rows with equal index labels are of one customer, and never parted by cross-fitting.
        outcome : array, shape (rows,)
            0 or 1, or any number; more is better.
        offer : array of str, shape (rows,)
            Offer id, `none` for rows without.
        propensity : array of float, shape (rows,), optional
            Probability with which each row got its `offer`, `none` included; what the others would
            have been is not needed. Default: estimated, by the shares of the offers if the
            assignment looks random, else by a model of it. For customers who could never get an
            offer its effect is what the model says, without evidence.

        Raises
        ------
        TrainingError
            If settings or arguments are not as described.
        """
        self._check_settings()
        self.coding_ = Encoding.of(X)
        ids, arm = arms_of(offer, len(X))
        self.offers_ = list(ids)
        everything = Experiment(
            self.coding_.matrix(X),
            outcome_of(outcome, len(X)),
            arm,
            np.ones(len(X)),
            pd.factorize(X.index)[0].astype(np.int64),
            len(ids),
            tuple(self.coding_.categorical),
        )
        propensities = self._propensities(everything, propensity)
        self.propensity_source_ = propensities.source
        self.overlap_ = overlap(propensities, arm, [NO_OFFER, *ids])
        self.tested_ = tested(self.overlap_, everything.outcome)
        self.binary_ = everything.is_binary
        self._learn(everything.restricted(propensities.received, list(self.tested_.values())))
        return self

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Change in the outcome caused by each offer.

        Parameters
        ----------
        X : pandas.DataFrame, shape (rows, columns)
            The columns learnt from; others are ignored.

        Returns
        -------
        pandas.DataFrame, shape (rows, offers)
            Index as in X; one float column per offer, 0 for those that were not tested.

        Raises
        ------
        TrainingError
            If columns are missing.
        """
        found = pd.DataFrame(0.0, index=X.index, columns=pd.Index(self.offers_))
        raw = self._raw(X)
        if len(X) and raw.shape[1]:
            effects = self._calibrated(raw)
            for place, offer in enumerate(self.calibration_):
                found[offer] = effects[:, place]
        return found

    def doubts(self, X: pd.DataFrame) -> dict[str, Doubt]:
        """How sure the effects of each tested offer are, for totals over the rows."""
        raw, rows = self._raw(X), self.overlap_["rows"]
        return {
            offer: Doubt(line, raw[:, place], int(rows[offer] + rows[NO_OFFER]))
            for place, (offer, line) in enumerate(self.calibration_.items())
        }

    def _raw(self, X: pd.DataFrame) -> FloatArray:
        """What the learner says, before calibration; shape (rows, tested offers)."""
        check_is_fitted(self, "offers_")
        matrix = self.coding_.matrix(X)
        if self.learned_ is None or not len(X):
            return np.zeros((len(X), len(self.calibration_)))
        stretch = LearnerSetting(self.learner_, self.rounds_).stretch
        return stretch * self.learned_.effects(matrix, self.rounds_)

    def leave_alone(self, X: pd.DataFrame) -> pd.DataFrame:
        """Whether each offer should not be made, for harm was seen in the customer's group.

        Returns
        -------
        pandas.DataFrame of bool, shape (rows, offers)
            True where the 95% interval of the group's effect lies below 0.
        """
        predicted = self.predict(X)
        found = pd.DataFrame(False, index=X.index, columns=predicted.columns)
        for offer, groups in self.effects_.groupby("offer"):
            found[offer] = harmed(groups, predicted[str(offer)])
        return found

    def save(self, folder: Path | str) -> None:
        """Write the model as plain files; no customer rows are among them."""
        check_is_fitted(self, "offers_")
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        stages = () if self.learned_ is None else self.learned_.stages
        for number, stage in enumerate(stages):
            path = folder / f"stage_{number}.txt"
            whole = number < getattr(self.learned_, "whole_stages", 0)
            text = stage.text(None if whole else self.rounds_)
            path.write_text(text, encoding="utf-8")
        shares, shifts = (getattr(self.learned_, name, None) for name in ("shares", "shifts"))
        artifact.write(
            folder,
            {
                "kind": "uplift",
                "settings": self.get_params(),
                "offers": self.offers_,
                "tested": self.tested_,
                "binary": self.binary_,
                "encoding": self.coding_.as_dict(),
                "learner": {
                    "name": self.learner_,
                    "rounds": self.rounds_,
                    "stages": len(stages),
                    "shares": None if shares is None else list(shares),
                    "shifts": None if shifts is None else list(shifts),
                    "binary": self.binary_,
                },
                "calibration": {o: plain(vars(c)) for o, c in self.calibration_.items()},
                "propensity_source": self.propensity_source_,
                "effects": plain(self.effects_.to_dict("list")),
                "candidates": plain(self.candidates_.to_dict("list")),
                "overlap": plain(self.overlap_.reset_index().to_dict("list")),
            },
        )

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read a model written by `save`; `evidence_` stays behind."""
        content = artifact.read(folder, "uplift")
        model = cls(**content["settings"])
        model.offers_, model.tested_ = content["offers"], content["tested"]
        model.binary_, model.coding_ = content["binary"], Encoding.from_dict(content["encoding"])
        model.propensity_source_ = content["propensity_source"]
        model.calibration_ = {
            offer: Calibration(**restored(found)) for offer, found in content["calibration"].items()
        }
        model.effects_ = pd.DataFrame(restored(content["effects"]))
        model.candidates_ = pd.DataFrame(restored(content["candidates"]))
        model.overlap_ = pd.DataFrame(restored(content["overlap"])).set_index("offer")
        chosen: dict[str, Any] = content["learner"]
        model.learner_, model.rounds_ = chosen["name"], chosen["rounds"]
        model.learned_ = learner_from(Path(folder), chosen, len(model.calibration_))
        return model

    def _check_settings(self) -> None:
        if self.learner not in (AUTO, *LEARNERS):
            raise TrainingError(
                f"learner must be one of {(AUTO, *LEARNERS)}; got {self.learner!r}."
            )
        if not isinstance(self.folds, int) or self.folds < 2:
            raise TrainingError(f"folds must be a whole number from 2 up; got {self.folds!r}.")

    def _propensities(self, experiment: Experiment, propensity: ArrayLike | None) -> Propensities:
        if propensity is None:
            return Propensities.estimated(experiment, self.random_state)
        return Propensities.logged(propensity, len(experiment))

    def _learn(self, experiment: Experiment) -> None:
        """Choose a learner, calibrate it and state the evidence."""
        offers = tuple(offer for offer, enough in self.tested_.items() if enough)
        candidates = [c for c in CANDIDATES if self.learner in (AUTO, c.learner)]
        if not offers:
            self._learn_nothing(len(experiment))
            return
        found = crossfit(experiment, candidates, self.folds, self.random_state)
        self.learned_: Learner | None
        chosen, self.candidates_ = compare_candidates(found, candidates)
        self.learner_, self.rounds_ = chosen.learner, chosen.rounds
        learned = self.learned_ = learn_all([chosen.learner], experiment, self.random_state)[
            chosen.learner
        ]
        lines = {offer: found.line(chosen, n) for n, offer in enumerate(offers)}
        self.calibration_ = pooled(lines, found.change, found.spread)
        effects = self._calibrated(found.effects[chosen])
        self.evidence_ = Evidence(offers, found.scores, effects, found.fold, experiment.customer)
        seen = self._calibrated(chosen.stretch * learned.effects(experiment.X, self.rounds_))
        self.effects_ = with_edges(
            group_effects(self.evidence_), pd.DataFrame(seen, columns=list(offers))
        )

    def _learn_nothing(self, rows: int) -> None:
        self.learner_, self.rounds_, self.learned_ = NO_OFFER, 0, None
        self.calibration_ = {}
        nothing, no_fold = np.empty((rows, 0)), np.zeros(rows, dtype=np.int64)
        self.evidence_ = Evidence((), nothing, nothing, no_fold, no_fold)
        self.effects_ = with_edges(group_effects(self.evidence_), pd.DataFrame(nothing))
        self.candidates_ = pd.DataFrame({"learner": [], "rounds": [], "gain": [], "chosen": []})

    def _calibrated(self, effects: FloatArray) -> FloatArray:
        lines = enumerate(self.calibration_.values())
        found = np.column_stack([line.apply(effects[:, place]) for place, line in lines])
        return np.clip(found, -1.0, 1.0) if self.binary_ else found
