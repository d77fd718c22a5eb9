//! The trading switch as the store holds it: `control/{mode}`.

use std::sync::Arc;

use super::OrderError;
use crate::domain::TradingMode;
use crate::risk::Control;
use crate::store::{DocPath, Document, Store, Version};

/// Reads the switch and the locks. Without a document the switch is on: a deployment starts
/// trading by its configuration, which fails closed by itself.
pub async fn read_control(
    store: &Arc<dyn Store>,
    mode: TradingMode,
) -> Result<(Control, Option<Version>), OrderError> {
    let found = store.get(&control_path(mode)?).await?;
    let control = found.as_ref().map(Document::parse::<Control>).transpose()?;
    Ok((control.unwrap_or_default(), found.map(|document| document.version)))
}

/// Where the switch of a mode is kept.
pub fn control_path(mode: TradingMode) -> Result<DocPath, OrderError> {
    Ok(DocPath::new(format!("control/{mode}"))?)
}
