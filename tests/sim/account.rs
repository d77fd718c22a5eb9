//! Account summary, updates, positions, profit and loss.

use std::collections::BTreeMap;

use super::robustness::Raw;
use super::*;

fn account() -> AccountId {
    AccountId("DU1234567".into())
}

async fn summary(client: &Client, tags: &[&str]) -> BTreeMap<(String, String), String> {
    let group = AccountGroup("All".into());
    let mut subscription = client.account_summary(&group, tags).await.unwrap();
    let rows = within(subscription.next_batch(DEADLINE)).await.unwrap().unwrap();
    rows.into_iter()
        .filter_map(|row| match row {
            AccountSummaryResult::Summary(row) => Some(((row.tag, row.currency), row.value)),
            AccountSummaryResult::End => None,
        })
        .collect()
}

fn value<'a>(rows: &'a BTreeMap<(String, String), String>, tag: &str, currency: &str) -> &'a str {
    &rows[&(tag.to_owned(), currency.to_owned())]
}

#[tokio::test]
async fn a_summary_has_a_row_for_each_known_tag() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    trade(&client, &spy(), &market(Action::Buy, 1000.0)).await;
    let tags =
        ["NetLiquidation", "TotalCashValue", "GrossPositionValue", "AccountType", "NoSuchTag"];
    let rows = summary(&client, &tags).await;
    assert_eq!(rows.len(), 4);
    assert_eq!(value(&rows, "NetLiquidation", "USD"), "999985.00", "10 of spread, 5 commission");
    assert_eq!(value(&rows, "TotalCashValue", "USD"), "439985.00");
    assert_eq!(value(&rows, "GrossPositionValue", "USD"), "560000.00");
    assert_eq!(value(&rows, "AccountType", ""), "INDIVIDUAL");
}

#[tokio::test]
async fn the_ledger_has_every_currency_and_the_base() {
    let simulator = start().await;
    simulator.faults().set_price("EUR.USD", dec("1.0999"), dec("1.1001")).unwrap();
    let client = connect(&simulator, CLIENT).await;
    let euro = Contract::forex("EUR", "USD").build();
    let (_, outcome) = trade(&client, &euro, &market(Action::Buy, 20_000.0)).await;
    assert!(matches!(outcome, OrderOutcome::Filled(_)), "{outcome:?}");
    let rows = summary(&client, &["$LEDGER:ALL"]).await;
    assert_eq!(value(&rows, "CashBalance", "EUR"), "20000.00");
    assert_eq!(value(&rows, "CashBalance", "USD"), "977996.00");
    assert_eq!(value(&rows, "ExchangeRate", "EUR"), "1.10");
    assert_eq!(value(&rows, "NetLiquidationByCurrency", "BASE"), "999996.00");
    assert!(positions(&client).await.is_empty(), "a currency pair moves cash, not positions");
}

#[tokio::test]
async fn a_third_summary_is_one_too_many() {
    let simulator = start().await;
    let client = connect(&simulator, CLIENT).await;
    let group = AccountGroup("All".into());
    let tags = ["NetLiquidation"];
    let mut first = client.account_summary(&group, &tags).await.unwrap();
    let mut second = client.account_summary(&group, &tags).await.unwrap();
    within(first.next_batch(DEADLINE)).await.unwrap().unwrap();
    within(second.next_batch(DEADLINE)).await.unwrap().unwrap();
    let mut third = client.account_summary(&group, &tags).await.unwrap();
    assert_eq!(code(within(third.next_batch(DEADLINE)).await.unwrap()), 322);
}

/// The next frame that carries message `id`.
async fn until(raw: &mut Raw, id: i32) -> Vec<u8> {
    loop {
        let frame = raw.frame().await.expect("the connection goes on");
        if frame[..4] == (id + 200).to_be_bytes() {
            return frame;
        }
    }
}

