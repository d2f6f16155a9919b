//! What the user wants kept: paths whose blocks, with all below them, are never evicted.
//!
//! A pin is of a name: what stands under it is kept, whatever version it is. They live in the journal, because the user's
//! wish must survive an index that is thrown away; this is what the running mount looks at.

use parking_lot::RwLock;

use crate::path::NodePath;

/// The pins of one mount. Few: each look goes through all.
#[derive(Debug, Default)]
pub(crate) struct Pins(RwLock<Vec<NodePath>>);

impl Pins {
    pub(crate) fn new(paths: Vec<NodePath>) -> Self {
        Pins(RwLock::new(paths))
    }

    /// Whether `path` is kept.
    pub(crate) fn hold(&self, path: &NodePath) -> bool {
        self.0.read().iter().any(|pin| path.is_within(pin))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.read().is_empty()
    }

    /// All of them.
    pub(crate) fn list(&self) -> Vec<NodePath> {
        self.0.read().clone()
    }

    /// Adds one; false when it was there.
    pub(crate) fn add(&self, path: &NodePath) -> bool {
        let mut pins = self.0.write();
        let is_new = !pins.contains(path);
        if is_new {
            pins.push(path.clone());
            pins.sort();
        }
        is_new
    }

    /// Removes one; false when there was none.
    pub(crate) fn remove(&self, path: &NodePath) -> bool {
        let mut pins = self.0.write();
        let before = pins.len();
        pins.retain(|pin| pin != path);
        pins.len() < before
    }

    /// `from` is now called `to`, with all below it; true when that concerns a pin.
    pub(crate) fn rename(&self, from: &NodePath, to: &NodePath) -> bool {
        let mut moved = false;
        for pin in &mut *self.0.write() {
            if let Some(new) = pin.moved(from, to) {
                *pin = new;
                moved = true;
            }
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_holds_what_is_below_it_and_goes_with_its_name() {
        let path = NodePath::new;
        let pins = Pins::default();
        assert!(pins.add(&path("a/b")) && !pins.add(&path("a/b")));
        assert!(
            pins.hold(&path("a/b")) && pins.hold(&path("a/b/c")) && !pins.hold(&path("a")) && !pins.hold(&path("a/bc"))
        );
        assert!(pins.rename(&path("a"), &path("z")) && !pins.rename(&path("a"), &path("z")));
        assert_eq!(pins.list(), [path("z/b")]);
        assert!(pins.remove(&path("z/b")) && !pins.remove(&path("z/b")));
    }
}
