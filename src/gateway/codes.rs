//! What IB's message numbers mean: one row each.
//!
//! Sources: IB's message code page (<https://interactivebrokers.github.io/tws-api/message_codes.html>)
//! and, where the page says "error" of an order that lives on, public reports of such orders.
//! Ranges will not do: 399 is a remark in the middle of the rejections. A number without a row is
//! [`CodeClass::Unlisted`], and nothing follows from it.

use CodeClass::{
    CancelConfirmed, CancelRefused, ClientIdInUse, Data, DataAdvisory, Farm, IdTaken, LinkLost,
    LinkRestored, Pacing, Rejected, Remark, Request,
};

/// What follows from a message.
///
/// None of these ends an order by itself: executions do, or a confirmed end. [`Self::Rejected`]
/// is the only one that is even evidence, and only as the answer to a first submission; the same
/// numbers answer a refused modification, after which the order works on as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CodeClass {
    /// The gateway has lost IB's servers. Nothing may be written; what arrives is still true.
    LinkLost,
    /// It has them again. Reports from the time between may be missing.
    LinkRestored,
    /// A data farm came or went. Concerns prices, never orders.
    Farm,
    /// Information about an order or the session that changes nothing.
    Remark,
    /// The order was cancelled, by us or by IB. Executions from before still count.
    CancelConfirmed,
    /// The cancel failed, not the order: it may be filled, cancelled, or unknown to this gateway.
    CancelRefused,
    /// The order id is not new to the gateway. Proves nothing about the order's fate.
    IdTaken,
    /// IB or the gateway refused what was submitted.
    Rejected,
    /// A market data or history request failed.
    Data,
    /// Market data comes, but not of the kind asked for.
    DataAdvisory,
    /// Too many messages, requests or subscriptions.
    Pacing,
    /// The gateway's API accepts no orders.
    ReadOnly,
    /// Another connection has our client id.
    ClientIdInUse,
    /// A request about no order was wrong.
    Request,
    /// No row here.
    Unlisted,
}

/// No contract fits the description.
pub(super) const NO_DEFINITION: i32 = 200;

/// Validation of a request failed; among its texts is that of a read-only API.
const VALIDATION: i32 = 321;

