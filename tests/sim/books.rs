//! Several accounts, currencies and futures, as a client sees their books.

use std::collections::BTreeMap;

use ibapi::orders::OrderUpdate;
use rungate::sim::TrueAccount;
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;

use super::*;

const FIRST: &str = "DU1000001";
const SECOND: &str = "DU1000002";

async fn start_two() -> Simulator {
    let accounts = vec![FIRST.into(), SECOND.into()];
    let options = Options { accounts, ..Options::loopback(1) };
    let simulator = Simulator::start(options).await.unwrap();
    pin_spy(&simulator);
    let faults = simulator.faults();
    faults.set_price("EUR.USD", dec("1.10"), dec("1.10")).unwrap();
    faults.set_price("SAP", dec("100"), dec("100")).unwrap();
    simulator
}

/// The E-mini future that expires last.
async fn future(client: &Client) -> Contract {
    let wanted = Contract {
        symbol: "ES".into(),
        security_type: SecurityType::Future,
        currency: "USD".into(),
        exchange: "CME".into(),
        ..Contract::default()
    };
    let details = within(client.contract_details(&wanted)).await.unwrap();
    let last = details.into_iter().map(|details| details.contract);
    last.max_by_key(|contract| contract.last_trade_date_or_contract_month.clone()).unwrap()
}

fn sap() -> Contract {
    Contract::stock("SAP").in_currency("EUR").build()
}

fn of(account: &str, order: Order) -> Order {
    Order { account: account.into(), ..order }
}

async fn buy(client: &Client, account: &str, contract: &Contract, quantity: f64) {
    let order = of(account, market(Action::Buy, quantity));
    let (_, outcome) = trade(client, contract, &order).await;
    assert!(matches!(outcome, OrderOutcome::Filled(_)), "{outcome:?}");
}

/// Values by key and currency, and portfolio rows, up to the end of the first picture.
async fn picture(
    client: &Client,
    account: &str,
) -> (BTreeMap<(String, String), String>, Vec<ibapi::accounts::AccountPortfolioValue>) {
    let mut updates = client.account_updates(&AccountId(account.into())).await.unwrap();
    let rows = within(updates.next_batch(DEADLINE)).await.unwrap().unwrap();
    let (mut values, mut portfolio) = (BTreeMap::new(), Vec::new());
    for row in rows {
        match row {
            AccountUpdate::AccountValue(row) => {
                assert_eq!(row.account.as_deref(), Some(account));
                values.insert((row.key, row.currency), row.value);
            }
            AccountUpdate::PortfolioValue(row) => portfolio.push(row),
            AccountUpdate::UpdateTime(_) | AccountUpdate::End => {}
        }
    }
    (values, portfolio)
}

fn amount(values: &BTreeMap<(String, String), String>, key: &str, currency: &str) -> Decimal {
    dec(&values[&(key.to_owned(), currency.to_owned())])
}

fn cents(amount: f64) -> Decimal {
    Decimal::from_f64(amount).unwrap().round_dp(2)
}

#[tokio::test]
async fn each_account_has_its_own_books_and_its_rows_in_the_order_of_the_login() {
    let simulator = start_two().await;
    let client = connect(&simulator, CLIENT).await;
    buy(&client, SECOND, &spy(), 100.0).await;
    buy(&client, "", &spy(), 10.0).await;

    let group = AccountGroup("All".into());
    let mut summary = client.account_summary(&group, &["TotalCashValue"]).await.unwrap();
    let rows = within(summary.next_batch(DEADLINE)).await.unwrap().unwrap();
    let rows: Vec<_> = rows
        .into_iter()
        .filter_map(|row| match row {
            AccountSummaryResult::Summary(row) => Some((row.account, row.value)),
            AccountSummaryResult::End => None,
        })
        .collect();
    let expected = [(FIRST, "994398.90"), (SECOND, "943998.00")];
    assert_eq!(rows, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));

    let held: Vec<_> =
        positions(&client).await.into_iter().map(|row| (row.account, row.position)).collect();
    assert_eq!(held, [(FIRST.to_owned(), 10.0), (SECOND.to_owned(), 100.0)]);

    let truth = simulator.truth();
    assert_eq!(truth.accounts[SECOND].positions[&756_733].quantity, dec("100"));
    assert_eq!(truth.cash, truth.accounts[FIRST].cash, "what names no account is the first");
    let of_orders: Vec<_> = truth.executions.iter().map(|fill| fill.account.as_str()).collect();
    assert_eq!(of_orders, [SECOND, FIRST]);
}

