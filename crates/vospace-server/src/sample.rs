//! Sample FITS files for demonstrations: a star field with a world coordinate system, a file with several extensions,
//! and a binary table. Written by the rules of the FITS standard 4.0, section numbers of which are cited.

use std::fs;
use std::io;
use std::path::Path;

/// FITS files are made of blocks of this many bytes (§3.1).
const BLOCK: usize = 2880;

/// Side of the star field in pixels.
const SIDE: usize = 512;

/// Writes the samples into a directory, which is made if it is missing.
pub fn write(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let stars = stars();
    fs::write(dir.join("starfield.fits"), star_field(&stars))?;
    fs::write(dir.join("multi.fits"), multi_extension(&stars))?;
    fs::write(dir.join("catalogue.fits"), catalogue(&stars))
}

/// A star: column and row in pixels from 1, and the peak above the background.
#[derive(Clone, Copy, Debug)]
struct Star {
    x: f64,
    y: f64,
    flux: f64,
}

/// Numbers that look random and are the same at every run (a 64-bit linear congruential generator, Knuth's constants).
struct Numbers(u64);

impl Numbers {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn stars() -> Vec<Star> {
    let mut numbers = Numbers(20_260_301);
    let side = SIDE as f64;
    let star = |_| Star {
        x: numbers.unit() * side + 0.5,
        y: numbers.unit() * side + 0.5,
        // Many faint ones, few bright ones.
        flux: 50.0 / (numbers.unit() + 0.005),
    };
    (0..120).map(star).collect()
}

fn pixels(stars: &[Star], side: usize) -> Vec<f32> {
    let mut numbers = Numbers(42);
    let mut image: Vec<f32> = (0..side * side).map(|_| (100.0 + 6.0 * (numbers.unit() - 0.5)) as f32).collect();
    for star in stars {
        let (column, row) = (star.x.round() as i64 - 1, star.y.round() as i64 - 1);
        for y in (row - 8).max(0)..(row + 9).min(side as i64) {
            for x in (column - 8).max(0)..(column + 9).min(side as i64) {
                let (dx, dy) = (x as f64 + 1.0 - star.x, y as f64 + 1.0 - star.y);
                let index = y as usize * side + x as usize;
                image[index] += (star.flux * (-(dx * dx + dy * dy) / (2.0 * 1.6 * 1.6)).exp()) as f32;
            }
        }
    }
    image
}

/// A header: cards of 80 characters (§4.1).
struct Header(Vec<u8>);

impl Header {
    fn new() -> Header {
        Header(Vec::new())
    }

    fn card(&mut self, text: &str) -> &mut Header {
        let mut card = text.as_bytes().to_vec();
        card.resize(80, b' ');
        self.0.extend_from_slice(&card);
        self
    }

    /// A number or logical value, right-justified to column 30 (§4.2).
    fn value(&mut self, keyword: &str, value: impl ToString, comment: &str) -> &mut Header {
        let text = format!("{keyword:<8}= {:>20} / {comment}", value.to_string());
        self.card(&text)
    }

    /// A text, from column 11 (§4.2.1).
    fn text(&mut self, keyword: &str, value: &str, comment: &str) -> &mut Header {
        let quoted = format!("'{value:<8}'");
        let text = format!("{keyword:<8}= {quoted:<20} / {comment}");
        self.card(&text)
    }

    fn real(&mut self, keyword: &str, value: f64, comment: &str) -> &mut Header {
        self.value(keyword, format!("{value:.10}"), comment)
    }

    /// The projection of the field: gnomonic, half an arcsecond a pixel, around (150.1, +2.2) degrees.
    fn world(&mut self) -> &mut Header {
        let centre = (SIDE as f64 + 1.0) / 2.0;
        let scale = 0.5 / 3600.0;
        self.text("CTYPE1", "RA---TAN", "gnomonic projection")
            .text("CTYPE2", "DEC--TAN", "gnomonic projection")
            .text("CUNIT1", "deg", "unit of axis 1")
            .text("CUNIT2", "deg", "unit of axis 2")
            .real("CRVAL1", 150.1, "[deg] right ascension of the reference")
            .real("CRVAL2", 2.2, "[deg] declination of the reference")
            .real("CRPIX1", centre, "[pixel] reference along axis 1")
            .real("CRPIX2", centre, "[pixel] reference along axis 2")
            .real("CD1_1", -scale, "[deg/pixel] east is to the left")
            .real("CD1_2", 0.0, "[deg/pixel]")
            .real("CD2_1", 0.0, "[deg/pixel]")
            .real("CD2_2", scale, "[deg/pixel] north is up")
            .text("RADESYS", "ICRS", "reference system")
            .value("EQUINOX", "2000.0", "[yr] equinox")
    }

