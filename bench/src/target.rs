//! Targets: what is demanded of a row, and whether the figures show it. A condition on something that was not measured
//! is open, neither met nor missed.

/// One demand.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    text: String,
    got: Option<f64>,
    met: Option<bool>,
}

impl Condition {
    /// The figure has to reach the bound.
    pub(crate) fn at_least(text: impl Into<String>, got: Option<f64>, bound: f64) -> Self {
        Self { text: text.into(), got, met: got.map(|got| got >= bound) }
    }

    /// The figure must not pass the bound.
    pub(crate) fn at_most(text: impl Into<String>, got: Option<f64>, bound: f64) -> Self {
        Self { text: text.into(), got, met: got.map(|got| got <= bound) }
    }
}

/// What came of all demands on a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    /// The row.
    pub(crate) row: &'static str,
    /// Its demands.
    pub(crate) conditions: Vec<Condition>,
}

impl Verdict {
    /// False when one is missed, true when all are met; nothing while one is open.
    pub(crate) fn met(&self) -> Option<bool> {
        if self.conditions.iter().any(|condition| condition.met == Some(false)) {
            return Some(false);
        }
        self.conditions.iter().all(|condition| condition.met.is_some()).then_some(true)
    }

    /// The demands with the figures that were found.
    pub(crate) fn text(&self) -> String {
        let one = |condition: &Condition| {
            let mark = if condition.met == Some(false) { ", missed" } else { "" };
            match condition.got {
                Some(got) => format!("{} ({}{mark})", condition.text, figure(got)),
                None => format!("{} (not measured)", condition.text),
            }
        };
        self.conditions.iter().map(one).collect::<Vec<_>>().join("; ")
    }
}

/// Three significant digits, more only before the point.
pub(crate) fn figure(value: f64) -> String {
    let digits = if value == 0.0 { 0 } else { 2 - value.abs().log10().floor() as i32 };
    format!("{value:.*}", digits.clamp(0, 4) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_miss_decides_and_what_was_not_measured_leaves_it_open() {
        let met = Condition::at_least("≥ 0.9 of vcp", Some(0.9), 0.9);
        let missed = Condition::at_most("≤ 2 trips", Some(2.01), 2.0);
        let open = Condition::at_least("≥ 6 × vofs", None, 6.0);
        let verdict = |conditions: &[&Condition]| Verdict {
            row: "a",
            conditions: conditions.iter().map(|condition| (*condition).clone()).collect(),
        };
        assert_eq!(verdict(&[&met]).met(), Some(true));
        assert_eq!(verdict(&[&met, &open]).met(), None);
        assert_eq!(verdict(&[&met, &open, &missed]).met(), Some(false));
        assert_eq!(
            verdict(&[&met, &missed, &open]).text(),
            "≥ 0.9 of vcp (0.900); ≤ 2 trips (2.01, missed); ≥ 6 × vofs (not measured)"
        );
    }

    #[test]
    fn figures_have_three_digits() {
        let texts = [0.0, 0.01234, 0.5, 12.345, 187.6, 123_456.0].map(figure);
        assert_eq!(texts, ["0", "0.0123", "0.500", "12.3", "188", "123456"]);
    }
}
