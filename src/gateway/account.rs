//! Which account is ours, and what its download says.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::GatewayError;
use crate::domain::{Account, AccountValues, Currency, TradingMode};

/// The download's name in errors.
pub(super) const DOWNLOAD: &str = "the account download";

/// Marks rows that sum all currencies up in the base currency.
const BASE: &str = "BASE";

/// Picks the account to trade from those that the login serves, or refuses.
pub(super) fn choose(
    served: &[Account],
    wanted: Option<&Account>,
    mode: TradingMode,
) -> Result<Account, GatewayError> {
    let account = match (wanted, served) {
        (Some(wanted), _) if served.contains(wanted) => wanted,
        (Some(wanted), _) => {
            return Err(GatewayError::WrongAccount(format!(
                "account {wanted} (IB_ACCOUNT) is not one that IB Gateway's login serves: {}",
                names(served)
            )));
        }
        (None, [only]) => only,
        (None, _) => {
            return Err(GatewayError::WrongAccount(format!(
                "IB Gateway's login serves several accounts ({}): set IB_ACCOUNT to the one to \
                 trade",
                names(served)
            )));
        }
    };
    match (mode, account.is_paper()) {
        (TradingMode::Paper, true) | (TradingMode::Live, false) => Ok(account.clone()),
        (TradingMode::Paper, false) => Err(GatewayError::WrongAccount(format!(
            "trading mode is paper, and account {account} is not a paper account (DU…, DF…)"
        ))),
        (TradingMode::Live, true) => Err(GatewayError::WrongAccount(format!(
            "trading mode is live, and account {account} is a paper account"
        ))),
    }
}

fn names(accounts: &[Account]) -> String {
    let names: Vec<String> = accounts.iter().map(Account::to_string).collect();
    names.join(", ")
}

/// One row of the account download. The same tag comes once per currency.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) tag: String,
    pub(super) value: String,
    pub(super) currency: String,
}

/// Reads a complete account download.
///
/// Tags: <https://interactivebrokers.github.io/tws-api/account_updates.html>. Sums over all
/// currencies are in the currency that stands in their row; per-currency rows have a `BASE` twin
/// that is left out. A value that changes during the download comes twice: the later one counts.
pub(super) fn values(account: &Account, rows: &[Row]) -> Result<AccountValues, GatewayError> {
    // Absent counts as not ready: a download without it is no download that we know.
    let ready = rows.iter().rfind(|row| row.tag == "AccountReady");
    if ready.is_none_or(|row| row.value != "true") {
        return Err(GatewayError::NotReady);
    }
    let (net_liquidation, base) = total(rows, "NetLiquidation")?;
    let sum = |tag| total(rows, tag).map(|(value, _)| value);
    let mut exchange_rates = by_currency(rows, "ExchangeRate")?;
    exchange_rates.insert(base.clone(), Decimal::ONE);
    let mut cash = by_currency(rows, "CashBalance")?;
    if cash.is_empty() {
        cash = by_currency(rows, "TotalCashBalance")?;
    }
    Ok(AccountValues {
        account: account.clone(),
        net_liquidation,
        gross_position_value: sum("GrossPositionValue")?,
        available_funds: sum("AvailableFunds")?,
        buying_power: sum("BuyingPower")?,
        base_currency: base,
        cash,
        exchange_rates,
    })
}

/// The value of a tag that exists once, and its currency.
fn total(rows: &[Row], tag: &'static str) -> Result<(Decimal, Currency), GatewayError> {
    let row = rows
        .iter()
        .rfind(|row| row.tag == tag && row.currency != BASE && !row.currency.is_empty())
        .ok_or_else(|| unreadable(format!("{tag} is missing")))?;
    Ok((number(row)?, Currency::new(&row.currency)))
}

fn by_currency(rows: &[Row], tag: &str) -> Result<BTreeMap<Currency, Decimal>, GatewayError> {
    rows.iter()
        .filter(|row| row.tag == tag && row.currency != BASE && !row.currency.is_empty())
        .map(|row| Ok((Currency::new(&row.currency), number(row)?)))
        .collect()
}

fn number(row: &Row) -> Result<Decimal, GatewayError> {
    row.value.parse().map_err(|problem: rust_decimal::Error| {
        unreadable(format!("{} in {} is not a number ({problem})", row.tag, row.currency))
    })
}

