//! Cut-outs: parts of FITS files that a query of the byte service asks for.
//!
//! `META=true` gives all headers as text. `SUB=[ext][x1:x2,y1:y2]` gives pixels of one HDU, by its number or its name,
//! the primary one without it; repeated, several. `CIRCLE=ra dec radius` (degrees) gives the smallest rectangle of pixels
//! around the circle from every two-dimensional image with a gnomonic projection that it touches. One piece of the
//! primary HDU is a primary HDU again; everything else comes as extensions behind an empty primary one. Reference pixels
//! move along with the pixels. What is no FITS file, or has nothing there, is 400.

use crate::fault::Fault;
use crate::fits::{BLOCK, CARD, Hdu, hdus};
use std::io::{self, Read, Seek, SeekFrom, Write};

/// Constraints that the real service knows and this one does not.
const UNSUPPORTED: [&str; 5] = ["POLYGON", "POS", "BAND", "TIME", "POL"];

/// Points of a circle that are projected to find the pixels that it covers.
const CIRCLE_POINTS: u32 = 72;

/// First and last pixel of an axis, from 1.
type Range = (u64, u64);

/// What a query asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// All headers.
    Headers,
    /// Pixels of HDUs.
    Pixels(Vec<Sub>),
    /// Pixels in a circle on the sky: right ascension, declination and radius in degrees.
    Circle(f64, f64, f64),
}

/// One pixel cut-out.
#[derive(Clone, Debug, PartialEq)]
pub struct Sub {
    /// Number or name of the HDU; the primary one without it.
    extension: Option<String>,
    /// One for each axis; `None` is all of it. Without any, the whole HDU.
    ranges: Vec<Option<Range>>,
}

impl Wish {
    /// The wish in a query, if there is one.
    pub fn of(query: &str) -> Result<Option<Wish>, Fault> {
        let mut subs = Vec::new();
        let mut circle = None;
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let key = key.to_ascii_uppercase();
            match key.as_str() {
                "META" if value.eq_ignore_ascii_case("true") => return Ok(Some(Wish::Headers)),
                "SUB" => subs.push(Sub::parse(&value).ok_or_else(|| Fault::argument(format!("invalid SUB: {value}")))?),
                "CIRCLE" => {
                    let numbers: Vec<f64> = value.split_whitespace().filter_map(|text| text.parse().ok()).collect();
                    let [ra, dec, radius] = numbers[..] else {
                        return Err(Fault::argument(format!("invalid CIRCLE: {value}")));
                    };
                    if circle.replace(Wish::Circle(ra, dec, radius)).is_some() || radius.is_nan() || radius <= 0.0 {
                        return Err(Fault::argument("one circle with a radius above zero"));
                    }
                }
                _ if UNSUPPORTED.contains(&key.as_str()) => {
                    return Err(Fault::argument(format!("cut-out by {key} is not supported")));
                }
                _ => {}
            }
        }
        match (circle, subs.is_empty()) {
            (Some(_), false) => Err(Fault::argument("SUB and CIRCLE exclude each other")),
            (circle @ Some(_), true) => Ok(circle),
            (None, false) => Ok(Some(Wish::Pixels(subs))),
            (None, true) => Ok(None),
        }
    }
}

impl Sub {
    fn parse(text: &str) -> Option<Sub> {
        let inner = text.trim().strip_prefix('[')?.strip_suffix(']')?;
        let parts: Vec<&str> = inner.split("][").collect();
        let is_ranges = |part: &str| part.contains([':', '*']);
        let (extension, ranges) = match parts[..] {
            [only] if is_ranges(only) => (None, Some(only)),
            [only] => (Some(only), None),
            [extension, ranges] if !is_ranges(extension) => (Some(extension), Some(ranges)),
            _ => return None,
        };
        let range = |part: &str| {
            if part.trim() == "*" {
                return Some(None);
            }
            let (first, last) = part.split_once(':')?;
            let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
            (first <= last && last > 0).then_some(Some((first.max(1), last)))
        };
        let ranges = ranges.map_or(Some(Vec::new()), |text| text.split(',').map(range).collect())?;
        // An extension version after a comma is taken and not looked at.
        let extension = extension.map(|text| text.split(',').next().unwrap_or_default().trim().to_owned());
        Some(Sub { extension, ranges })
    }
}

/// HDUs or parts of them, ready to be written.
#[derive(Debug)]
pub struct Piece {
    /// What goes before the data, the data, and their pixels.
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    header: Vec<u8>,
    /// Where the HDU's data are, how many bytes a pixel has, its axes, and what is wanted of each.
    data: Option<(u64, u64, Vec<u64>, Vec<Range>)>,
}

