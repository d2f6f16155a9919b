//! FITS files: where the headers and the data of their HDUs are, by the FITS standard 4.0 (section numbers are cited).
//!
//! Only headers are read, and only as much as is needed to find the next one. A file that is not FITS, or breaks off in
//! a header, is an error; data that are shorter than announced are found when they are read.

use crate::fault::Fault;
use std::io::{Read, Seek, SeekFrom};

/// FITS files are made of blocks of this many bytes (§3.1).
pub const BLOCK: usize = 2880;
/// A card of a header (§3.3.1).
pub const CARD: usize = 80;
/// Blocks of one header that are read before the file is taken for damaged.
const LONGEST_HEADER: usize = 2000;

/// A header and where its data are.
#[derive(Clone, Debug)]
pub struct Hdu {
    /// The cards, `END` not included.
    pub cards: Vec<String>,
    /// Where the data begin.
    pub data: u64,
    /// Bytes of data, without padding.
    pub length: u64,
}

impl Hdu {
    /// The value of a keyword without quotes and comment.
    pub fn value(&self, keyword: &str) -> Option<String> {
        let matches = |card: &&String| card.get(..8).is_some_and(|name| name.trim_end() == keyword);
        let card = self.cards.iter().find(matches)?;
        let text = card.get(8..)?.strip_prefix("= ")?.trim_start();
        Some(match text.strip_prefix('\'') {
            Some(quoted) => quoted.split('\'').next().unwrap_or_default().trim_end().to_owned(),
            None => text.split('/').next().unwrap_or_default().trim().to_owned(),
        })
    }

    /// The value of a keyword as a number.
    pub fn number(&self, keyword: &str) -> Option<f64> {
        self.value(keyword)?.replace(['D', 'd'], "E").parse().ok()
    }

    fn whole(&self, keyword: &str) -> Option<u64> {
        self.value(keyword)?.parse().ok()
    }

    /// The lengths of the axes, the fastest first (§4.4.1).
    pub fn axes(&self) -> Vec<u64> {
        let count = self.whole("NAXIS").unwrap_or(0).min(999);
        (1..=count).map(|axis| self.whole(&format!("NAXIS{axis}")).unwrap_or(0)).collect()
    }

    /// Bytes of a pixel.
    pub fn pixel(&self) -> u64 {
        self.number("BITPIX").map_or(1, |bits| (bits.abs() / 8.0) as u64)
    }

    /// Whether this is an image, and not a table.
    pub fn is_image(&self) -> bool {
        self.value("XTENSION").is_none_or(|kind| kind == "IMAGE") && !self.axes().is_empty()
    }

    /// The header as blocks.
    pub fn header(&self) -> Vec<u8> {
        let mut text: String = self.cards.iter().map(|card| format!("{card:<CARD$}")).collect();
        text.push_str(&format!("{:<CARD$}", "END"));
        let mut bytes = text.into_bytes();
        bytes.resize(bytes.len().next_multiple_of(BLOCK), b' ');
        bytes
    }

    /// Puts a card in place of that of this keyword, if there is one.
    pub fn set(&mut self, keyword: &str, value: &str) {
        let named = |card: &String| card.get(..8).is_some_and(|name| name.trim_end() == keyword);
        if let Some(card) = self.cards.iter_mut().find(|card| named(card)) {
            *card = format!("{keyword:<8}= {value:>20}");
        }
    }
}

/// All HDUs of a file.
pub fn hdus(file: &mut (impl Read + Seek)) -> Result<Vec<Hdu>, Fault> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut hdus = Vec::new();
    let mut at = 0;
    while at + (BLOCK as u64) <= end {
        let Some(hdu) = header(file, at, hdus.is_empty())? else { break };
        let padded = hdu.length.checked_next_multiple_of(BLOCK as u64);
        at = padded.and_then(|padded| hdu.data.checked_add(padded)).ok_or_else(not_fits)?;
        hdus.push(hdu);
    }
    if hdus.is_empty() { Err(not_fits()) } else { Ok(hdus) }
}

fn not_fits() -> Fault {
    Fault::argument("not a FITS file")
}

/// The header at this place; `None` where only special records follow (§3.5).
fn header(file: &mut (impl Read + Seek), at: u64, first: bool) -> Result<Option<Hdu>, Fault> {
    file.seek(SeekFrom::Start(at))?;
    let mut block = [0; BLOCK];
    let mut cards = Vec::new();
    for count in 1..=LONGEST_HEADER {
        file.read_exact(&mut block).map_err(|_| not_fits())?;
        if count == 1 && !block.starts_with(if first { b"SIMPLE  =" } else { b"XTENSION=" }) {
            return if first { Err(not_fits()) } else { Ok(None) };
        }
        for card in block.chunks(CARD) {
            let card: String = card.iter().map(|&byte| if byte.is_ascii() { byte as char } else { '?' }).collect();
            if card.trim_end() == "END" {
                let mut hdu = Hdu { cards, data: at + (count * BLOCK) as u64, length: 0 };
                hdu.length = data_length(&hdu).ok_or_else(not_fits)?;
                return Ok(Some(hdu));
            }
            cards.push(card);
        }
    }
    Err(not_fits())
}

/// Bytes of data (§4.4.1, equation 2); nothing for a header that announces more than a number holds.
fn data_length(hdu: &Hdu) -> Option<u64> {
    let axes = hdu.axes();
    if axes.is_empty() {
        return Some(0);
    }
    let pixels = axes.iter().try_fold(1_u64, |product, axis| product.checked_mul(*axis))?;
    let groups = hdu.whole("GCOUNT").unwrap_or(1);
    let extra = hdu.whole("PCOUNT").unwrap_or(0);
    pixels.checked_add(extra)?.checked_mul(groups)?.checked_mul(hdu.pixel())
}
