"""Which measures go together in one person's days, and how sure that is: arrays in, arrays out, nothing else.

The method, in the order of the code (docs/insights.md has it in plain words, with its measured error rates):

1. Weekday effect out. Spearman works on ranks, Pearson on values; both lose their mean of each weekday.
2. Effective days. Days resemble their neighbours, so n days are worth fewer. The variance of a correlation between
   two independent series is the sum of the products of their autocorrelations over all pairs of days: Bretherton,
   Widmann, Dymnikov, Wallace & Bladé (1999), "The effective number of spatial degrees of freedom of a time-varying
   field", J. Climate 12, 1990-2009, eq. 30; with AR(1) series without gaps it is their eq. 31,
   n (1 - phi_x phi_y) / (1 + phi_x phi_y). Here the sum runs over the pairs of days that are really there.
3. Student's t on the effective days; interval by Fisher's z (Spearman: Bonett & Wright 2000, Psychometrika 65,
   23-28).
4. Benjamini & Hochberg (1995), J. R. Stat. Soc. B 57, 289-300, over every test of the person at once: factor,
   outcome, lag AND method, so that no way of reading the table breaks the promised rate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from moderation_craft.insights.promises import (
    CONFIDENCE,
    FALSE_DISCOVERY_RATE,
    LAGS,
    MIN_EFFECTIVE_DAYS,
    REFERENCE_LINK,
    REFERENCE_POWER,
)

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

METHODS: Final = ("pearson", "spearman")
TESTED, TOO_SHORT, CONSTANT, COPY, UNWANTED = range(5)
STATES: Final = ("tested", "too_short", "constant", "copy")

_WEEKDAYS = 7
_MIN_NEIGHBOURS = 10
_MAX_PHI = 0.98
_FLAT = 1e-9
_IDENTICAL = 1e-9


@dataclass(frozen=True)
class Correlations:
    """One test for each method, lag, factor and outcome: every array has the shape (methods, lags, factors,
    outcomes).

    `state` is TESTED, TOO_SHORT, CONSTANT, COPY or UNWANTED; r and its interval are NaN where not TESTED (COPY: r
    is 1 or -1), p and q wherever not TESTED. `days_needed`: see `days_needed`; -1 where more days are no known
    help.
    """

    state: NDArray[np.int8]
    n: NDArray[np.int64]
    n_effective: Floats
    r: Floats
    ci_low: Floats
    ci_high: Floats
    p: Floats
    q: Floats
    days_needed: NDArray[np.int64]
    last_day: NDArray[np.int64]

    @property
    def linked(self) -> Flags:
        """Where both methods pass the rate with one sign: (lags, factors, outcomes)."""
        passes: Flags = (self.q <= FALSE_DISCOVERY_RATE).all(axis=0) & (self.r[0] * self.r[1] > 0)
        return passes


@dataclass(frozen=True)
class _Series:
    """Series of one method, (series, days): residuals of unit spread with 0 where missing, and what is known of
    them."""

    residual: Floats
    present: Flags
    phi: Floats
    is_flat: Flags


def correlate(factors: Floats, outcomes: Floats, weekdays: NDArray[np.int64], wanted: Flags) -> Correlations:
    """Test every wanted factor and outcome at every lag.

    `factors` (factors, days) and `outcomes` (outcomes, days) in any unit, one column a civil day without gaps in
    the calendar, NaN where nothing was measured; `weekdays` (days,) 0 to 6; `wanted` (lags, factors, outcomes).
    """
    sides = [(_series(_as(m, factors), weekdays), _series(_as(m, outcomes), weekdays)) for m in METHODS]
    moments = [_correlation(x, y) for x, y in sides]
    r, is_flat = (np.stack(each) for each in zip(*moments, strict=True))
    present_x, present_y = _lagged(sides[0][0].present), sides[0][1].present
    n = _pair_sum(present_x, present_y).astype(np.int64)
    worth = _effective(present_x, present_y, n, np.stack([_phi_product(x, y) for x, y in sides]))
    n_effective = np.maximum(worth * _share_left(n), 0.0)
    state = _state(r, is_flat, n_effective, wanted)
    tested = state == TESTED
    p = _p_value(r, n_effective, tested)
    q = _benjamini_hochberg(p, tested)
    low, high = _interval(r, n_effective, tested)
    first, last = _first_and_last(present_x, present_y)
    spans = np.where(n > 0, present_y.shape[1] - first, 0)
    return Correlations(
        state=state,
        n=np.broadcast_to(n, state.shape),
        n_effective=n_effective,
        r=np.where(tested, r, np.where(state == COPY, np.sign(r), np.nan)),
        ci_low=low,
        ci_high=high,
        p=p,
        q=q,
        days_needed=_days_needed(state, worth, np.broadcast_to(spans, state.shape), q),
        last_day=np.broadcast_to(last, state.shape),
    )


def days_needed(effective_days: Floats, span_days: NDArray[np.int64], tests: int, found: int) -> NDArray[np.int64]:
    """How many more days until a link as strong as REFERENCE_LINK would be found with REFERENCE_POWER.

    `effective_days` is what `span_days` of calendar were worth so far; the next days are taken to be worth as
    much. To be found as one more among `found`, its p must pass Benjamini-Hochberg's line, rate x (found + 1) /
    `tests`. The effective days for that are ((z(1 - line/2) + z(power)) / artanh(link))^2 + 3: Fisher's z, as in
    Cohen (1988), Statistical Power Analysis, ch. 3. It asks about a fixed strength, never the one that was
    observed: power at the observed effect says no more than p (Hoenig & Heisey 2001, Am. Statistician 55, 19-24).
    """
    line = FALSE_DISCOVERY_RATE * min(found + 1, tests) / tests
    z = special.ndtri(1 - line / 2) + special.ndtri(REFERENCE_POWER)
    required = (z / math.atanh(REFERENCE_LINK)) ** 2 + 3 + _WEEKDAYS - 1
    more = np.ceil(required * span_days / effective_days) - span_days
    days: NDArray[np.int64] = np.maximum(more, 0).astype(np.int64)
    return days


def weekday_effect_removed(values: Floats, weekdays: NDArray[np.int64]) -> Floats:
    """Each series (series, days) less its own mean of each weekday; NaN stays NaN."""
    present = np.isfinite(values)
    on = np.eye(_WEEKDAYS)[weekdays]
    means = np.where(present, values, 0.0) @ on / np.maximum(present @ on, 1.0)
    return np.where(present, values - means[:, weekdays], np.nan)


def lag1_autocorrelation(residual: Floats) -> Floats:
    """Each series' (series, days) correlation with the day before, NaN where missing, 0 to 0.98; never negative.

    Not corrected for its small-sample bias: with the days that the weekday means cost taken off, the rate of false
    findings is right without it, and too low with it (docs/insights.md). A series with fewer than ten pairs of
    neighbouring days is judged by its neighbouring observations and their mean distance.
    """
    present = np.isfinite(residual)
    filled = np.where(present, residual, 0.0)
    both = present[:, 1:] & present[:, :-1]
    pairs, days = both.sum(1), present.sum(1)
    variance = (filled**2).sum(1) / np.maximum(days, 1)
    product = (filled[:, 1:] * filled[:, :-1]).sum(1) / np.maximum(pairs, 1)
    raw = product / np.where(variance > 0, variance, 1.0)
    for row in np.flatnonzero((pairs < _MIN_NEIGHBOURS) & (days > 1)):
        raw[row] = _sparse_autocorrelation(residual[row][present[row]], np.flatnonzero(present[row]))
    phi: Floats = np.clip(raw, 0.0, _MAX_PHI)
    return phi


def _sparse_autocorrelation(values: Floats, days: NDArray[np.int64]) -> float:
    """By the day, from observations that lie apart: phi^gap is what neighbouring observations show."""
    spread = float((values**2).mean())
    shown = float((values[1:] * values[:-1]).mean()) / spread if spread > 0 else 0.0
    return float(np.clip(shown, 0.0, 1.0) ** (1 / float(np.diff(days).mean())))


def _as(method: str, values: Floats) -> Floats:
    """What a method correlates: the values, or their ranks among all days of the measure."""
    finite = np.where(np.isfinite(values), values, np.nan)
    if method == "pearson":
        return finite
    ranks = np.full_like(finite, np.nan)
    for series, held in zip(finite, ranks, strict=True):
        known = np.isfinite(series)
        held[known] = stats.rankdata(series[known])
    return ranks


def _series(values: Floats, weekdays: NDArray[np.int64]) -> _Series:
    present = np.isfinite(values)
    largest = np.max(np.abs(values), axis=1, initial=0.0, where=present)
    residual = weekday_effect_removed(values / np.where(largest > 0, largest, 1.0)[:, None], weekdays)
    filled = np.where(present, residual, 0.0)
    spread = np.sqrt((filled**2).sum(1) / np.maximum(present.sum(1), 1))
    is_flat = spread <= _FLAT
    filled = filled / np.where(is_flat, 1.0, spread)[:, None]
    return _Series(filled, present, lag1_autocorrelation(np.where(present, filled, np.nan)), is_flat)


def _lagged(values: NDArray[np.generic]) -> Floats:
    """(series, days) as (lags, series, days): what was so many days before, 0 before the first day."""
    held = np.zeros((LAGS, *values.shape))
    for lag in range(min(LAGS, values.shape[1])):
        held[lag, :, lag:] = values[:, : values.shape[1] - lag]
    return held


def _pair_sum(lagged: Floats, outcomes: NDArray[np.generic]) -> Floats:
    """Sums of products over days: (lags, factors, outcomes)."""
    found: Floats = lagged @ outcomes.astype(np.float64).T
    return found


def _correlation(x: _Series, y: _Series) -> tuple[Floats, Flags]:
    """Pearson's r of each pair over the days that both have, and where one of the two does not vary."""
    xs, here, there = _lagged(x.residual), _lagged(x.present), y.present
    n = np.maximum(_pair_sum(here, there), 1.0)
    sum_x, sum_y = _pair_sum(xs, there), _pair_sum(here, y.residual)
    square_x, square_y = _pair_sum(xs**2, there), _pair_sum(here, y.residual**2)
    var_x, var_y = square_x - sum_x**2 / n, square_y - sum_y**2 / n
    is_flat = (var_x <= 1e-12 * square_x) | (var_y <= 1e-12 * square_y)
    is_flat |= x.is_flat[:, None] | y.is_flat[None, :]
    covariance = _pair_sum(xs, y.residual) - sum_x * sum_y / n
    r = np.divide(covariance, np.sqrt(np.where(is_flat, 1.0, var_x * var_y)), where=~is_flat, out=np.zeros_like(n))
    return np.clip(r, -1.0, 1.0), is_flat


