//! Numbers of bytes for people, and what people write for them.

/// Powers of 1024 without decimals, as `vls -h` of the Python client: `0`, `6B`, `2K`, `6M`.
pub(crate) fn human(length: u64) -> String {
    const UNITS: [char; 5] = ['B', 'K', 'M', 'G', 'T'];
    if length == 0 {
        return "0".to_owned();
    }
    let power = length.ilog2() as usize / 10;
    match UNITS.get(power) {
        Some(unit) => format!("{:.0}{unit}", length as f64 / 1024_f64.powi(power as i32)),
        None => length.to_string(),
    }
}

/// As it was asked for: with a unit, or all digits.
pub(crate) fn shown(length: u64, in_units: bool) -> String {
    if in_units { human(length) } else { length.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn human_sizes_are_those_of_the_python_client() {
        for (length, text) in
            [(0, "0"), (6, "6B"), (1536, "2K"), (1_048_575, "1024K"), (6_000_000, "6M"), (1 << 50, "1125899906842624")]
        {
            assert_eq!(human(length), text);
        }
    }
}
