"""What goes wrong in this package."""

from __future__ import annotations


class OffersError(ValueError):
    """Offers, customers or settings that nothing can be decided from; the message says why."""
