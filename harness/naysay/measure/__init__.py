"""Verdicts to numbers: rates, intervals, paired comparisons.

The rules these follow are in ``docs/numbers.md``: nothing without its count, its coverage, its interval and its judge.
"""

from naysay.measure.compare import Change, Comparison, Difference, compare
from naysay.measure.headline import MEASURES, Balance, Headline
from naysay.measure.intervals import Interval, wilson
from naysay.measure.observe import Joined, Observation, observe
from naysay.measure.paired import holm, mcnemar
from naysay.measure.rates import Rate
from naysay.measure.summary import Cell, Metrics, summarise

__all__ = [
    "MEASURES", "Balance", "Cell", "Change", "Comparison", "Difference", "Headline", "Interval", "Joined", "Metrics",
    "Observation", "Rate", "compare", "holm", "mcnemar", "observe", "summarise", "wilson",
]  # fmt: skip