#[tokio::test]
async fn values_portfolio_and_results_agree_to_the_cent() {
    let simulator = start_two().await;
    let client = connect(&simulator, CLIENT).await;
    let future = future(&client).await;
    let name = future.local_symbol.clone();
    simulator.faults().set_price(&name, dec("5000"), dec("5000")).unwrap();
    buy(&client, SECOND, &future, 2.0).await;
    buy(&client, SECOND, &sap(), 50.0).await;
    let half = of(SECOND, market(Action::Sell, 20.0));
    simulator.faults().set_price("SAP", dec("101.13"), dec("101.13")).unwrap();
    trade(&client, &sap(), &half).await;
    simulator.faults().set_price(&name, dec("5012.5"), dec("5012.5")).unwrap();

    let (values, portfolio) = picture(&client, SECOND).await;
    assert_eq!(amount(&values, "FuturesPNL", "USD"), dec("1250.00"), "12.5 x 50 x 2");
    assert_eq!(amount(&values, "InitMarginReq-C", "USD"), dec("30000.00"));
    assert_eq!(amount(&values, "CashBalance", "USD"), dec("999998.30"), "no notional, 0.85 each");
    // 5,000 out, 2,022.60 in, and twice the least commission of 3.00.
    assert_eq!(amount(&values, "CashBalance", "EUR"), dec("-2983.40"));
    assert_eq!(amount(&values, "StockMarketValue", "EUR"), dec("3033.90"));
    assert_eq!(amount(&values, "ExchangeRate", "EUR"), dec("1.10"));

    let net = amount(&values, "NetLiquidation", "USD");
    assert_eq!(net, amount(&values, "NetLiquidationByCurrency", "BASE"));
    let parts = ["S", "C"].map(|part| amount(&values, &format!("NetLiquidation-{part}"), "USD"));
    assert_eq!(net, parts[0] + parts[1]);

    for currency in ["USD", "EUR"] {
        let of_currency = || portfolio.iter().filter(|row| row.contract.currency == *currency);
        let unrealized: Decimal = of_currency().map(|row| cents(row.unrealized_pnl)).sum();
        let realized: Decimal = of_currency().map(|row| cents(row.realized_pnl)).sum();
        assert_eq!(unrealized, amount(&values, "UnrealizedPnL", currency), "{currency}");
        assert_eq!(realized, amount(&values, "RealizedPnL", currency), "{currency}");
    }

    let mut pnl = client.pnl(&AccountId(SECOND.into()), None).await.unwrap();
    let SubscriptionItem::Data(row) = within(pnl.next()).await.unwrap().unwrap() else { panic!() };
    assert_eq!(cents(row.daily_pnl), net - dec("1000000"));
    assert_eq!(cents(row.unrealized_pnl.unwrap()), amount(&values, "UnrealizedPnL", "BASE"));
    assert_eq!(cents(row.realized_pnl.unwrap()), amount(&values, "RealizedPnL", "BASE"));

    let TrueAccount { net_liquidation, .. } = simulator.truth().accounts[SECOND].clone();
    assert_eq!(net_liquidation.round_dp(2), net);
    let fees: Vec<_> = simulator.truth().executions.into_iter().collect();
    let currencies: Vec<_> = fees.iter().map(|fill| fill.commission_currency.as_str()).collect();
    assert_eq!(currencies, ["USD", "EUR", "EUR"]);
}

#[tokio::test]
async fn a_working_order_reserves_margin_and_the_next_is_refused_for_want_of_it() {
    let simulator = start_two().await;
    let client = connect(&simulator, CLIENT).await;
    // 3,000 x 560 at half margin: 840,000 of a million.
    let resting = of(FIRST, limit(Action::Buy, 3000.0, 400.0));
    let order_id = client.next_order_id();
    client.submit_order(order_id, &spy(), &resting).await.unwrap();
    settle(&client).await;
    assert_eq!(simulator.truth().accounts[FIRST].reserved_margin, dec("840000"));

    let second = of(FIRST, limit(Action::Buy, 1000.0, 400.0));
    assert_eq!(refused(&client, &spy(), &second).await, 201);
    buy(&client, SECOND, &spy(), 1000.0).await;

    let contract = spy();
    let what_if = client.order(&contract).account(FIRST).buy(1000).market();
    let state = within(what_if.analyze()).await.unwrap();
    assert_eq!(state.initial_margin_before, Some(0.0));
    assert_eq!(state.initial_margin_after, Some(280_000.0), "of positions, not of orders");
    assert!(state.warning_text.contains("Equity with Loan Value"), "{}", state.warning_text);

    let mut cancel = client.cancel_order(order_id, "").await.unwrap();
    within(cancel.next()).await;
    settle(&client).await;
    assert_eq!(simulator.truth().accounts[FIRST].reserved_margin, Decimal::ZERO);
    buy(&client, FIRST, &spy(), 1000.0).await;
}