fn unreadable(problem: String) -> GatewayError {
    GatewayError::Unreadable { request: DOWNLOAD, problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts(numbers: &[&str]) -> Vec<Account> {
        numbers.iter().map(|number| Account::new(*number)).collect()
    }

    fn refusal(served: &[&str], wanted: Option<&str>, mode: TradingMode) -> String {
        let wanted = wanted.map(Account::new);
        choose(&accounts(served), wanted.as_ref(), mode).unwrap_err().to_string()
    }

    #[test]
    fn a_paper_account_is_traded_in_paper_mode_only() {
        let served = accounts(&["DU1234567"]);
        assert_eq!(choose(&served, None, TradingMode::Paper).unwrap(), served[0]);
        assert!(refusal(&["DU1234567"], None, TradingMode::Live).contains("live"));
    }

    #[test]
    fn a_live_account_is_traded_in_live_mode_only() {
        let served = accounts(&["U1234567"]);
        assert_eq!(choose(&served, None, TradingMode::Live).unwrap(), served[0]);
        assert!(refusal(&["U1234567"], None, TradingMode::Paper).contains("paper"));
    }

    #[test]
    fn one_of_several_accounts_must_be_named() {
        let served = ["DU1111111", "DU2222222"];
        let text = refusal(&served, None, TradingMode::Paper);
        assert!(text.contains("IB_ACCOUNT"), "{text}");
        let wanted = Account::new("DU2222222");
        let chosen = choose(&accounts(&served), Some(&wanted), TradingMode::Paper).unwrap();
        assert_eq!(chosen, wanted);
    }

    #[test]
    fn a_refusal_shows_no_account_number() {
        let text = refusal(&["DU1111111"], Some("DU3333333"), TradingMode::Paper);
        assert!(!text.contains("DU1111111") && !text.contains("DU3333333"), "{text}");
    }

    fn rows(ready: &str) -> Vec<Row> {
        [
            ("AccountReady", ready, ""),
            ("NetLiquidation", "1050000.50", "EUR"),
            ("GrossPositionValue", "50000.25", "EUR"),
            ("AvailableFunds", "900000.00", "EUR"),
            ("BuyingPower", "3600000.00", "EUR"),
            ("CashBalance", "1000000.25", "BASE"),
            ("CashBalance", "-200.50", "USD"),
            ("CashBalance", "1000180.00", "EUR"),
            ("ExchangeRate", "1.00", "BASE"),
            ("ExchangeRate", "0.8750", "USD"),
        ]
        .into_iter()
        .map(|(tag, value, currency)| Row {
            tag: tag.to_owned(),
            value: value.to_owned(),
            currency: currency.to_owned(),
        })
        .collect()
    }

    #[test]
    fn sums_are_in_the_base_currency_and_its_twin_rows_are_left_out() {
        let values = values(&Account::new("DU1234567"), &rows("true")).unwrap();
        let eur = Currency::new("EUR");
        assert_eq!(values.base_currency, eur);
        assert_eq!(values.net_liquidation, "1050000.50".parse().unwrap());
        assert_eq!(values.cash.len(), 2);
        assert_eq!(values.cash[&Currency::usd()], "-200.50".parse().unwrap());
        assert_eq!(values.exchange_rates[&eur], Decimal::ONE);
        assert_eq!(values.exchange_rates[&Currency::usd()], "0.875".parse().unwrap());
    }

    #[test]
    fn an_account_that_is_not_ready_gives_no_values() {
        let account = Account::new("DU1234567");
        for ready in ["false", ""] {
            assert!(matches!(values(&account, &rows(ready)), Err(GatewayError::NotReady)));
        }
    }

    #[test]
    fn the_later_of_two_values_counts() {
        let mut rows = rows("true");
        let later = Row { value: "1050001.00".to_owned(), ..rows[1].clone() };
        rows.push(later);
        let values = values(&Account::new("DU1234567"), &rows).unwrap();
        assert_eq!(values.net_liquidation, "1050001".parse().unwrap());
    }

    #[test]
    fn a_missing_sum_is_an_error_and_not_zero() {
        let mut rows = rows("true");
        rows.retain(|row| row.tag != "BuyingPower");
        let error = values(&Account::new("DU1234567"), &rows).unwrap_err();
        assert!(error.to_string().contains("BuyingPower"), "{error}");
    }
}
