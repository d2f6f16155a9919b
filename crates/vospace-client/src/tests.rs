//! Messages of failures that no one module has for itself: each brought about by a service that behaves so.

mod advice;
mod answers;
mod changes;
mod credentials;
mod places;
mod quirks;
mod uploads;