def _phi_product(x: _Series, y: _Series) -> Floats:
    return x.phi[:, None] * y.phi[None, :]


def _effective(present_x: Floats, present_y: Flags, n: NDArray[np.int64], phi: Floats) -> Floats:
    """n^2 / the sum of phi^|i - j| over all pairs of common days i, j; (methods, lags, factors, outcomes).

    `phi` (methods, factors, outcomes) is phi_x phi_y. One pass over the days: `carried` holds what all days before
    weigh today.
    """
    carried = np.zeros((len(phi), *n.shape))
    pairs = np.zeros_like(carried)
    fade = phi[:, None]
    for day in range(present_y.shape[1]):
        both = present_x[:, :, day, None] * present_y[:, day]
        pairs += carried * both
        carried += both
        carried *= fade
    total = n + 2 * pairs
    worth: Floats = np.divide(n.astype(np.float64) ** 2, total, where=total > 0, out=np.zeros_like(total))
    return worth


def _share_left(n: NDArray[np.int64]) -> Floats:
    """Seven weekday means cost six days more than the one mean that every correlation takes out."""
    share: Floats = np.maximum(n - (_WEEKDAYS - 1), 0) / np.maximum(n, 1)
    return share


def _state(r: Floats, is_flat: Flags, n_effective: Floats, wanted: Flags) -> NDArray[np.int8]:
    state = np.full(r.shape, TESTED, dtype=np.int8)
    state[np.abs(r) > 1 - _IDENTICAL] = COPY
    state[is_flat] = CONSTANT
    state[n_effective < MIN_EFFECTIVE_DAYS] = TOO_SHORT
    state[:, ~wanted] = UNWANTED
    return state


