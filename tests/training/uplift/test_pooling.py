import numpy as np
import pytest

from training.uplift.calibration import Calibration, pooled

SPREAD = 0.45


def changes(means: list[float], errors: list[float], shared: float, rows: int = 4000):
    """Scores with such means and standard errors, of which a part is the same for all offers."""
    rng = np.random.default_rng(0)
    common = rng.normal(size=(rows, 1)) * shared
    own = np.sqrt(np.square(errors) - shared**2) * rng.normal(size=(rows, len(means)))
    found = np.sqrt(rows) * (common + own)
    return found - found.mean(axis=0) + means


def pool(change: np.ndarray) -> dict[str, Calibration]:
    predicted = np.zeros(len(change))
    lines = {
        f"offer {n}": Calibration.of(column, predicted, 800, SPREAD)
        for n, column in enumerate(change.T)
    }
    return pooled(lines, change, SPREAD)


def test_the_best_of_several_offers_is_drawn_towards_the_others():
    change = changes([0.09, 0.01, 0.02], [0.03] * 3, 0.02)
    alone = Calibration.of(change[:, 0], np.zeros(len(change)), 800, SPREAD)

    best, *others = (line.mean for line in pool(change).values())

    assert 0 < max(others) < best < alone.mean


def test_what_all_offers_share_is_no_evidence_for_any():
    """All look good at once: customers without an offer happened to order little."""
    one_cause = pool(changes([0.08, 0.08, 0.08], [0.04] * 3, 0.039))
    three = pool(changes([0.08, 0.08, 0.08], [0.04] * 3, 0.0))

    assert one_cause["offer 0"].mean < 0.75 * three["offer 0"].mean


def test_an_effect_that_is_plainly_there_is_believed():
    found = pool(changes([0.20, 0.19, 0.21], [0.01] * 3, 0.005))

    assert found["offer 0"].mean == pytest.approx(0.2, abs=0.02)


def test_equal_offers_are_believed_alike_and_a_lone_one_much_as_by_itself():
    found = pool(changes([0.03, 0.03], [0.03, 0.03], 0.01))
    assert found["offer 0"].mean == pytest.approx(found["offer 1"].mean, rel=0.01)

    change = changes([0.03], [0.03], 0.0)
    alone = Calibration.of(change[:, 0], np.zeros(len(change)), 800, SPREAD)
    (lone,) = pool(change).values()
    assert lone.mean == pytest.approx(alone.mean, rel=0.35)
    assert lone.mean_doubt > 0


def test_slopes_and_what_was_seen_stay():
    change = changes([0.05, 0.01], [0.02, 0.03], 0.01)
    found = pool(change)

    assert [line.mean_seen for line in found.values()] == pytest.approx([0.05, 0.01])
    assert {line.slope for line in found.values()} == {0.0}
