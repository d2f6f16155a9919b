//! Moves and copies.

use serde::{Deserialize, Serialize};

/// What becomes of a container that is moved below itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BelowItself {
    /// It is refused.
    Refused,
    /// It is refused wherever the text of the destination contains that of the source.
    RefusedByText,
    /// It is gone with all that is in it, and the job says COMPLETED.
    Lost,
}

/// What becomes of a link that is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MovedLink {
    /// It is moved.
    Moved,
    /// It is refused.
    Refused,
    /// It is moved, and leads nowhere from then on.
    Emptied,
}

/// What a move is in a synchronous transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Synchronous {
    /// Done when the answer comes.
    Done,
    /// 403.
    Denied,
    /// Not there: nothing is moved.
    Absent,
}

/// What can be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Copies {
    /// Nothing.
    Refused,
    /// Everything.
    Made,
    /// Containers, to the same name in another container.
    SameName,
}

/// Moves, as far as services differ in them.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Moves {
    /// A container that is moved below itself.
    pub below_itself: BelowItself,
    /// Links.
    pub links: MovedLink,
    /// Synchronous transfers.
    pub synchronous: Synchronous,
    /// Whether a move onto a container is one into it.
    pub into_containers: bool,
    /// Whether something can be moved into the root.
    pub into_root: bool,
    /// Whether who moves becomes the owner.
    pub mover_owns: bool,
    /// Whether everything that holds bytes fails, by a defect.
    pub bytes_fail: bool,
    /// Whether a transfer that does not say so keeps the bytes, and is a copy.
    pub keeps_unless_told: bool,
    /// Copies.
    pub copies: Copies,
}

impl Moves {
    /// As Vault has them.
    pub const CADC: Moves = Moves {
        below_itself: BelowItself::RefusedByText,
        links: MovedLink::Moved,
        synchronous: Synchronous::Done,
        into_containers: true,
        into_root: false,
        mover_owns: true,
        bytes_fail: false,
        keeps_unless_told: true,
        copies: Copies::Refused,
    };
}
