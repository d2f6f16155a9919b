//! Group identifiers (IVOA GMS 1.0): `ivo://authority/gms?NAME`, and the short form that users write.

/// The group service that nearly all groups belong to; what a bare name is taken to be of.
pub(crate) const GROUP_SERVICE: &str = "ivo://cadc.nrc.ca/gms?";

/// The identifiers that one argument stands for: names or identifiers, separated by blanks or commas.
pub(crate) fn identifiers(argument: &str) -> impl Iterator<Item = String> {
    let names = argument.split([',', ' ']).filter(|name| !name.is_empty());
    names.map(|name| if name.starts_with("ivo://") { name.to_owned() } else { format!("{GROUP_SERVICE}{name}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_identifiers_and_identifiers_stay() {
        let found: Vec<_> = identifiers("A, B,ivo://skao.int/gms?C  D").collect();
        assert_eq!(
            found,
            ["ivo://cadc.nrc.ca/gms?A", "ivo://cadc.nrc.ca/gms?B", "ivo://skao.int/gms?C", "ivo://cadc.nrc.ca/gms?D"]
        );
    }
}
