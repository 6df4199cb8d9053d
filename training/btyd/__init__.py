"""Buy-till-you-die models: purchases while alive, an unseen end, and the value of an order."""

from training.btyd.gamma_gamma import GammaGamma
from training.btyd.geometric import BGNBD, MBGNBD
from training.btyd.pareto import ParetoNBD

__all__ = ["BGNBD", "MBGNBD", "GammaGamma", "ParetoNBD"]