def _p_value(r: Floats, n_effective: Floats, tested: Flags) -> Floats:
    p = np.full(r.shape, np.nan)
    df = n_effective[tested] - 2
    t = np.abs(r[tested]) * np.sqrt(df / (1 - r[tested] ** 2))
    p[tested] = 2 * special.stdtr(df, -t)
    return p


def _benjamini_hochberg(p: Floats, tested: Flags) -> Floats:
    q = np.full(p.shape, np.nan)
    if tested.any():
        q[tested] = stats.false_discovery_control(p[tested], method="bh")
    return q


def _interval(r: Floats, n_effective: Floats, tested: Flags) -> tuple[Floats, Floats]:
    low, high = np.full(r.shape, np.nan), np.full(r.shape, np.nan)
    widen = np.ones(r.shape)
    widen[METHODS.index("spearman")] += r[METHODS.index("spearman")] ** 2 / 2
    half = special.ndtri((1 + CONFIDENCE) / 2) * np.sqrt(widen[tested] / (n_effective[tested] - 3))
    z = np.arctanh(r[tested])
    low[tested], high[tested] = np.tanh(z - half), np.tanh(z + half)
    return low, high


def _first_and_last(present_x: Floats, present_y: Flags) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first and the last common day of each pair, as columns; 0 and -1 where there is none."""
    both = (present_x[:, :, None, :] * present_y[None, None]) > 0
    has = both.any(-1)
    first = np.where(has, both.argmax(-1), 0)
    last = np.where(has, both.shape[-1] - 1 - both[..., ::-1].argmax(-1), -1)
    return first, last


def _days_needed(state: NDArray[np.int8], worth: Floats, spans: NDArray[np.int64], q: Floats) -> NDArray[np.int64]:
    """`days_needed` of each test: 0 where a link was found, -1 where there is nothing to reckon from."""
    needed = np.full(state.shape, -1, dtype=np.int64)
    open_ = (state == TESTED) | (state == TOO_SHORT)
    tests, found = int(open_.sum()), int((q <= FALSE_DISCOVERY_RATE).sum())
    known = open_ & (worth > 0)
    if known.any():
        needed[known] = days_needed(worth[known], spans[known], tests, found)
    needed[q <= FALSE_DISCOVERY_RATE] = 0
    return needed
