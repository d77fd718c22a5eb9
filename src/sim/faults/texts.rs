//! IB's words for its codes, and what they become in another language.
//!
//! Codes and English texts as IB publishes them
//! (<https://interactivebrokers.github.io/tws-api/message_codes.html>), where it does; else as
//! users of the API have quoted them.

use super::fault::Language;

pub const READ_ONLY: &str =
    "Error validating request.-'bN' : cause - The API interface is currently in Read-Only mode.";

/// IB's text for a code.
pub fn of(code: i32) -> &'static str {
    match code {
        101 => "Max number of tickers has been reached",
        103 => "Duplicate order id",
        104 => "Cannot modify a filled order.",
        105 => "Order being modified does not match original order",
        110 => "The price does not conform to the minimum price variation for this contract.",
        161 => "Cancel attempted when order is not in a cancellable state.",
        162 => {
            "Historical Market Data Service error message:Historical data request pacing \
                violation"
        }
        165 => {
            "Historical Market Data Service query message:HMDS server connection was \
                successful."
        }
        200 => "No security definition has been found for the request",
        201 => "Order rejected - reason:",
        202 => "Order Canceled - reason:",
        321 => READ_ONLY,
        322 => "Error processing request.-'bS' : cause - Duplicate ticker id",
        326 => {
            "Unable to connect as the client id is already in use. Retry with a unique client \
                id."
        }
        354 => "Requested market data is not subscribed.",
        366 => "No historical data query found for ticker id",
        383 => {
            "The size value exceeds the Size Limit. Restriction is specified in Precautionary \
                Settings of Global Configuration/Presets."
        }
        399 => {
            "Order Message:\nWarning: your order will not be placed at the exchange until the \
                next session."
        }
        404 => {
            "Shares for this order are not immediately available for short sale. The order \
                will be held while we attempt to locate the shares."
        }
        434 => "The order size cannot be zero.",
        451 => {
            "The order value exceeds the Total Value Limit. Restriction is specified in \
                Precautionary Settings of Global Configuration/Presets."
        }
        460 => "No trading permissions.",
        1100 => "Connectivity between IB and Trader Workstation has been lost.",
        1101 => "Connectivity between IB and Trader Workstation has been restored - data lost.",
        1102 => {
            "Connectivity between IB and Trader Workstation has been restored - data maintained."
        }
        2103 => "Market data farm connection is broken",
        2104 => "Market data farm connection is OK",
        2105 => "HMDS data farm connection is broken",
        2106 => "HMDS data farm connection is OK",
        2109 => {
            "Order Event Warning: Attribute 'Outside Regular Trading Hours' is ignored based \
                 on the order type and destination. PlaceOrder is now being processed."
        }
        2157 => "Sec-def data farm connection is broken",
        2158 => "Sec-def data farm connection is OK",
        10_167 => "Requested market data is not subscribed. Displaying delayed market data.",
        10_197 => "No market data during competing live session",
        10_243 => "Fractional-sized order cannot be placed via API.",
        10_349 => "Order TIF was set to DAY based on order preset.",
        _ => "Error",
    }
}

/// The same about one order, where the text names it.
pub fn about(order_id: i32, code: i32) -> String {
    match code {
        10_147 => format!("OrderId {order_id} that needs to be cancelled is not found."),
        10_148 => format!(
            "OrderId {order_id} that needs to be cancelled cannot be cancelled, state: Filled."
        ),
        _ => of(code).to_owned(),
    }
}

/// A text in the language of the gateway; what is not translated stays English, as at a real one.
pub fn translated(language: Language, code: i32) -> Option<&'static str> {
    Some(match (language, code) {
        (Language::De, 103) => "Doppelte Order-ID",
        (Language::De, 201) => "Order abgelehnt - Grund:",
        (Language::De, 202) => "Order storniert - Grund:",
        (Language::De, 321) => "Fehler bei der Prüfung der Anfrage.",
        (Language::De, 399) => {
            "Ordernachricht:\nWarnung: Ihre Order wird erst zur nächsten Sitzung an die Börse \
             gesandt."
        }
        (Language::De, 1100) => "Die Verbindung zwischen IB und der TWS wurde unterbrochen.",
        (Language::De, 2104) => "Verbindung zur Marktdatenfarm ist in Ordnung",
        (Language::De, 2106) => "Verbindung zur HMDS-Datenfarm ist in Ordnung",
        (Language::Zh, 103) => "订单编号重复",
        (Language::Zh, 201) => "订单被拒绝 - 原因:",
        (Language::Zh, 202) => "订单已取消 - 原因:",
        (Language::Zh, 321) => "请求验证错误",
        (Language::Zh, 399) => "订单信息:\n警告: 您的订单将在下一个交易时段才会发送至交易所",
        (Language::Zh, 1100) => "IB与交易平台之间的连接已断开",
        (Language::Zh, 2104) => "市场数据连接正常",
        (Language::Zh, 2106) => "历史数据连接正常",
        _ => return None,
    })
}
