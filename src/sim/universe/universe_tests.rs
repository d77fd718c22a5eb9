use jiff::civil::date;

use super::chain::Expiry;
use super::*;

fn built_in() -> Universe {
    let first_start = "2026-11-24T15:00:00Z".parse().unwrap();
    Universe::parse(BUILT_IN).unwrap().with_futures(first_start)
}

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// The problems of a universe, a line each.
fn problems(text: &str) -> String {
    match Universe::parse(text) {
        Err(UniverseError::Problems(problems)) => problems.join("\n"),
        other => panic!("not refused for its problems: {other:?}"),
    }
}

const STOCK: &str = r#"
[[contract]]
con_id = 7
symbol = "X"
sec_type = "STK"
currency = "USD"
exchanges = ["SMART"]
primary_exchange = "NYSE"
long_name = "X"
min_tick = "0.01"
price = "1.00"
volatility = 0.2
spread = "0.01"
size_increment = "1"
"#;

#[test]
fn the_built_in_universe_is_valid_and_has_what_the_sample_needs() {
    let universe = built_in();
    for symbol in ["SPY", "VIXY", "AGG", "QQQ", "AAPL", "MSFT", "ES", "ESZ6", "EUR.USD"] {
        assert!(universe.named(symbol).next().is_some(), "{symbol}");
    }
    let count = |kind| universe.iter().filter(|listing| listing.sec_type == kind).count();
    assert!(count(SecType::Stock) >= 20);
    assert_eq!(count(SecType::Cash), 6);
    for currency in universe.currencies() {
        assert!(currency == BASE_CURRENCY || universe.rate_pair(currency).is_some(), "{currency}");
    }
}

#[test]
fn all_problems_of_a_universe_are_reported_together_each_with_its_line() {
    let euro = STOCK.replace("USD", "EUR");
    let text = euro.replace("\"1.00\"", "\"-1\"") + &euro.replace("\"1.00\"", "\"1.005\"");
    let all = problems(&text);
    for expected in [
        "line 11: X: price is not positive",
        "line 25: X: price is not a multiple of min_tick",
        "line 17: X: con_id 7 is used twice",
        "line 18: X: symbol is listed twice",
        "line 6: X: currency EUR has no pair with USD",
    ] {
        assert!(all.contains(expected), "{expected} not in\n{all}");
    }
}