impl Piece {
    /// Finds what is wished for in a file.
    pub fn of(wish: &Wish, file: &mut (impl Read + Seek)) -> Result<Piece, Fault> {
        let all = hdus(file)?;
        let cuts: Vec<(usize, Vec<Option<Range>>)> = match wish {
            Wish::Headers => {
                let line = |card: &String| format!("{}\n", card.trim_end());
                let text = |hdu: &Hdu| hdu.cards.iter().map(line).chain(["END\n".to_owned()]).collect::<String>();
                let parts = all.iter().map(|hdu| Part { header: text(hdu).into_bytes(), data: None }).collect();
                return Ok(Piece { parts });
            }
            Wish::Pixels(subs) => {
                let found = |sub: &Sub| Ok((find(&all, sub.extension.as_deref())?, sub.ranges.clone()));
                subs.iter().map(found).collect::<Result<_, Fault>>()?
            }
            Wish::Circle(ra, dec, radius) => {
                let covered = |(index, hdu): (usize, &Hdu)| Some((index, around(hdu, *ra, *dec, *radius)?));
                all.iter().enumerate().filter_map(covered).collect()
            }
        };
        if cuts.is_empty() {
            return Err(Fault::argument("no overlap"));
        }
        let alone = cuts.len() == 1 && cuts[0].0 == 0;
        let mut parts = Vec::new();
        if !alone {
            let card = |keyword: &str, value: &str| format!("{keyword:<8}= {value:>20}");
            let cards = vec![card("SIMPLE", "T"), card("BITPIX", "8"), card("NAXIS", "0"), card("EXTEND", "T")];
            parts.push(Part { header: Hdu { cards, data: 0, length: 0 }.header(), data: None });
        }
        for (index, ranges) in cuts {
            parts.push(part(&all[index], &ranges, alone)?);
        }
        Ok(Piece { parts })
    }

    /// Writes it, reading the pixels from the file.
    pub fn write(&self, file: &mut (impl Read + Seek), out: &mut dyn Write) -> io::Result<()> {
        for part in &self.parts {
            out.write_all(&part.header)?;
            let Some((start, pixel, axes, ranges)) = &part.data else { continue };
            let written = write_pixels(file, out, *start, *pixel, axes, ranges)?;
            let padding = written.next_multiple_of(BLOCK as u64) - written;
            io::copy(&mut io::repeat(0).take(padding), out)?;
        }
        Ok(())
    }
}

fn find(all: &[Hdu], extension: Option<&str>) -> Result<usize, Fault> {
    let missing = |name: &str| Fault::argument(format!("no extension {name}"));
    match extension {
        None => Ok(0),
        Some(text) => match text.parse::<usize>() {
            Ok(number) if number < all.len() => Ok(number),
            Ok(_) => Err(missing(text)),
            Err(_) => {
                let named = |hdu: &Hdu| hdu.value("EXTNAME").is_some_and(|name| name.eq_ignore_ascii_case(text));
                all.iter().position(named).ok_or_else(|| missing(text))
            }
        },
    }
}

/// An HDU cut down to ranges of its axes.
fn part(hdu: &Hdu, wanted: &[Option<Range>], primary: bool) -> Result<Part, Fault> {
    let mut result = hdu.clone();
    let axes = hdu.axes();
    if !wanted.is_empty() && (!hdu.is_image() || wanted.len() > axes.len()) {
        return Err(Fault::argument("not an image of so many axes"));
    }
    let mut ranges = Vec::new();
    for (index, length) in axes.iter().enumerate() {
        let (first, last) = wanted.get(index).copied().flatten().unwrap_or((1, *length));
        if first > *length {
            return Err(Fault::argument("no overlap"));
        }
        let last = last.min(*length);
        ranges.push((first, last));
        result.set(&format!("NAXIS{}", index + 1), &(last + 1 - first).to_string());
        let reference = format!("CRPIX{}", index + 1);
        if let Some(pixel) = hdu.number(&reference).filter(|_| first > 1) {
            result.set(&reference, &format!("{:?}", pixel - (first - 1) as f64));
        }
    }
    if !primary && let Some(card) = result.cards.first_mut().filter(|card| card.starts_with("SIMPLE")) {
        *card = format!("{:<CARD$}", "XTENSION= 'IMAGE   '");
        result.cards.retain(|card| !["EXTEND  ", "PCOUNT  ", "GCOUNT  "].iter().any(|name| card.starts_with(name)));
        let group = ["PCOUNT  =                    0", "GCOUNT  =                    1"].map(str::to_owned);
        // Right behind the axes, as the standard has them (§4.4.1.2).
        let behind = (3 + axes.len()).min(result.cards.len());
        result.cards.splice(behind..behind, group);
    }
    let data = if wanted.is_empty() {
        // The whole HDU, whatever it holds.
        Some((hdu.data, 1, vec![hdu.length], vec![(1, hdu.length)])).filter(|_| hdu.length > 0)
    } else {
        Some((hdu.data, hdu.pixel(), axes, ranges))
    };
    Ok(Part { header: result.header(), data })
}

