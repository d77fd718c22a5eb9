//! Order states, executions, commissions, and the ends of the lists.

use super::{Layout, Text, contract};
use crate::sim::messages::{
    CommissionAndFeesReport, CompletedOrdersEnd, ExecutionDetails, ExecutionDetailsEnd,
    OpenOrdersEnd, OrderStatus,
};

impl Layout for OrderStatus {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>()
            .int(self.order_id)
            .text(self.status.as_ref())
            .decimal(self.filled.as_ref())
            .decimal(self.remaining.as_ref())
            .double_or_zero(self.avg_fill_price)
            .long(self.perm_id)
            .int(self.parent_id)
            .double_or_zero(self.last_fill_price)
            .int(self.client_id)
            .text(self.why_held.as_ref())
            .double_or_zero(self.mkt_cap_price);
    }
}

impl Layout for ExecutionDetails {
    fn lay_out(&self, to: &mut Text) {
        let execution = self.execution.clone().unwrap_or_default();
        to.begin::<Self>().int(self.req_id).int(execution.order_id);
        contract(to, &self.contract.clone().unwrap_or_default(), "");
        to.text(execution.exec_id.as_ref())
            .text(execution.time.as_ref())
            .text(execution.acct_number.as_ref())
            .text(execution.exchange.as_ref())
            .text(execution.side.as_ref())
            .decimal(execution.shares.as_ref())
            .double_or_zero(execution.price)
            .long(execution.perm_id)
            .int(execution.client_id)
            .flag(execution.is_liquidation)
            .decimal(execution.cum_qty.as_ref())
            .double_or_zero(execution.avg_price)
            .text(execution.order_ref.as_ref())
            .text(execution.ev_rule.as_ref())
            .double_or_blank(execution.ev_multiplier)
            .text(execution.model_code.as_ref())
            .int(execution.last_liquidity);
        if to.since(178) {
            to.flag(execution.is_price_revision_pending);
        }
    }
}

/// What is not known is the largest double, and the date empty.
impl Layout for CommissionAndFeesReport {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>()
            .number(1)
            .text(self.exec_id.as_ref())
            .double_or_unset(self.commission_and_fees)
            .text(self.currency.as_ref())
            .double_or_unset(self.realized_pnl)
            .double_or_unset(self.bond_yield)
            .text(self.yield_redemption_date.as_ref());
    }
}

impl Layout for ExecutionDetailsEnd {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>().number(1).int(self.req_id);
    }
}

impl Layout for OpenOrdersEnd {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>().number(1);
    }
}

impl Layout for CompletedOrdersEnd {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>();
    }
}
