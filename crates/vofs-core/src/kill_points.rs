//! Places at which a test ends a mount: before and after each step that makes something durable. Elsewhere they are nothing.
//!
//! What a kill between two requests leaves, tests of the service's side find out; these are between two requests.

#[cfg(test)]
pub(crate) use armed::{arm, pass, reached};

/// A step of a promise is about to be made, or was.
#[cfg(not(test))]
pub(crate) async fn pass() {}

#[cfg(test)]
mod armed {
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;

    use tokio::sync::Notify;

    // Tests that are killed run on one thread, as their daemons do.
    thread_local! {
        static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
        static REACHED: RefCell<Rc<Notify>> = RefCell::new(Rc::default());
    }

    /// After so many of these places the next one is never left; `None`: all are.
    pub(crate) fn arm(left: Option<usize>) {
        LEFT.set(left);
        REACHED.set(Rc::default());
    }

    /// Returns when that place is reached.
    pub(crate) async fn reached() {
        let reached = REACHED.with_borrow(Rc::clone);
        reached.notified().await;
    }

    pub(crate) async fn pass() {
        match LEFT.get() {
            None => {}
            Some(0) => {
                REACHED.with_borrow(|reached| reached.notify_one());
                std::future::pending().await
            }
            Some(left) => LEFT.set(Some(left - 1)),
        }
    }
}