/// Number, class, meaning in our words. Sorted by number.
const CODES: &[(i32, CodeClass, &str)] = &[
    (0, Remark, "information without a number, such as a warning that the message rate is high"),
    (100, Pacing, "more messages a second than allowed; the next step is a disconnect"),
    (101, Pacing, "all market data lines are in use"),
    (102, IdTaken, "request id in use"),
    (103, IdTaken, "order id used before, or below the highest used"),
    (104, IdTaken, "a filled order can't be modified"),
    (105, IdTaken, "the modification does not match the order"),
    (106, Rejected, "the order id can't be transmitted"),
    (107, Rejected, "the order is incomplete"),
    (109, Rejected, "price outside the percentage that the settings allow"),
    (110, Rejected, "price off the minimum price variation"),
    (111, Rejected, "time in force and order type don't go together"),
    (113, Rejected, "time in force must be DAY for this order type"),
    (116, Rejected, "the exchange takes no orders now"),
    (129, Rejected, "quantity must be a multiple of the lot"),
    (131, Rejected, "not a sweep-to-fill order"),
    (133, Rejected, "the modification can't be submitted"),
    (135, CancelRefused, "no order with this id"),
    (136, CancelRefused, "this order can't be cancelled"),
    (140, Rejected, "the quantity must be a whole number"),
    (141, Rejected, "the price must be a number"),
    (144, Rejected, "the order has no size"),
    (145, Rejected, "a field of the order does not validate"),
    (161, CancelRefused, "the order is not in a state in which it can be cancelled"),
    (162, Data, "history request failed"),
    (165, Remark, "history service message, such as that it is connected"),
    (166, Data, "contract has expired"),
    (200, Rejected, "no security definition, or an ambiguous one"),
    (201, Rejected, "order rejected; the text has the reason"),
    (202, CancelConfirmed, "order cancelled"),
    (203, Rejected, "the security is not available or allowed for this account"),
    (300, Data, "no market data request with this id"),
    (309, Pacing, "too many market depth requests"),
    (317, DataAdvisory, "market depth was reset"),
    (320, Request, "the gateway can't read the request"),
    (321, Request, "the gateway can't validate the request"),
    (322, Pacing, "duplicate or one request too many of its kind"),
    (323, Request, "the gateway can't process the request"),
    (326, ClientIdInUse, "client id in use"),
    (327, Request, "only client 0 may bind manual orders"),
    (329, Rejected, "the order can't be modified to this type"),
    (334, Rejected, "invalid good-till-date"),
    (337, Rejected, "no market price available for the order"),
    (342, Rejected, "share allocation can't be computed"),
    (345, Rejected, "the order is not valid for this security"),
    (349, Rejected, "the order type needs a price"),
    (354, Data, "market data is not subscribed"),
    (355, Rejected, "quantity does not conform to the market's rule"),
    (356, Rejected, "smart combo order is not supported"),
    (366, Data, "no history query with this id"),
    (382, Rejected, "price outside the percentage that the precautions allow"),
    (383, Rejected, "quantity above the limit that the precautions allow"),
    (384, Rejected, "limit price outside the precautions"),
    (387, Rejected, "order type not supported here for this kind of security"),
    (388, Rejected, "quantity below the minimum"),
    (389, Rejected, "routing to this destination needs other settings"),
    (399, Remark, "order message: most say that the order waits, for instance for the opening"),
    (403, Rejected, "invalid stop price"),
    (404, Remark, "held while shares are located for the short sale"),
    (411, Rejected, "the stop price would trigger at once"),
    (412, Rejected, "the contract is not available for trading"),
    (413, Rejected, "what-if orders need the transmit flag"),
    (420, Data, "tick-by-tick or real-time request refused"),
    (421, Rejected, "the account code does not validate"),
    (430, Data, "no fundamental data"),
    (432, Rejected, "a profile needs a group"),
    (434, Rejected, "order size is zero"),
    (435, Rejected, "an account must be named"),
    (436, Rejected, "an allocation must be named"),
    (441, Rejected, "not available for this combination"),
    (451, Rejected, "value above the limit that the precautions allow"),
    (454, Rejected, "the order could not be submitted"),
    (460, Rejected, "no trading permission"),
    (461, Rejected, "a limit of the precautions applies"),
    (478, Rejected, "the fields contradict the contract"),
    (481, Remark, "quantity was reduced by the broker"),
    (492, Remark, "combination details are missing"),
    (1100, LinkLost, "the gateway has lost IB's servers"),
    (1101, LinkRestored, "link to IB restored, data subscriptions lost"),
    (1102, LinkRestored, "link to IB restored, data subscriptions kept"),
    (1300, LinkLost, "the API port was reset: the connection is about to be dropped"),
    (2100, Remark, "account updates were taken over by another client"),
    (2101, Remark, "account updates could not be started"),
    (2102, Remark, "the order can't be modified: it is still being processed"),
    (2103, Farm, "market data farm lost"),
    (2104, Farm, "market data farm connected"),
    (2105, Farm, "history farm lost"),
    (2106, Farm, "history farm connected"),
    (2107, Farm, "history farm sleeps until it is asked"),
    (2108, Farm, "market data farm sleeps until it is asked"),
    (2109, Remark, "the outside-hours attribute is ignored; the order lives on"),
    (2110, LinkLost, "the link between gateway and IB is broken; it reconnects by itself"),
    (2119, Farm, "market data farm is connecting"),
    (2137, Remark, "the order may cross the market from the other side"),
    (2148, Remark, "the order may be rejected: no market data for the check"),
    (2150, Remark, "the value derived for the position is invalid"),
    (2152, DataAdvisory, "market depth comes from fewer exchanges than it could"),
    (2157, Farm, "contract definition farm lost"),
    (2158, Farm, "contract definition farm connected"),
    (2168, Remark, "account and model don't match"),
    (2169, Remark, "the order's account is taken from the settings"),
    (2170, Remark, "account information could not be refreshed"),
    (2188, DataAdvisory, "delayed data instead of a subscription that is not shared with the API"),
    (10006, Rejected, "a parent order is missing"),
    (10089, DataAdvisory, "not subscribed through the API; delayed data is available"),
    (10090, DataAdvisory, "part of the market data is not subscribed"),
    (10091, DataAdvisory, "part of the market data needs another subscription for the API"),
    (10147, CancelRefused, "no order with this id here: it may be filled, or another client's"),
    (10148, CancelRefused, "the order can't be cancelled in its state, which the text names"),
    (10149, CancelRefused, "invalid order id"),
    (10167, DataAdvisory, "not subscribed; delayed data is shown"),
    (10168, Data, "not subscribed, and delayed data is not switched on"),
    (10182, Data, "the history subscription failed"),
    (10187, Data, "no historical ticks"),
    (10189, Data, "tick-by-tick request refused"),
    (10190, Pacing, "too many tick-by-tick requests"),
    (10197, Data, "no market data while another session of this user has it"),
    (10239, Rejected, "not tradable by API"),
    (10243, Rejected, "fractional quantity not allowed for API orders"),
    (10289, Rejected, "the quantity must be given as a sum of money"),
    (10293, Rejected, "the security can't be traded in this account"),
    (10326, Rejected, "the group of the order can't be changed"),
    (10349, Remark, "time in force was set from a preset; the order lives on"),
];