    /// Closes the header and pads it with blanks (§3.3.1).
    fn end(&mut self) -> Vec<u8> {
        self.card("END");
        let mut bytes = std::mem::take(&mut self.0);
        bytes.resize(bytes.len().next_multiple_of(BLOCK), b' ');
        bytes
    }
}

/// Data padded with zeros (§3.3.2).
fn padded(mut data: Vec<u8>) -> Vec<u8> {
    data.resize(data.len().next_multiple_of(BLOCK), 0);
    data
}

fn big_endian(pixels: &[f32]) -> Vec<u8> {
    pixels.iter().flat_map(|pixel| pixel.to_be_bytes()).collect()
}

fn primary_image(object: &str) -> Header {
    let mut header = Header::new();
    header
        .value("SIMPLE", "T", "conforms to the FITS standard")
        .value("BITPIX", -32, "IEEE 32-bit floating point")
        .value("NAXIS", 2, "two axes")
        .value("NAXIS1", SIDE, "columns")
        .value("NAXIS2", SIDE, "rows")
        .value("EXTEND", "T", "extensions may follow")
        .text("OBJECT", object, "generated, no sky was observed")
        .text("DATE-OBS", "2026-03-01T12:00:00", "nominal")
        .value("MJD-OBS", "61100.5", "[d] the same date")
        .text("FILTER", "r", "nominal")
        .real("EXPTIME", 120.0, "[s] nominal")
        .text("BUNIT", "adu", "unit of the pixels");
    header
}

fn star_field(stars: &[Star]) -> Vec<u8> {
    let mut bytes = primary_image("Sample star field").world().end();
    bytes.extend(padded(big_endian(&pixels(stars, SIDE))));
    bytes
}

fn empty_primary(object: &str) -> Vec<u8> {
    Header::new()
        .value("SIMPLE", "T", "conforms to the FITS standard")
        .value("BITPIX", 8, "no data")
        .value("NAXIS", 0, "no data")
        .value("EXTEND", "T", "extensions follow")
        .text("OBJECT", object, "generated")
        .end()
}

/// Four detectors and a mask.
fn multi_extension(stars: &[Star]) -> Vec<u8> {
    const CHIP: usize = 128;
    let mut bytes = empty_primary("Sample mosaic");
    for chip in 1..=4_usize {
        let header = Header::new()
            .text("XTENSION", "IMAGE", "image extension")
            .value("BITPIX", -32, "IEEE 32-bit floating point")
            .value("NAXIS", 2, "two axes")
            .value("NAXIS1", CHIP, "columns")
            .value("NAXIS2", CHIP, "rows")
            .value("PCOUNT", 0, "no parameters")
            .value("GCOUNT", 1, "one group")
            .text("EXTNAME", &format!("CHIP{chip}"), "name of the detector")
            .value("EXTVER", 1, "version")
            .real("GAIN", 1.5 + chip as f64 / 10.0, "[electron/adu]")
            .end();
        bytes.extend(header);
        let own: Vec<Star> = stars
            .iter()
            .skip(chip * 20)
            .take(20)
            .map(|star| Star { x: star.x / 4.0, y: star.y / 4.0, ..*star })
            .collect();
        bytes.extend(padded(big_endian(&pixels(&own, CHIP))));
    }
    let header = Header::new()
        .text("XTENSION", "IMAGE", "image extension")
        .value("BITPIX", 16, "16-bit integers")
        .value("NAXIS", 2, "two axes")
        .value("NAXIS1", CHIP, "columns")
        .value("NAXIS2", CHIP, "rows")
        .value("PCOUNT", 0, "no parameters")
        .value("GCOUNT", 1, "one group")
        .text("EXTNAME", "MASK", "bad pixels are 1")
        .end();
    bytes.extend(header);
    let mask = (0..CHIP * CHIP).flat_map(|index| i16::from(index % 997 == 0).to_be_bytes()).collect();
    bytes.extend(padded(mask));
    bytes
}

/// The stars as a binary table (§7.3).
fn catalogue(stars: &[Star]) -> Vec<u8> {
    const ROW: usize = 4 + 8 + 8 + 4 + 8;
    let mut bytes = empty_primary("Sample catalogue");
    let header = Header::new()
        .text("XTENSION", "BINTABLE", "binary table")
        .value("BITPIX", 8, "bytes")
        .value("NAXIS", 2, "rows of bytes")
        .value("NAXIS1", ROW, "bytes of a row")
        .value("NAXIS2", stars.len(), "rows")
        .value("PCOUNT", 0, "no heap")
        .value("GCOUNT", 1, "one group")
        .value("TFIELDS", 5, "columns")
        .text("TTYPE1", "ID", "number of the star")
        .text("TFORM1", "J", "32-bit integer")
        .text("TTYPE2", "RA", "right ascension")
        .text("TFORM2", "D", "64-bit floating point")
        .text("TUNIT2", "deg", "unit")
        .text("TTYPE3", "DEC", "declination")
        .text("TFORM3", "D", "64-bit floating point")
        .text("TUNIT3", "deg", "unit")
        .text("TTYPE4", "FLUX", "peak above the background")
        .text("TFORM4", "E", "32-bit floating point")
        .text("TUNIT4", "adu", "unit")
        .text("TTYPE5", "NAME", "name")
        .text("TFORM5", "8A", "text")
        .text("EXTNAME", "STARS", "name of the table")
        .end();
    bytes.extend(header);
    let centre = (SIDE as f64 + 1.0) / 2.0;
    let mut data = Vec::with_capacity(ROW * stars.len());
    for (index, star) in stars.iter().enumerate() {
        let declination = 2.2 + (star.y - centre) * 0.5 / 3600.0;
        let right_ascension = 150.1 - (star.x - centre) * 0.5 / 3600.0 / declination.to_radians().cos();
        data.extend((index as i32 + 1).to_be_bytes());
        data.extend(right_ascension.to_be_bytes());
        data.extend(declination.to_be_bytes());
        data.extend((star.flux as f32).to_be_bytes());
        data.extend(format!("S{:06} ", index + 1).as_bytes());
    }
    bytes.extend(padded(data));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_whole_blocks_and_begin_as_they_must() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path()).unwrap();
        for name in ["starfield.fits", "multi.fits", "catalogue.fits"] {
            let bytes = fs::read(dir.path().join(name)).unwrap();
            assert_eq!(bytes.len() % BLOCK, 0, "{name}");
            assert!(bytes.starts_with(b"SIMPLE  =                    T"), "{name}");
        }
        let first = fs::read(dir.path().join("starfield.fits")).unwrap();
        write(dir.path()).unwrap();
        assert_eq!(fs::read(dir.path().join("starfield.fits")).unwrap(), first);
    }
}
