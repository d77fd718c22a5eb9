//! The trading switch as the store holds it: `control/{mode}`.

use std::sync::Arc;

use jiff::Timestamp;

use super::OrderError;
use crate::domain::TradingMode;
use crate::risk::Control;
use crate::store::{DocPath, Document, Store, Version};

/// Reads the switch and the locks, and the version to replace when they are changed. Without a
/// document the switch is off ([`Control::absent`]).
pub async fn read_control(
    store: &Arc<dyn Store>,
    mode: TradingMode,
    now: Timestamp,
) -> Result<(Control, Option<Version>), OrderError> {
    let found = store.get(&control_path(mode)?).await?;
    let control = found.as_ref().map(Document::parse::<Control>).transpose()?;
    Ok((control.unwrap_or_else(|| Control::absent(now)), found.map(|document| document.version)))
}

/// Where the switch of a mode is kept.
pub fn control_path(mode: TradingMode) -> Result<DocPath, OrderError> {
    Ok(DocPath::new(format!("control/{mode}"))?)
}
