//! A price path that can be read at any instant in any order.
//!
//! A Brownian motion over 2^33 steps, built by halving: the ends are drawn first, then the middle
//! of each half, down to the step that is wanted (Lévy's construction). Every draw is a hash of
//! seed, source, level and place, so the value at a step depends on nothing else: not on who
//! asked before, nor on how often.

use std::f64::consts::SQRT_2;

/// Halvings from the whole range to one step.
const LEVELS: u32 = 32;

/// The path covers this many steps to either side of step 0: 34 years of 250 ms.
pub const REACH: i64 = 1 << LEVELS;

/// What moves a price: a contract of its own, or a factor that many contracts share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source(u64);

impl Source {
    pub fn contract(con_id: i32) -> Self {
        Self(u64::from(con_id.unsigned_abs()))
    }

    /// The factor of this name, such as `us-equity`.
    pub fn factor(name: &str) -> Self {
        let hash = name.bytes().fold(0, |hash, byte| mix(hash ^ u64::from(byte)));
        // No contract id has the highest bit.
        Self(hash | 1 << 63)
    }
}

/// The Brownian motion of `source` at `step`: 0 at step 0, variance 1 a step. Beyond the reach it
/// stays where it was at the end.
pub fn brownian(seed: u64, source: Source, step: i64) -> f64 {
    let place = step.unsigned_abs().min(REACH.unsigned_abs());
    let side = mix(seed ^ mix(source.0 ^ (u64::from(step < 0) << 40)));
    let end = deviate(side) * spread(LEVELS);
    let (mut low, mut length) = (0, REACH.unsigned_abs());
    let (mut at_low, mut at_high) = (0.0, end);
    for level in (0..LEVELS).rev() {
        if place == low {
            return at_low;
        }
        if place == low + length {
            return at_high;
        }
        length /= 2;
        let middle = low + length;
        // A bridge of 2^(level+1) steps has half their square root as deviation in the middle.
        let offset = deviate(mix(side ^ mix(middle))) * spread(level + 1) / 2.0;
        let at_middle = f64::midpoint(at_low, at_high) + offset;
        if place < middle {
            at_high = at_middle;
        } else {
            (low, at_low) = (middle, at_middle);
        }
    }
    if place == low { at_low } else { at_high }
}

/// The standard deviation of 2^`level` steps.
fn spread(level: u32) -> f64 {
    let whole = f64::from(1_u32 << (level / 2));
    if level.is_multiple_of(2) { whole } else { whole * SQRT_2 }
}

/// Nearly normal, mean 0, variance 1, from the bits of a hash: four uniform numbers added up.
fn deviate(hash: u64) -> f64 {
    let uniform = |shift: u32| {
        let bits = (hash >> shift) & 0xFFFF;
        f64::from(u16::try_from(bits).unwrap_or(u16::MAX)) / 65_536.0 + 0.5 / 65_536.0
    };
    let sum: f64 = [0, 16, 32, 48].into_iter().map(uniform).sum();
    (sum - 2.0) * 3.0_f64.sqrt()
}

/// A number that is a different function of `seed`, `contract`, `step` and `salt`.
pub fn draw(seed: u64, contract: i32, step: i64, salt: u64) -> u64 {
    mix(seed ^ mix(u64::from(contract.unsigned_abs()) ^ mix(step.cast_unsigned() ^ mix(salt))))
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood, 2014), published for free use.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_has_one_value_whatever_was_asked_before() {
        let (this, other) = (Source::contract(42), Source::contract(43));
        let alone = brownian(7, this, 123_456);
        for step in (-1000..1000).chain([i64::MAX, i64::MIN, 123_455]) {
            assert!(brownian(7, this, step).is_finite(), "{step}");
        }
        assert!((brownian(7, this, 123_456) - alone).abs() < f64::EPSILON);
        assert!((brownian(8, this, 123_456) - alone).abs() > 0.0, "the seed matters");
        assert!((brownian(7, other, 123_456) - alone).abs() > 0.0, "the contract matters");
        assert_ne!(Source::factor("us-equity"), Source::factor("rates"));
    }

    #[test]
    fn the_path_starts_at_zero_and_its_variance_grows_with_time() {
        assert!(brownian(1, Source::contract(1), 0).abs() < f64::EPSILON);
        for distance in [1, 64, 10_000] {
            let at = |step| brownian(3, Source::contract(9), step);
            let samples: Vec<_> =
                (-2000..2000).map(|i| at(i * 777 + distance) - at(i * 777)).collect();
            let count = f64::from(u16::try_from(samples.len()).unwrap());
            let variance = samples.iter().map(|x| x * x).sum::<f64>() / count;
            let expected = f64::from(u16::try_from(distance).unwrap());
            let ratio = variance / expected;
            assert!((0.85..1.15).contains(&ratio), "{distance} steps: ratio {ratio}");
        }
    }
}