#[test]
fn a_mistake_of_form_tells_its_line() {
    for (text, expected) in [
        ("contract = 3", "line 1"),
        (&STOCK.replace("\"0.01\"", "\"fine\""), "line 10"),
        (&(STOCK.to_owned() + "colour = \"red\"\n"), "line 15"),
    ] {
        let Err(UniverseError::Syntax(error)) = Universe::parse(text) else {
            panic!("not refused for its form: {text}");
        };
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn what_a_contract_cannot_be_is_refused() {
    let with = |line: &str| STOCK.to_owned() + line + "\n";
    for (text, expected) in [
        (with("multiplier = \"50\""), "line 15: X: multiplier is not 1"),
        (with("price_magnifier = 7"), "line 15: X: price_magnifier is not 1, 10"),
        (with("last_trade_date = \"2026-12-18\""), "last_trade_date belongs to every future"),
        (with("initial_margin = \"1\""), "initial_margin belongs to every future"),
        (with("market_rule = 5"), "market_rule is none of this file"),
        (STOCK.replace("\"STK\"", "\"FUT\""), "last_trade_date belongs to every future"),
        (STOCK.replace("\"SMART\"", "\"NYSE\""), "exchanges of a stock lacks SMART"),
        (STOCK.replace("0.2", "nan"), "volatility is not in 0..=5"),
    ] {
        let all = problems(&text);
        assert!(all.contains(expected), "{expected} not in\n{all}");
    }
    assert!(problems("").contains("0 contracts, not 1 to 10000"));
}

#[test]
fn what_a_product_or_a_table_cannot_be_is_refused() {
    let product = BUILT_IN.split("\n[[").find(|table| table.starts_with("future]]")).unwrap();
    let product = format!("[[{product}\n");
    let product = product.as_str();
    assert!(Universe::parse(product).is_ok(), "a universe of futures alone");
    for (from, to, expected) in [
        ("910010000", "910010001", "con_id is not a multiple of 10000"),
        ("[3, 6, 9, 12]", "[3, 13]", "months is not in 1..=12"),
        ("[3, 6, 9, 12]", "[6, 3]", "months is not ascending"),
        ("listed = 5", "listed = 1", "listed is not 2 to twice the number of months"),
        ("carry = 0.03", "carry = 3.0", "carry is not in -1..=1"),
        ("\"13500\"", "\"15001\"", "maintenance_margin is not positive, or more than initial"),
    ] {
        assert!(product.contains(from), "{from}");
        let all = problems(&product.replace(from, to));
        assert!(all.contains(expected), "{expected} not in\n{all}");
    }
    let rule = "[[market_rule]]\nid = 5\nbands = [{ from = \"1\", increment = \"0\" }]\n";
    let all = problems(&(STOCK.to_owned() + rule));
    assert!(
        all.contains("line 17: market rule 5: bands does not begin with a band from 0"),
        "{all}"
    );
    assert!(all.contains("bands has an increment that is no price step"), "{all}");
}

#[test]
fn the_increment_depends_on_the_price_where_a_table_says_so() {
    let universe = built_in();
    let listing = |symbol: &str, currency: &str| {
        universe.named(symbol).find(|listing| listing.currency == currency).unwrap()
    };
    let toronto = listing("SHOP", "CAD");
    assert_eq!(toronto.tick_at(dec("0.495")), dec("0.005"));
    assert_eq!(toronto.tick_at(dec("0.5")), dec("0.01"));
    let frankfurt = listing("SAP", "EUR");
    assert_eq!(frankfurt.tick_at(dec("199.98")), dec("0.02"));
    assert_eq!(frankfurt.tick_at(dec("200")), dec("0.05"));
    // In pence: the table is in pounds.
    let london = listing("VOD", "GBP");
    assert_eq!(london.tick_at(dec("99.99")), dec("0.01"));
    assert_eq!(london.tick_at(dec("100")), dec("0.02"));
    assert_eq!(london.point_value(), dec("0.01"));
    assert_eq!(listing("SPY", "USD").tick_at(dec("0.5")), dec("0.01"));
    assert_eq!(listing("SPY", "USD").market_rule(), Some(26));
}

// CME's calendars of expiries: https://www.cmegroup.com/tools-information/expiration-calendar.html
#[test]
fn last_trade_dates_are_those_of_the_exchange() {
    for (expiry, year, month, expected) in [
        (Expiry::ThirdFriday, 2025, 12, date(2025, 12, 19)),
        // The third Friday of June 2026 is Juneteenth.
        (Expiry::ThirdFriday, 2026, 6, date(2026, 6, 18)),
        (Expiry::SevenBeforeLast, 2025, 12, date(2025, 12, 19)),
        (Expiry::ThirdLast, 2025, 12, date(2025, 12, 29)),
        (Expiry::CrudeOil, 2026, 1, date(2025, 12, 19)),
        (Expiry::CrudeOil, 2025, 12, date(2025, 11, 20)),
        (Expiry::Last, 2025, 12, date(2025, 12, 31)),
    ] {
        let first = date(year, month, 1);
        assert_eq!(expiry.last_trade_date(first), Some(expected), "{expiry:?} {first}");
    }
}

#[test]
fn a_product_lists_the_same_futures_for_the_same_first_start() {
    let universe = built_in();
    let es = universe.named("ESZ6").next().unwrap();
    assert_eq!((es.con_id, es.contract_month.as_str()), (910_012_612, "202612"));
    assert_eq!(es.last_trade_date, Some(date(2026, 12, 18)));
    assert_eq!(es.point_value(), dec("50"));
    assert_eq!(es.price % es.min_tick, Decimal::ZERO);
    let later = universe.named("ESZ7").next().unwrap();
    assert!(later.price > es.price, "a year of carry");
    assert_eq!(later.path_id(), es.path_id());
    let ids =
        |universe: &Universe| universe.iter().map(|listing| listing.con_id).collect::<Vec<_>>();
    assert_eq!(ids(&universe), ids(&built_in()));
    let cattle = universe.named("LE").next().unwrap();
    assert_eq!(cattle.point_value(), dec("400"), "cents a pound, forty thousand pounds");
}

#[test]
fn at_any_time_in_five_years_a_product_has_its_number_of_expiries() {
    let universe = built_in();
    for day in 0..5 * 365 {
        let today = date(2026, 11, 24).checked_add(jiff::Span::new().days(day)).unwrap();
        let on = |symbol: &str| {
            universe
                .named(symbol)
                .filter(|listing| listing.listed_since.is_none_or(|since| since <= today))
                .filter(|listing| listing.last_trade_date.is_some_and(|last| today <= last))
                .count()
        };
        assert_eq!((on("ES"), on("CL"), on("GC"), on("LE")), (5, 12, 6, 5), "{today}");
    }
}