#[tokio::test]
async fn an_order_for_an_account_of_somebody_else_is_refused() {
    let simulator = start().await;
    let client = connect(&simulator, CLIENT).await;
    let order = of("DU7654321", market(Action::Buy, 1.0));
    assert_eq!(refused(&client, &spy(), &order).await, 321);
    assert!(simulator.truth().orders.is_empty());
}

#[tokio::test]
async fn a_commission_is_reported_in_the_currency_that_it_is_paid_in() {
    let simulator = start_two().await;
    let client = connect(&simulator, CLIENT).await;
    let order_id = client.next_order_id();
    let order = of(SECOND, market(Action::Buy, 10.0));
    let stock = sap();
    let mut updates = client.order_update_stream().await.unwrap();
    client.submit_order(order_id, &stock, &order).await.unwrap();
    loop {
        let item = within(updates.next()).await.unwrap().unwrap();
        if let SubscriptionItem::Data(OrderUpdate::CommissionReport(report)) = item {
            assert_eq!((report.commission, report.currency.as_str()), (3.0, "EUR"));
            break;
        }
    }
    assert_eq!(simulator.truth().accounts[SECOND].cash["EUR"], dec("-1003"));
}

#[tokio::test]
async fn daily_results_begin_anew_at_midnight_and_total_ones_go_on() {
    let options = Options {
        clock: Some("2026-03-02T15:00:00Z".parse().unwrap()),
        speed: Decimal::ZERO,
        ..Options::loopback(1)
    };
    let simulator = Simulator::start(options).await.unwrap();
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    trade(&client, &spy(), &market(Action::Buy, 100.0)).await;
    simulator.faults().set_price("SPY", dec("570"), dec("570")).unwrap();
    trade(&client, &spy(), &market(Action::Sell, 40.0)).await;
    // 100 at 560.01 for a dollar, 40 at 570 for another.
    let results =
        [("daily", dec("997")), ("unrealized", dec("598.80")), ("realized", dec("398.20"))];
    assert_eq!(profit(&client).await, results.map(|(_, amount)| amount), "{results:?}");

    simulator.set_clock("2026-03-03T05:00:01Z".parse().unwrap()).unwrap();
    assert_eq!(profit(&client).await, [Decimal::ZERO, dec("598.80"), Decimal::ZERO]);
    simulator.faults().set_price("SPY", dec("571"), dec("571")).unwrap();
    assert_eq!(profit(&client).await, [dec("60"), dec("658.80"), Decimal::ZERO]);

    let account = "DU1234567";
    let (values, portfolio) = picture(&client, account).await;
    let opening = amount(&values, "PreviousDayEquityWithLoanValue", "USD");
    assert_eq!(opening, dec("1000997.00"));
    assert_eq!(amount(&values, "NetLiquidation", "USD"), opening + dec("60"));
    assert_eq!(amount(&values, "RealizedPnL", "USD"), Decimal::ZERO);
    assert_eq!(cents(portfolio[0].realized_pnl), Decimal::ZERO);
    let truth = simulator.truth().accounts[account].clone();
    assert_eq!((truth.realized, truth.realized_today), (dec("398.2"), Decimal::ZERO));
}

/// The daily, the unrealised and the realised result of the account, the same for its only
/// position.
async fn profit(client: &Client) -> [Decimal; 3] {
    let account = AccountId("DU1234567".into());
    let mut pnl = client.pnl(&account, None).await.unwrap();
    let SubscriptionItem::Data(row) = within(pnl.next()).await.unwrap().unwrap() else { panic!() };
    let whole = [row.daily_pnl, row.unrealized_pnl.unwrap(), row.realized_pnl.unwrap()].map(cents);
    let mut single = client.pnl_single(&account, ContractId(756_733), None).await.unwrap();
    let SubscriptionItem::Data(row) = within(single.next()).await.unwrap().unwrap() else {
        panic!()
    };
    assert_eq!([row.daily_pnl, row.unrealized_pnl, row.realized_pnl].map(cents), whole);
    whole
}
