//! The text generation of the protocol, versions 157 to 178: for clients that do not speak
//! protobuf, such as `ib_async` and `ib_insync`.
//!
//! A message is a run of fields, each followed by a NUL byte; the first is the message id. Which
//! fields there are depends on the version of the connection, and many clients unpack an exact
//! number of them. Only this module knows: requests become the same messages that protobuf
//! carries, and answers are laid out from them.
//!
//! The layouts are those that the clients read and write:
//! <https://github.com/ib-api-reloaded/ib_async>, <https://github.com/erdewit/ib_insync>,
//! <https://github.com/stoqey/ib>, and IB's own (<https://interactivebrokers.github.io/>).

mod answers;
mod reader;
mod requests;
mod writer;

pub use requests::{BadRequest, decode};
pub use writer::{Layout, Text};

/// The lowest version that is spoken: the clients of this generation begin here.
pub const LOWEST: i32 = 157;

/// The highest version that is spoken in text. The next ones are for no client: what knows them
/// speaks protobuf too.
pub const HIGHEST: i32 = 178;
