//! Contract details, the search for contracts, price increments.

use super::{Layout, Text, multiplier};
use crate::sim::messages::{
    ContractData, ContractDataEnd, ContractDetails, MarketRule, SmartComponents, SymbolSamples,
};

impl Layout for ContractData {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>();
        if !to.since(164) {
            to.number(8);
        }
        let contract = self.contract.clone().unwrap_or_default();
        let details = self.contract_details.clone().unwrap_or_default();
        to.int(self.req_id)
            .text(contract.symbol.as_ref())
            .text(contract.sec_type.as_ref())
            .text(contract.last_trade_date_or_contract_month.as_ref())
            .double_or_zero(contract.strike)
            .text(contract.right.as_ref())
            .text(contract.exchange.as_ref())
            .text(contract.currency.as_ref())
            .text(contract.local_symbol.as_ref())
            .text(details.market_name.as_ref())
            .text(contract.trading_class.as_ref())
            .int(contract.con_id)
            .decimal(details.min_tick.as_ref());
        if !to.since(164) {
            // How many shares a size of one is. Nothing comes in lots here.
            to.number(1);
        }
        to.word(&multiplier(&contract));
        described(to, &details, contract.primary_exch.as_ref());
        sizes(to, &details);
    }
}

fn described(to: &mut Text, details: &ContractDetails, primary_exchange: Option<&String>) {
    to.text(details.order_types.as_ref())
        .text(details.valid_exchanges.as_ref())
        .int(details.price_magnifier)
        .int(details.under_con_id)
        .prose(details.long_name.as_ref())
        .text(primary_exchange)
        .text(details.contract_month.as_ref())
        .text(details.industry.as_ref())
        .text(details.category.as_ref())
        .text(details.subcategory.as_ref())
        .text(details.time_zone_id.as_ref())
        .text(details.trading_hours.as_ref())
        .text(details.liquid_hours.as_ref())
        .text(details.ev_rule.as_ref())
        .double_or_blank(details.ev_multiplier)
        .pairs(&details.sec_id_list)
        .int_or_unset(details.agg_group)
        .text(details.under_symbol.as_ref())
        .text(details.under_sec_type.as_ref())
        .text(details.market_rule_ids.as_ref())
        .text(details.real_expiration_date.as_ref())
        .text(details.stock_type.as_ref());
}

fn sizes(to: &mut Text, details: &ContractDetails) {
    if to.since(164) {
        to.decimal(details.min_size.as_ref())
            .decimal(details.size_increment.as_ref())
            .decimal(details.suggested_size_increment.as_ref());
    } else if to.since(163) {
        to.decimal(details.min_size.as_ref());
    }
}

impl Layout for ContractDataEnd {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>().number(1).int(self.req_id);
    }
}

impl Layout for SymbolSamples {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>().int(self.req_id).count(self.contract_descriptions.len());
        for found in &self.contract_descriptions {
            let contract = found.contract.clone().unwrap_or_default();
            to.int(contract.con_id)
                .text(contract.symbol.as_ref())
                .text(contract.sec_type.as_ref())
                .text(contract.primary_exch.as_ref())
                .text(contract.currency.as_ref())
                .count(found.derivative_sec_types.len());
            for kind in &found.derivative_sec_types {
                to.text(Some(kind));
            }
            if to.since(176) {
                to.prose(contract.description.as_ref()).text(contract.issuer_id.as_ref());
            }
        }
    }
}

impl Layout for MarketRule {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>().int(self.market_rule_id).count(self.price_increments.len());
        for row in &self.price_increments {
            to.double_or_zero(row.low_edge).double_or_zero(row.increment);
        }
    }
}

impl Layout for SmartComponents {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>().int(self.req_id).count(self.smart_components.len());
        for component in &self.smart_components {
            to.int(component.bit_number)
                .text(component.exchange.as_ref())
                .text(component.exchange_letter.as_ref());
        }
    }
}
