//! How long the engine waits, and why.

use std::time::Duration;

/// The engine's waits. Defaults are for IB; tests shorten them.
#[derive(Clone, Debug)]
pub struct OrderTiming {
    /// How long the gateway may take to answer a send before we ask. It answers in well under a
    /// second; a dialog on its screen answers never.
    pub acknowledge: Duration,
    /// How long to wait for fills of an order that works. A market order in trading hours fills
    /// in seconds; one that has not by then is working, and `reconcile` follows it.
    pub fills: Duration,
    /// The pause before looking again when the lists disagree: a fill in flight.
    pub unclear: Duration,
    /// Between the two looks that make an absence believable.
    pub absence_between: Duration,
    /// From the write to the second look: frames stuck in a relay or a frozen gateway surface by
    /// then.
    pub absence_after_write: Duration,
    /// How long to wait for commission reports after the last fill. A fill is booked without one.
    pub commissions: Duration,
}

impl Default for OrderTiming {
    fn default() -> Self {
        Self {
            acknowledge: Duration::from_secs(10),
            fills: Duration::from_secs(60),
            unclear: Duration::from_secs(2),
            absence_between: Duration::from_secs(30),
            absence_after_write: Duration::from_secs(120),
            commissions: Duration::from_secs(1),
        }
    }
}