/// Writes the pixels in the ranges, row by row, and answers how many bytes that were.
fn write_pixels(
    file: &mut (impl Read + Seek),
    out: &mut dyn Write,
    start: u64,
    pixel: u64,
    axes: &[u64],
    ranges: &[Range],
) -> io::Result<u64> {
    let Some((&(first, last), outer)) = ranges.split_first() else { return Ok(0) };
    let row = (last + 1 - first) * pixel;
    let mut at: Vec<u64> = outer.iter().map(|(first, _)| *first).collect();
    let mut written = 0;
    loop {
        let mut offset = first - 1;
        let mut stride = 1;
        for (axis, position) in at.iter().enumerate() {
            stride *= axes[axis];
            offset += (position - 1) * stride;
        }
        file.seek(SeekFrom::Start(start + offset * pixel))?;
        if io::copy(&mut (&mut *file).take(row), out)? < row {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        written += row;
        // The next row: the first of the outer axes that has one, those before it begin anew.
        let Some(next) = (0..at.len()).find(|&axis| at[axis] < outer[axis].1) else { return Ok(written) };
        at[next] += 1;
        for (axis, position) in at.iter_mut().enumerate().take(next) {
            *position = outer[axis].0;
        }
    }
}

/// The pixels of an image around a circle; `None` if it is no image of the sky, or the circle is elsewhere.
fn around(hdu: &Hdu, ra: f64, dec: f64, radius: f64) -> Option<Vec<Option<Range>>> {
    let axes = hdu.axes();
    let projected = |axis: &str, name: &str| hdu.value(axis).is_some_and(|kind| kind.starts_with(name));
    if axes.len() != 2 || !projected("CTYPE1", "RA---TAN") || !projected("CTYPE2", "DEC--TAN") {
        return None;
    }
    let number = |keyword: &str| hdu.number(keyword);
    let (scale1, scale2) = (number("CDELT1").unwrap_or(1.0), number("CDELT2").unwrap_or(1.0));
    let element = |cd: &str, pc: &str, scale: f64, default: f64| {
        number(cd).or(number(pc).map(|value| value * scale)).unwrap_or(default * scale)
    };
    let (a, b, c, d) = match number("CD1_1").is_some() || number("CD2_2").is_some() {
        true => (
            number("CD1_1").unwrap_or(0.0),
            number("CD1_2").unwrap_or(0.0),
            number("CD2_1").unwrap_or(0.0),
            number("CD2_2").unwrap_or(0.0),
        ),
        false => (
            element("", "PC1_1", scale1, 1.0),
            element("", "PC1_2", scale1, 0.0),
            element("", "PC2_1", scale2, 0.0),
            element("", "PC2_2", scale2, 1.0),
        ),
    };
    let determinant = a * d - b * c;
    let (ra0, dec0) = (number("CRVAL1")?.to_radians(), number("CRVAL2")?.to_radians());
    let (x0, y0) = (number("CRPIX1")?, number("CRPIX2")?);
    if determinant == 0.0 {
        return None;
    }
    let pixel = |ra: f64, dec: f64| {
        let (ra, dec) = (ra.to_radians(), dec.to_radians());
        let cosine = dec0.sin() * dec.sin() + dec0.cos() * dec.cos() * (ra - ra0).cos();
        // Behind the plane of the projection there is nothing.
        if cosine <= 0.01 {
            return None;
        }
        let xi = (dec.cos() * (ra - ra0).sin() / cosine).to_degrees();
        let eta = ((dec0.cos() * dec.sin() - dec0.sin() * dec.cos() * (ra - ra0).cos()) / cosine).to_degrees();
        Some((x0 + (d * xi - b * eta) / determinant, y0 + (a * eta - c * xi) / determinant))
    };
    let (mut low, mut high) = ((f64::MAX, f64::MAX), (f64::MIN, f64::MIN));
    for step in 0..CIRCLE_POINTS {
        let angle = f64::from(step) * std::f64::consts::TAU / f64::from(CIRCLE_POINTS);
        let north = dec + radius * angle.cos();
        let east = ra + radius * angle.sin() / dec.to_radians().cos().max(1e-6);
        let (x, y) = pixel(east, north)?;
        low = (low.0.min(x), low.1.min(y));
        high = (high.0.max(x), high.1.max(y));
    }
    let range = |low: f64, high: f64, length: u64| {
        let (first, last) = (low.round().max(1.0), high.round().min(length as f64));
        (first <= last).then_some(Some((first as u64, last as u64)))
    };
    Some(vec![range(low.0, high.0, axes[0])?, range(low.1, high.1, axes[1])?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use std::fs::File;

    fn cut(name: &str, query: &str) -> Result<Vec<u8>, Fault> {
        let dir = tempfile::tempdir().unwrap();
        sample::write(dir.path()).unwrap();
        let mut file = File::open(dir.path().join(name)).unwrap();
        let wish = Wish::of(query)?.unwrap();
        let mut out = Vec::new();
        Piece::of(&wish, &mut file)?.write(&mut file, &mut out).unwrap();
        Ok(out)
    }

    fn parsed(bytes: &[u8]) -> (tempfile::NamedTempFile, Vec<Hdu>) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let found = hdus(&mut file.reopen().unwrap()).unwrap();
        (file, found)
    }

    #[test]
    fn pixels_and_reference_pixels_move_together() {
        let whole = cut("starfield.fits", "SUB=[0]").unwrap();
        let piece = cut("starfield.fits", "SUB=[11:20,101:103]").unwrap();
        assert_eq!(piece.len() % BLOCK, 0);
        let ((_, whole_hdu), (_, piece_hdu)) = (parsed(&whole), parsed(&piece));
        assert_eq!(piece_hdu.len(), 1);
        assert_eq!(piece_hdu[0].axes(), [10, 3]);
        let reference = |hdu: &Hdu, axis| hdu.number(axis).unwrap();
        assert_eq!(reference(&piece_hdu[0], "CRPIX1"), reference(&whole_hdu[0], "CRPIX1") - 10.0);
        assert_eq!(reference(&piece_hdu[0], "CRPIX2"), reference(&whole_hdu[0], "CRPIX2") - 100.0);
        let pixel = whole_hdu[0].pixel();
        let width = whole_hdu[0].axes()[0];
        let from = (whole_hdu[0].data + (101 * width + 10) * pixel) as usize;
        let to = (piece_hdu[0].data + 10 * pixel) as usize;
        let row = (10 * pixel) as usize;
        assert_eq!(piece[to..to + row], whole[from..from + row], "the second row");
    }

    #[test]
    fn extensions_headers_and_what_is_not_there() {
        let several = cut("multi.fits", "SUB=[1][1:4,1:4]&SUB=[2]").unwrap();
        let (_, found) = parsed(&several);
        assert_eq!(found.len(), 3);
        assert_eq!((found[0].axes().len(), found[1].axes()), (0, vec![4, 4]));
        let text = String::from_utf8(cut("multi.fits", "META=true").unwrap()).unwrap();
        assert!(text.starts_with("SIMPLE  =") && text.contains("\nEND\nXTENSION="), "{text}");
        for bad in ["SUB=[9]", "SUB=[1:2", "SUB=[5:1,1:1]", "SUB=[1:2,1:2,1:2]", "SUB=[9999:10000,1:2]", "POS=x"] {
            assert_eq!(cut("starfield.fits", bad).unwrap_err().status(), 400, "{bad}");
        }
        let text = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(text.path(), vec![b'x'; 5000]).unwrap();
        assert_eq!(hdus(&mut text.reopen().unwrap()).unwrap_err().status(), 400);
    }

    #[test]
    fn a_circle_is_found_by_the_coordinates() {
        let whole = cut("starfield.fits", "SUB=[0]").unwrap();
        let (_, hdu) = parsed(&whole);
        let value = |keyword| hdu[0].number(keyword).unwrap();
        let scale = hdu[0].number("CD2_2").or(hdu[0].number("CDELT2")).unwrap().abs();
        let query = format!("CIRCLE={}+{}+{}", value("CRVAL1"), value("CRVAL2"), 20.0 * scale);
        let (_, piece) = parsed(&cut("starfield.fits", &query).unwrap());
        for length in piece[0].axes() {
            assert!((40..=42).contains(&length), "{length}");
        }
        let center = piece[0].number("CRPIX1").unwrap();
        assert!((20.0..=22.0).contains(&center), "{center}");
        let elsewhere = format!("CIRCLE={}+{}+{}", value("CRVAL1") + 20.0, value("CRVAL2"), scale);
        assert_eq!(cut("starfield.fits", &elsewhere).unwrap_err().status(), 400);
    }
}
