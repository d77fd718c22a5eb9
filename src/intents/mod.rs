//! (intents)
