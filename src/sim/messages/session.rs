//! Session: start, ids, accounts, time, errors.

use prost::Message;

/// Opens the session under a client id.
#[derive(Clone, PartialEq, Message)]
pub struct StartApiRequest {
    #[prost(int32, optional, tag = "1")]
    pub client_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub optional_capabilities: Option<String>,
}

/// A request that carries only its id; also the first field of nearly every other request.
#[derive(Clone, PartialEq, Message)]
pub struct RequestId {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
}

/// The accounts of the login, separated by commas.
#[derive(Clone, PartialEq, Message)]
pub struct ManagedAccounts {
    #[prost(string, optional, tag = "1")]
    pub accounts_list: Option<String>,
}

/// The lowest order id that may be used next.
#[derive(Clone, PartialEq, Message)]
pub struct NextValidId {
    #[prost(int32, optional, tag = "1")]
    pub order_id: Option<i32>,
}

/// Unix seconds.
#[derive(Clone, PartialEq, Message)]
pub struct CurrentTime {
    #[prost(int64, optional, tag = "1")]
    pub current_time: Option<i64>,
}

/// Unix milliseconds.
#[derive(Clone, PartialEq, Message)]
pub struct CurrentTimeInMillis {
    #[prost(int64, optional, tag = "1")]
    pub current_time_in_millis: Option<i64>,
}

/// An error or a notice about a request, an order, or (-1) nothing in particular.
#[derive(Clone, PartialEq, Message)]
pub struct ErrorMessage {
    #[prost(int32, optional, tag = "1")]
    pub id: Option<i32>,
    #[prost(int64, optional, tag = "2")]
    pub error_time: Option<i64>,
    #[prost(int32, optional, tag = "3")]
    pub error_code: Option<i32>,
    #[prost(string, optional, tag = "4")]
    pub error_msg: Option<String>,
    #[prost(string, optional, tag = "5")]
    pub advanced_order_reject_json: Option<String>,
}

/// The white branding of the login; empty here.
#[derive(Clone, PartialEq, Message)]
pub struct UserInfo {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub white_branding_id: Option<String>,
}

/// The family that an account belongs to.
#[derive(Clone, PartialEq, Message)]
pub struct FamilyCode {
    #[prost(string, optional, tag = "1")]
    pub account_id: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub family_code: Option<String>,
}

/// All families.
#[derive(Clone, PartialEq, Message)]
pub struct FamilyCodes {
    #[prost(message, repeated, tag = "1")]
    pub family_codes: Vec<FamilyCode>,
}
