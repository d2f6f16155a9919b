//! Statistics of few runs on a machine that does other things too: the median, and the range of what was seen.

/// Several values of one thing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Summary {
    /// The middle one, or the mean of the two in the middle.
    pub(crate) median: f64,
    /// The least.
    pub(crate) min: f64,
    /// The greatest.
    pub(crate) max: f64,
    /// How many there are.
    pub(crate) runs: usize,
}

impl Summary {
    /// Of these values, if there are any.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let runs = sorted.len();
        let median = (sorted[(runs - 1) / 2] + sorted[runs / 2]) / 2.0;
        Some(Self { median, min, max, runs })
    }
}

/// The median of the quotients of runs that stood side by side: what slowed the machine down meanwhile slowed both.
pub(crate) fn paired_ratio(ours: &[f64], theirs: &[f64]) -> Option<f64> {
    let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
    Some(Summary::of(&ratios)?.median)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let odd = Summary::of(&[3.0, 1.0, 2.0]).unwrap();
        assert_eq!((odd.median, odd.min, odd.max, odd.runs), (2.0, 1.0, 3.0, 3));
        assert_eq!(Summary::of(&[4.0, 1.0, 2.0, 3.0]).unwrap().median, 2.5);
        assert_eq!(Summary::of(&[7.0]).unwrap().median, 7.0);
        assert_eq!(Summary::of(&[]), None);
    }

    #[test]
    fn a_slow_minute_does_not_change_a_ratio() {
        // The second run of both fell into it: quotients of medians would say 1.0 here.
        assert_eq!(paired_ratio(&[10.0, 20.0, 12.0], &[5.0, 10.0, 12.0]), Some(2.0));
        // A column that had fewer runs is compared by those that it had.
        assert_eq!(paired_ratio(&[10.0, 90.0], &[5.0]), Some(2.0));
        assert_eq!(paired_ratio(&[1.0], &[]), None);
    }
}
