//! Account values, positions, profit and loss.

use super::{Layout, Text, contract, named};
use crate::sim::messages::{
    AccountDataEnd, AccountSummary, AccountSummaryEnd, AccountUpdateMulti, AccountUpdateMultiEnd,
    AccountUpdateTime, AccountValue, PnL, PnLSingle, PortfolioValue, Position, PositionEnd,
    PositionMulti, PositionMultiEnd,
};

impl Layout for Position {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>().number(3).text(self.account.as_ref());
        contract(to, &self.contract.clone().unwrap_or_default(), "");
        to.decimal(self.position.as_ref()).double_or_zero(self.avg_cost);
    }
}

impl Layout for PositionEnd {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>().number(1);
    }
}

impl Layout for PositionMulti {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>().number(1).int(self.req_id).text(self.account.as_ref());
        contract(to, &self.contract.clone().unwrap_or_default(), "");
        to.decimal(self.position.as_ref())
            .double_or_zero(self.avg_cost)
            .text(self.model_code.as_ref());
    }
}

impl Layout for PositionMultiEnd {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>().number(1).int(self.req_id);
    }
}

impl Layout for AccountSummary {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>()
            .number(1)
            .int(self.req_id)
            .text(self.account.as_ref())
            .text(self.tag.as_ref())
            .text(self.value.as_ref())
            .text(self.currency.as_ref());
    }
}

impl Layout for AccountSummaryEnd {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>().number(1).int(self.req_id);
    }
}

impl Layout for AccountValue {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>()
            .number(2)
            .text(self.key.as_ref())
            .text(self.value.as_ref())
            .text(self.currency.as_ref())
            .text(self.account_name.as_ref());
    }
}

/// The row names the listing exchange, and every number must be there.
impl Layout for PortfolioValue {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>().number(8);
        let held = self.contract.clone().unwrap_or_default();
        named(to, &held, "0", held.primary_exch.as_ref().or(held.exchange.as_ref()));
        to.decimal(self.position.as_ref())
            .double_or_zero(self.market_price)
            .double_or_zero(self.market_value)
            .double_or_zero(self.average_cost)
            .double_or_zero(self.unrealized_pnl)
            .double_or_zero(self.realized_pnl)
            .text(self.account_name.as_ref());
    }
}

impl Layout for AccountUpdateTime {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>().number(1).text(self.time_stamp.as_ref());
    }
}

impl Layout for AccountDataEnd {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>().number(1).text(self.account_name.as_ref());
    }
}

impl Layout for AccountUpdateMulti {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>()
            .number(1)
            .int(self.req_id)
            .text(self.account.as_ref())
            .text(self.model_code.as_ref())
            .text(self.key.as_ref())
            .text(self.value.as_ref())
            .text(self.currency.as_ref());
    }
}

impl Layout for AccountUpdateMultiEnd {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>().number(1).int(self.req_id);
    }
}

impl Layout for PnL {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>()
            .int(self.req_id)
            .double_or_unset(self.daily_pnl)
            .double_or_unset(self.unrealized_pnl)
            .double_or_unset(self.realized_pnl);
    }
}

impl Layout for PnLSingle {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>()
            .int(self.req_id)
            .decimal(self.position.as_ref())
            .double_or_unset(self.daily_pnl)
            .double_or_unset(self.unrealized_pnl)
            .double_or_unset(self.realized_pnl)
            .double_or_unset(self.value);
    }
}
