//! Start, ids, accounts, time, errors.

use super::{Layout, Text};
use crate::sim::messages::{
    CurrentTime, CurrentTimeInMillis, ErrorMessage, FamilyCodes, ManagedAccounts, NextValidId,
    UserInfo,
};

impl Layout for ManagedAccounts {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>().number(1).text(self.accounts_list.as_ref());
    }
}

impl Layout for NextValidId {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>().number(1).int(self.order_id);
    }
}

impl Layout for CurrentTime {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>().number(1).long(self.current_time);
    }
}

impl Layout for CurrentTimeInMillis {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>().long(self.current_time_in_millis);
    }
}

/// The time of an error came later, with version 194.
impl Layout for ErrorMessage {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>()
            .number(2)
            .int(self.id)
            .int(self.error_code)
            .prose(self.error_msg.as_ref());
        if to.since(166) {
            to.prose(self.advanced_order_reject_json.as_ref());
        }
    }
}

impl Layout for UserInfo {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>().int(self.req_id).text(self.white_branding_id.as_ref());
    }
}

impl Layout for FamilyCodes {
    fn lay_out(&self, to: &mut Text) {
        to.begin::<Self>().count(self.family_codes.len());
        for family in &self.family_codes {
            to.text(family.account_id.as_ref()).text(family.family_code.as_ref());
        }
    }
}
