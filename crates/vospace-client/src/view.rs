//! Parts of FITS files that a service cuts out itself: headers, pixels, a circle on the sky (SODA 1.0 parameters).
//!
//! Users write them behind a file's name: `image.fits[1][10:20,30:40]`, `image.fits(10.25,10.25,0.1)` in degrees.
//! Brackets are also wildcards. They are a cut-out where no wildcard could mean the same: when they hold a range with a
//! colon, or a number or extension name right behind the ending of a FITS file.

/// Endings behind which `[1]` is an extension and not a wildcard.
const ENDINGS: [&str; 5] = [".fits", ".fit", ".fits.fz", ".fits.gz", ".fz"];

/// A part of a FITS file.
///
/// ```
/// use vospace_client::view::View;
///
/// let (file, part) = View::split("image.fits[1][10:20,30:40]");
/// assert_eq!((file, part), ("image.fits", Some(View::Pixels("[1][10:20,30:40]".to_owned()))));
/// // Brackets that can only be a wildcard are none.
/// assert_eq!(View::split("image[12].fits"), ("image[12].fits", None));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum View {
    /// The headers of all extensions, as text.
    Header,
    /// Extension and pixels in the form of cfitsio: `[1][10:20,30:40]`.
    Pixels(String),
    /// Around a position on the sky.
    Circle {
        /// Right ascension of the centre, ICRS, degrees.
        ra: f64,
        /// Declination of the centre, ICRS, degrees.
        dec: f64,
        /// Radius, degrees.
        radius: f64,
    },
}

impl View {
    /// The part that stands behind a file's name, and the name without it.
    #[must_use]
    pub fn split(text: &str) -> (&str, Option<View>) {
        circle(text).or_else(|| pixels(text)).map_or((text, None), |(name, view)| (name, Some(view)))
    }

    /// What stands behind the name of a local copy, so that two parts of one file do not replace each other.
    #[must_use]
    pub fn suffix(&self) -> String {
        match self {
            View::Header => String::new(),
            View::Pixels(section) => section.clone(),
            View::Circle { ra, dec, radius } => format!("({ra},{dec},{radius})"),
        }
    }

    /// The query parameter that asks for it.
    pub(crate) fn parameter(&self) -> (&'static str, String) {
        match self {
            View::Header => ("META", "true".to_owned()),
            View::Pixels(section) => ("SUB", section.clone()),
            View::Circle { ra, dec, radius } => ("CIRCLE", format!("{ra} {dec} {radius}")),
        }
    }
}

/// `name(ra,dec,radius)`, with blanks anywhere between the parentheses.
fn circle(text: &str) -> Option<(&str, View)> {
    let (name, rest) = text.strip_suffix(')')?.rsplit_once('(')?;
    let numbers: Vec<f64> = rest.split(',').map(|number| number.trim().parse().ok()).collect::<Option<_>>()?;
    let &[ra, dec, radius] = numbers.as_slice() else { return None };
    let sound = (0.0..=360.0).contains(&ra) && (-90.0..=90.0).contains(&dec) && radius > 0.0 && radius.is_finite();
    (is_file(name) && sound).then_some((name, View::Circle { ra, dec, radius }))
}

/// `name[extension][x1:x2,y1:y2]`, either or both.
fn pixels(text: &str) -> Option<(&str, View)> {
    let mut name = text;
    let mut groups = Vec::new();
    while let Some((before, group)) = name.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) {
        groups.insert(0, group);
        name = before;
    }
    let (last, others) = groups.split_last()?;
    let cut = match others {
        [] => is_section(last) || (is_extension(last) && ENDINGS.iter().any(|ending| name.ends_with(ending))),
        [extension] => is_extension(extension) && is_section(last),
        _ => false,
    };
    (is_file(name) && cut).then(|| (name, View::Pixels(text[name.len()..].replace(' ', ""))))
}

fn is_file(name: &str) -> bool {
    !name.is_empty() && !name.ends_with(['/', ':'])
}

/// `10:20,*,-*`: one range for each axis, a colon among them.
fn is_section(group: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let axis = |text: &str| match text.trim() {
        "*" | "-*" => true,
        range => range.split_once(':').is_some_and(|(from, to)| number(from.trim()) && number(to.trim())),
    };
    group.contains(':') && group.split(',').all(axis)
}

/// `1`, `SCI`, `SCI,2`.
fn is_extension(group: &str) -> bool {
    let word = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let mut parts = group.split(',').map(str::trim);
    parts.next().is_some_and(word) && parts.next().is_none_or(word) && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixels(text: &str) -> Option<View> {
        Some(View::Pixels(text.to_owned()))
    }

    #[test]
    fn the_forms_of_the_guides() {
        assert_eq!(View::split("vos:X/image.fits[1:100,1:100]"), ("vos:X/image.fits", pixels("[1:100,1:100]")));
        assert_eq!(View::split("vos:X/i.fits[1][1:9, 1:9]"), ("vos:X/i.fits", pixels("[1][1:9,1:9]")));
        assert_eq!(View::split("vos:X/i.fits[SCI,2][*,1:9]"), ("vos:X/i.fits", pixels("[SCI,2][*,1:9]")));
        assert_eq!(View::split("vos:X/i.fits.fz[3]"), ("vos:X/i.fits.fz", pixels("[3]")));
        let circle = Some(View::Circle { ra: 10.25, dec: -10.5, radius: 0.1 });
        assert_eq!(View::split("vos:X/i.fits(10.25,-10.5,0.1)"), ("vos:X/i.fits", circle.clone()));
        assert_eq!(View::split("vos:X/i.fits( 10.25, -10.5, 0.1 )"), ("vos:X/i.fits", circle));
    }

    #[test]
    fn wildcards_and_names_stay_what_they_are() {
        for text in [
            "vos:X/run[0-9]",
            "vos:X/run[12]",
            "vos:X/[ab].fits",
            "vos:X/a.fits[0-9]",
            "vos:X/f(1)",
            "vos:X/f(1,2)",
            "vos:X/f(1,2,x)",
            "vos:X/f(1,99,3)",
            "vos:X/(1,2,3)",
            "vos:X/a[1]/b",
            "vos:X/[1:2]",
            "vos:X/plain",
            "",
        ] {
            assert_eq!(View::split(text), (text, None));
        }
    }

    #[test]
    fn parameters_are_those_of_soda() {
        assert_eq!(View::Header.parameter(), ("META", "true".to_owned()));
        let circle = View::Circle { ra: 10.25, dec: -3.0, radius: 0.1 };
        assert_eq!(circle.parameter(), ("CIRCLE", "10.25 -3 0.1".to_owned()));
    }
}
