//! The results for programs and for people: [`json`] keeps them, [`table`] shows them, [`document`] is where.
//!
//! What is kept is [`stored::Stored`], each with when and on what it was measured: a run of some works replaces their
//! figures and leaves the others as they are. Verdicts are not made here: they come with the figures of the one run in
//! which all that they compare was measured.

pub(crate) mod document;
pub(crate) mod json;
pub(crate) mod order;
pub(crate) mod origin;
pub(crate) mod stored;
pub(crate) mod table;

use std::path::Path;

use anyhow::Result;

use crate::sizes::Scale;

/// What is to be shown of which columns.
pub(crate) type Legend = [(&'static str, &'static str)];

/// Writes the table of everything that is kept into a document.
pub(crate) fn publish(directory: &Path, scale: Scale, legend: &Legend, document: &Path) -> Result<()> {
    let mut records = json::load(&json::file(directory, scale))?;
    order::sort(&mut records, &scale.sizes());
    document::update(document, &table::render(&records, legend))
}