/// The class of a message. The text decides only where IB uses one number for several things.
pub fn classify(code: i32, text: &str) -> CodeClass {
    if is_read_only(code, text) {
        return CodeClass::ReadOnly;
    }
    row(code).map_or(CodeClass::Unlisted, |(_, class, _)| *class)
}

/// Whether the same request may do better later: the cause is a rate, or somebody else's session.
pub(super) fn passes(code: i32, text: &str) -> bool {
    /// Competing live session: the data comes back with the end of it.
    const COMPETING_SESSION: i32 = 10197;
    code == COMPETING_SESSION || classify(code, text) == Pacing
}

/// What the number means, in our words, if it has a row.
pub fn meaning(code: i32) -> Option<&'static str> {
    row(code).map(|(_, _, meaning)| *meaning)
}

fn row(code: i32) -> Option<&'static (i32, CodeClass, &'static str)> {
    CODES.binary_search_by_key(&code, |(number, _, _)| *number).ok().and_then(|i| CODES.get(i))
}

/// "The API interface is currently in Read-Only mode."
fn is_read_only(code: i32, text: &str) -> bool {
    code == VALIDATION && text.to_ascii_lowercase().contains("read-only")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_are(class: CodeClass, codes: &[i32]) {
        for code in codes {
            assert_eq!(classify(*code, ""), class, "code {code}");
        }
    }

    #[test]
    fn the_table_is_sorted_and_has_each_number_once() {
        assert!(CODES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    // Reported of live orders that then filled: see the message texts of these numbers.
    #[test]
    fn remarks_on_a_live_order_are_not_rejections() {
        all_are(CodeClass::Remark, &[0, 165, 399, 404, 2109, 2102, 2137, 2148, 10349]);
    }

    #[test]
    fn definite_refusals_of_a_first_submission_are_rejections() {
        all_are(CodeClass::Rejected, &[110, 200, 201, 203, 383, 387, 434, 451, 454, 460, 10243]);
    }

    #[test]
    fn a_failed_cancel_says_nothing_about_the_order() {
        all_are(CodeClass::CancelRefused, &[135, 136, 161, 10147, 10148, 10149]);
        all_are(CodeClass::CancelConfirmed, &[202]);
    }

    #[test]
    fn a_known_order_id_is_neither_a_rejection_nor_an_acceptance() {
        all_are(CodeClass::IdTaken, &[103, 104, 105]);
    }

    #[test]
    fn only_the_link_codes_open_and_close_the_gate() {
        all_are(CodeClass::LinkLost, &[1100, 1300, 2110]);
        all_are(CodeClass::LinkRestored, &[1101, 1102]);
        all_are(CodeClass::Farm, &[2103, 2104, 2105, 2106, 2107, 2108, 2119, 2157, 2158]);
    }

    #[test]
    fn data_that_comes_delayed_is_not_data_that_fails() {
        all_are(CodeClass::DataAdvisory, &[2188, 10089, 10090, 10091, 10167]);
        all_are(CodeClass::Data, &[162, 354, 366, 10168, 10197]);
    }

    #[test]
    fn limits_and_requests_have_their_own_classes() {
        all_are(CodeClass::Pacing, &[100, 101, 322, 10190]);
        all_are(CodeClass::Request, &[320, 321, 323, 327]);
        all_are(CodeClass::ClientIdInUse, &[326]);
    }

    #[test]
    fn a_read_only_gateway_is_recognised_by_its_text() {
        let text = "Error validating request:-'bW' : cause - The API interface is currently in \
                    Read-Only mode.";
        assert_eq!(classify(321, text), CodeClass::ReadOnly);
    }

    #[test]
    fn what_a_rate_or_another_session_refused_may_pass_later() {
        for code in [100, 322, 10197] {
            assert!(passes(code, ""), "code {code}");
        }
        for code in [200, 201, 354] {
            assert!(!passes(code, ""), "code {code}");
        }
    }

    #[test]
    fn a_number_without_a_row_is_unlisted() {
        all_are(CodeClass::Unlisted, &[-1, 99_999, 2_199]);
        assert_eq!(meaning(99_999), None);
        assert!(meaning(201).is_some_and(|text| text.contains("rejected")));
    }
}