#[tokio::test]
async fn a_second_subscription_under_a_live_id_is_refused_and_the_first_goes_on() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let mut raw = Raw::started(&simulator, CLIENT + 1).await;
    // An account summary: reqId 5, group and tags are the protobuf fields 1 to 3.
    let summary = |tags: &str| {
        let mut payload = vec![0x08, 5, 0x12, 3];
        payload.extend_from_slice(b"All");
        payload.extend_from_slice(&[0x1a, u8::try_from(tags.len()).unwrap()]);
        payload.extend_from_slice(tags.as_bytes());
        let mut frame = vec![0, 0, 0, u8::try_from(payload.len() + 4).unwrap(), 0, 0, 1, 6];
        frame.extend(payload);
        frame
    };
    raw.send(&summary("TotalCashValue")).await;
    until(&mut raw, 64).await;
    raw.send(&summary("NetLiquidation")).await;
    let error = until(&mut raw, 4).await;
    // Field 3, the code, as a varint.
    assert!(error.windows(3).any(|bytes| bytes == [0x18, 0xc2, 0x02]), "322 in {error:?}");
    trade(&client, &spy(), &market(Action::Buy, 10.0)).await;
    let row = until(&mut raw, 63).await;
    assert!(String::from_utf8_lossy(&row).contains("TotalCashValue"), "the first goes on");
}

#[tokio::test]
async fn account_updates_end_once_and_then_follow_the_trades() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let mut updates = client.account_updates(&account()).await.unwrap();
    let first = within(updates.next_batch(DEADLINE)).await.unwrap().unwrap();
    assert!(matches!(first.last(), Some(AccountUpdate::End)));
    let ready = |row: &AccountUpdate| matches!(row, AccountUpdate::AccountValue(row) if row.key == "AccountReady" && row.value == "true");
    assert!(first.iter().any(ready));

    trade(&client, &spy(), &market(Action::Buy, 10.0)).await;
    loop {
        let item = within(updates.next()).await.unwrap().unwrap();
        let SubscriptionItem::Data(row) = item else { continue };
        assert!(!matches!(row, AccountUpdate::End), "the end comes once");
        if let AccountUpdate::PortfolioValue(row) = row {
            assert_eq!((row.contract.contract_id, row.position), (756_733, 10.0));
            assert_eq!(row.market_value, 5600.0);
            break;
        }
    }
}

#[tokio::test]
async fn a_bad_account_is_refused_where_the_request_has_an_id() {
    let simulator = start().await;
    let client = connect(&simulator, CLIENT).await;
    let other = AccountId("DU7654321".into());
    let mut pnl = client.pnl(&other, None).await.unwrap();
    assert_eq!(code(within(pnl.next()).await.unwrap()), 321);
    let mut updates = client.account_updates_multi(Some(&other), None).await.unwrap();
    assert_eq!(code(within(updates.next()).await.unwrap()), 321);
}

#[tokio::test]
async fn positions_follow_the_trades_and_a_closed_one_is_told_as_zero() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let mut subscription = client.positions().await.unwrap();
    let first = within(subscription.next_batch(DEADLINE)).await.unwrap().unwrap();
    assert!(matches!(first.as_slice(), [PositionUpdate::PositionEnd]));
    for (action, held) in [(Action::Buy, 5.0), (Action::Sell, 0.0)] {
        trade(&client, &spy(), &market(action, 5.0)).await;
        let item = within(subscription.next()).await.unwrap().unwrap();
        let SubscriptionItem::Data(PositionUpdate::Position(row)) = item else { panic!() };
        assert_eq!(row.position, held);
    }
    assert!(positions(&client).await.is_empty());
}

#[tokio::test]
async fn profit_and_loss_of_account_and_position_are_told() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    trade(&client, &spy(), &market(Action::Buy, 100.0)).await;
    simulator.faults().set_price("SPY", dec("569.99"), dec("570.01")).unwrap();
    let mut pnl = client.pnl(&account(), None).await.unwrap();
    let SubscriptionItem::Data(row) = within(pnl.next()).await.unwrap().unwrap() else { panic!() };
    assert_eq!((row.daily_pnl, row.unrealized_pnl), (998.0, Some(998.0)));
    let mut single = client.pnl_single(&account(), ContractId(756_733), None).await.unwrap();
    let SubscriptionItem::Data(row) = within(single.next()).await.unwrap().unwrap() else {
        panic!()
    };
    assert_eq!((row.position, row.value, row.unrealized_pnl), (100.0, 57_000.0, 998.0));
}
