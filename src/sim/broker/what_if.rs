//! What an order would do to its account, and whether the account can bear it.

use rust_decimal::Decimal;

use super::books::Booking;
use super::commission::{Traded, commission_of_fill};
use super::matching::Rules;
use super::order::Proposal;
use super::pricing::touch;
use super::valuation::Valuation;
use super::{Broker, Refusal};
use crate::sim::universe::BASE_CURRENCY;

/// What an order would do to the account, in the base currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WhatIf {
    pub before: Valuation,
    pub after: Valuation,
    /// In the currency that the contract's commissions are charged in.
    pub commission: Decimal,
}

impl WhatIf {
    /// Enough equity for the margin of positions and working orders, or at least no more margin
    /// than before: an exit is always possible.
    pub fn is_affordable(&self) -> bool {
        self.after.needed() <= self.after.net_liquidation()
            || self.after.needed() <= self.before.needed()
    }

    /// What is missing, as IB says it (text seen in
    /// <https://github.com/erdewit/ib_insync/issues/704>).
    pub fn shortfall(&self) -> String {
        format!(
            "We are unable to accept your order. Your Available Funds are insufficient to cover \
             the change in the account's margin requirements if this order executes. In order to \
             obtain the desired position your Equity with Loan Value [{} {BASE_CURRENCY}] must \
             exceed the new total Initial Margin of [{} {BASE_CURRENCY}].",
            cents(self.after.net_liquidation()),
            cents(self.after.needed()),
        )
    }

    /// The refusal of an order that the account cannot bear.
    pub fn refusal(&self) -> Refusal {
        Refusal::new(201, format!("Order rejected - reason:{}", self.shortfall()))
    }
}

fn cents(amount: Decimal) -> Decimal {
    let mut rounded = amount.round_dp(2);
    rounded.rescale(2);
    rounded
}

impl Broker {
    /// What `proposal` would do if all that it has still to trade filled now. An open order of the
    /// same client and number is taken for the one that it changes. `None` when an amount is too
    /// large to be booked.
    pub fn what_if(&self, proposal: &Proposal, rules: &Rules<'_>) -> Option<WhatIf> {
        let listing = rules.market.universe().get(proposal.con_id)?;
        let (_, account) = self.account(&proposal.account)?;
        let open = self.find(proposal.client_id, proposal.order_id);
        let open = open.filter(|order| order.state.is_open());
        let before = open.map_or(Traded::default(), |order| Traded {
            quantity: order.filled,
            value: order.filled_value,
        });
        let quantity = proposal.quantity.checked_sub(before.quantity)?;
        // What it pays is what its contract is worth then, near enough: an order far from the
        // market fills when the market has come to it, and gains nothing by its limit.
        let price = touch(proposal.side, &rules.market.quote(listing, rules.at));
        let after = Traded {
            quantity: proposal.quantity,
            value: before.value.checked_add(quantity.checked_mul(price)?)?,
        };
        let commission = commission_of_fill(listing, before, after, rules)?;
        let fill = Booking { listing, side: proposal.side, quantity, price, commission };
        let replaced = open.map(|order| order.perm_id);
        Some(WhatIf {
            before: account.value(rules.market, rules.at)?,
            after: account.value_after(&fill, replaced, rules.market, rules.at)?,
            commission,
        })
    }
}
