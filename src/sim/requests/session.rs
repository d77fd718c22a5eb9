//! Time, ids, accounts.

use super::{Call, Undecodable};
use crate::sim::faults::handshake;
use crate::sim::messages::{
    CurrentTime, CurrentTimeInMillis, FamilyCode, FamilyCodes, ManagedAccounts, NextValidId,
    UserInfo,
};

pub fn current_time(call: &mut Call<'_>) {
    let current_time = Some(call.world.now.as_second());
    call.answer(&CurrentTime { current_time });
}

pub fn current_time_in_millis(call: &mut Call<'_>) {
    let current_time_in_millis = Some(call.world.now.as_millisecond());
    call.answer(&CurrentTimeInMillis { current_time_in_millis });
}

pub fn ids(call: &mut Call<'_>) {
    let order_id = Some(handshake::next_id(call.world, call.client_id));
    call.answer(&NextValidId { order_id });
}

pub fn managed_accounts(call: &mut Call<'_>) {
    let accounts_list = Some(handshake::accounts(call.world));
    call.answer(&ManagedAccounts { accounts_list });
}

pub fn user_info(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let req_id = Some(call.req_id()?);
    call.answer(&UserInfo { req_id, white_branding_id: None });
    Ok(())
}

pub fn family_codes(call: &mut Call<'_>) {
    let accounts = call.world.broker.accounts().map(|(name, _)| name.to_owned());
    let family_codes =
        accounts.map(|name| FamilyCode { account_id: Some(name), family_code: None }).collect();
    call.answer(&FamilyCodes { family_codes });
}
