//! Whose a fill is.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::domain::StrategyId;

/// Why a fill could not be attributed: the record of its order contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttributionError {
    /// The parts are not the whole.
    #[error("contributions sum to {sum}, the order is {ordered}")]
    Sum {
        /// Of the contributions.
        sum: Decimal,
        /// The order, signed.
        ordered: Decimal,
    },
    /// A fill that the order can't have.
    #[error("filled {filled} of an order of {ordered}")]
    Fill {
        /// Signed.
        filled: Decimal,
        /// Signed.
        ordered: Decimal,
    },
    /// A step of nothing.
    #[error("the step of a quantity must be more than 0, not {0}")]
    Step(Decimal),
    /// A number left the range of a decimal.
    #[error("a quantity became too large to compute with")]
    Overflow,
}

/// Divides what an order has filled so far, `filled`, among those who `contributed`, pro rata and
/// in steps of `step`; `ordered` and `filled` are signed alike.
///
/// * The shares sum to `filled`, always.
/// * When the order is full, the shares are the contributions.
/// * As `filled` grows, no share ever moves back, so that a later fill never takes from one
///   strategy what an earlier fill gave it. (Largest remainders don't have this property; that
///   is the Alabama paradox. Each next step goes to the highest average instead, as in
///   D'Hondt's method, ties by strategy id.)
/// * A contribution against the order's direction is crossed at the rate at which the order
///   fills, rounded down.
///
/// An overfill is refused: it is a matter for a person.
pub fn shares(
    contributions: &BTreeMap<StrategyId, Decimal>,
    ordered: Decimal,
    filled: Decimal,
    step: Decimal,
) -> Result<BTreeMap<StrategyId, Decimal>, AttributionError> {
    check(contributions, ordered, filled, step)?;
    if filled == ordered {
        return Ok(contributions.clone());
    }
    attribute(contributions, ordered, filled, step).ok_or(AttributionError::Overflow)
}

fn check(
    contributions: &BTreeMap<StrategyId, Decimal>,
    ordered: Decimal,
    filled: Decimal,
    step: Decimal,
) -> Result<(), AttributionError> {
    if step <= Decimal::ZERO {
        return Err(AttributionError::Step(step));
    }
    let sum = total(contributions.values().copied()).ok_or(AttributionError::Overflow)?;
    if sum != ordered {
        return Err(AttributionError::Sum { sum, ordered });
    }
    let opposed = !filled.is_zero() && filled.is_sign_negative() != ordered.is_sign_negative();
    if opposed || filled.abs() > ordered.abs() {
        return Err(AttributionError::Fill { filled, ordered });
    }
    Ok(())
}

fn total(parts: impl Iterator<Item = Decimal>) -> Option<Decimal> {
    parts.into_iter().try_fold(Decimal::ZERO, |sum, part| sum.checked_add(part))
}

fn attribute(
    contributions: &BTreeMap<StrategyId, Decimal>,
    ordered: Decimal,
    filled: Decimal,
    step: Decimal,
) -> Option<BTreeMap<StrategyId, Decimal>> {
    // Seen in the order's own direction: those who go along, and those who go against it.
    let forward = |part: Decimal| if ordered.is_sign_negative() { -part } else { part };
    let group = |along: bool| -> BTreeMap<&StrategyId, Decimal> {
        let parts = contributions.iter().map(|(id, part)| (id, forward(*part)));
        let parts = parts.filter(|(_, part)| !part.is_zero());
        parts
            .filter(|(_, part)| part.is_sign_positive() == along)
            .map(|(id, p)| (id, p.abs()))
            .collect()
    };
    let (along, against) = (group(true), group(false));
    let crossing = total(against.values().copied())?;
    let crossed = down(crossing.checked_mul(filled.abs())?.checked_div(ordered.abs())?, step)?;
    let mut shares: BTreeMap<StrategyId, Decimal> =
        contributions.keys().map(|id| (id.clone(), Decimal::ZERO)).collect();
    let bought = filled.abs().checked_add(crossed)?;
    for (id, share) in divide(&along, bought, step)? {
        shares.insert(id.clone(), forward(share).normalize());
    }
    for (id, share) in divide(&against, crossed, step)? {
        shares.insert(id.clone(), forward(-share).normalize());
    }
    Some(shares)
}

/// Divides `amount`, at most the sum of `parts`, all more than 0: highest averages.
fn divide<'a>(
    parts: &BTreeMap<&'a StrategyId, Decimal>,
    amount: Decimal,
    step: Decimal,
) -> Option<BTreeMap<&'a StrategyId, Decimal>> {
    let whole = total(parts.values().copied())?;
    let mut shares = BTreeMap::new();
    let mut left = amount;
    // Nobody gets less than the whole steps of the exact share of the whole steps: these need no
    // contest. A fraction of a step, which only a fractional fill brings, comes last.
    let steps = down(amount, step)?;
    for (id, part) in parts {
        let exact = part.checked_mul(steps)?.checked_div(whole)?;
        let share = down(exact, step)?.min(left);
        left = left.checked_sub(share)?;
        shares.insert(*id, share);
    }
    // What is left is less than a step a head, and each round gives a whole step or fills a head.
    while left > Decimal::ZERO {
        let next = highest_average(parts, &shares, step)?;
        let room = parts.get(next)?.checked_sub(*shares.get(next)?)?;
        let given = step.min(room).min(left);
        let share = shares.get_mut(next)?;
        *share = share.checked_add(given)?;
        left = left.checked_sub(given)?;
    }
    Some(shares)
}

/// Who gets the next step: the largest part per step that it would then have; ties by name. Only
/// those who have room.
fn highest_average<'a>(
    parts: &BTreeMap<&'a StrategyId, Decimal>,
    shares: &BTreeMap<&'a StrategyId, Decimal>,
    step: Decimal,
) -> Option<&'a StrategyId> {
    let mut best: Option<(&StrategyId, Decimal, Decimal)> = None;
    for (id, part) in parts {
        let share = *shares.get(id)?;
        if share >= *part {
            continue;
        }
        let then = share.checked_add(step)?;
        // part/then > best/best_then without the rounding of a division.
        let better = match best {
            None => true,
            Some((_, best_part, best_then)) => {
                part.checked_mul(best_then)? > best_part.checked_mul(then)?
            }
        };
        if better {
            best = Some((id, *part, then));
        }
    }
    best.map(|(id, _, _)| id)
}

fn down(amount: Decimal, step: Decimal) -> Option<Decimal> {
    amount.checked_sub(amount.checked_rem(step)?)
}

#[cfg(test)]
#[path = "attribution_tests.rs"]
mod tests;
