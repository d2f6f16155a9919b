//! Archives: tar and zip, written entry by entry to something that cannot go back.
//!
//! Tar is POSIX ustar, with GNU long names where a name does not fit. Zip stores without compression and gives lengths
//! behind the bytes; without the 64-bit extensions, so that a file of 4 GiB or more, and more than 65535 entries, are
//! errors.

use std::io::{self, Read, Write};

/// Tar is made of blocks of this many bytes.
const BLOCK: u64 = 512;

/// Longest name and longest target of a link in a head of tar; longer ones go before it.
const NAME: usize = 100;

/// Zip's flags: lengths follow the bytes, names are UTF-8.
const ZIP_FLAGS: u16 = 0x0808;

/// The form of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// POSIX tar.
    Tar,
    /// Zip.
    Zip,
}

impl Format {
    /// By media type; none means tar.
    pub fn of(media_type: Option<&str>) -> Option<Format> {
        match media_type {
            None | Some("application/x-tar") => Some(Format::Tar),
            Some("application/zip") => Some(Format::Zip),
            Some(_) => None,
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Tar => "application/x-tar",
            Format::Zip => "application/zip",
        }
    }

    /// The usual end of its name.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Tar => "tar",
            Format::Zip => "zip",
        }
    }
}

/// An archive that is being written.
pub struct Archive<'a> {
    format: Format,
    out: &'a mut dyn Write,
    at: u64,
    /// Zip's list of contents, written at the end.
    directory: Vec<u8>,
    entries: u16,
}

impl std::fmt::Debug for Archive<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} of {} entries", self.format, self.entries)
    }
}

impl<'a> Archive<'a> {
    /// An archive of this form.
    pub fn new(format: Format, out: &'a mut dyn Write) -> Archive<'a> {
        Archive { format, out, at: 0, directory: Vec::new(), entries: 0 }
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.at += bytes.len() as u64;
        self.out.write_all(bytes)
    }

    /// A directory; `seconds` since 1970.
    pub fn directory(&mut self, path: &str, seconds: u64) -> io::Result<()> {
        let path = format!("{path}/");
        match self.format {
            Format::Tar => self.tar_header(&path, "", 0, seconds, b'5'),
            Format::Zip => self.zip_entry(&path, &mut io::empty(), 0),
        }
    }

    /// A symbolic link; zip has none.
    pub fn link(&mut self, path: &str, target: &str, seconds: u64) -> io::Result<()> {
        match self.format {
            Format::Tar => self.tar_header(path, target, 0, seconds, b'2'),
            Format::Zip => Ok(()),
        }
    }

    /// A file of exactly this length.
    pub fn file(&mut self, path: &str, length: u64, seconds: u64, mut content: impl Read) -> io::Result<()> {
        match self.format {
            Format::Zip => self.zip_entry(path, &mut content, length),
            Format::Tar => {
                self.tar_header(path, "", length, seconds, b'0')?;
                if io::copy(&mut content.take(length), self.out)? != length {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                let padding = length.next_multiple_of(BLOCK) - length;
                io::copy(&mut io::repeat(0).take(padding), self.out)?;
                Ok(())
            }
        }
    }

    /// The end of the archive.
    pub fn finish(mut self) -> io::Result<()> {
        match self.format {
            Format::Tar => self.put(&[0; 2 * BLOCK as usize]),
            Format::Zip => {
                let (start, size) = (narrow(self.at)?, narrow(self.directory.len() as u64)?);
                let directory = std::mem::take(&mut self.directory);
                self.put(&directory)?;
                let entries = self.entries.to_le_bytes();
                let end = [
                    b"PK\x05\x06\0\0\0\0".as_slice(),
                    &entries,
                    &entries,
                    &size.to_le_bytes(),
                    &start.to_le_bytes(),
                    &[0, 0],
                ];
                self.put(&end.concat())
            }
        }
    }

    fn tar_header(&mut self, path: &str, target: &str, length: u64, seconds: u64, kind: u8) -> io::Result<()> {
        for (text, kind) in [(target, b'K'), (path, b'L')] {
            if text.len() > NAME {
                self.tar_block("././@LongLink", "", text.len() as u64 + 1, seconds, kind)?;
                let mut long = text.as_bytes().to_vec();
                long.resize((long.len() as u64 + 1).next_multiple_of(BLOCK) as usize, 0);
                self.put(&long)?;
            }
        }
        self.tar_block(path, target, length, seconds, kind)
    }

    fn tar_block(&mut self, path: &str, target: &str, length: u64, seconds: u64, kind: u8) -> io::Result<()> {
        let mut block = [0; BLOCK as usize];
        let mut field = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
        field(0, &path.as_bytes()[..path.len().min(NAME)]);
        field(157, &target.as_bytes()[..target.len().min(NAME)]);
        field(100, if kind == b'5' { b"0000755\0" } else { b"0000644\0" });
        field(108, b"0000000\0");
        field(116, b"0000000\0");
        if length < 1 << 33 {
            field(124, format!("{length:011o}\0").as_bytes());
        } else {
            // GNU's form for large numbers.
            field(124, &[0x80]);
            field(128, &length.to_be_bytes());
        }
        field(136, format!("{:011o}\0", seconds & 0o77_777_777_777).as_bytes());
        field(148, b"        ");
        field(156, &[kind]);
        field(257, b"ustar\x0000");
        let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.put(&block)
    }

    fn zip_entry(&mut self, path: &str, content: &mut dyn Read, length: u64) -> io::Result<()> {
        let start = narrow(self.at)?;
        let size = narrow(length)?;
        let name_length = u16::try_from(path.len()).map_err(io::Error::other)?.to_le_bytes();
        // Version 2.0, stored, the first day that the format knows.
        let common =
            [&20_u16.to_le_bytes()[..], &ZIP_FLAGS.to_le_bytes(), &[0, 0], &[0, 0], &0x21_u16.to_le_bytes()].concat();
        self.put(&[b"PK\x03\x04".as_slice(), &common, &[0; 12], &name_length, &[0, 0], path.as_bytes()].concat())?;
        let mut sum = crc32fast::Hasher::new();
        let mut left = length;
        let mut buffer = vec![0; 64 << 10];
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let count = content.read(&mut buffer[..wanted])?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            sum.update(&buffer[..count]);
            self.put(&buffer[..count])?;
            left -= count as u64;
        }
        let sizes = [sum.finalize().to_le_bytes(), size.to_le_bytes(), size.to_le_bytes()].concat();
        self.put(&[b"PK\x07\x08".as_slice(), &sizes].concat())?;
        let entry = [
            b"PK\x01\x02".as_slice(),
            &20_u16.to_le_bytes(),
            &common,
            &sizes,
            &name_length,
            &[0; 12],
            &start.to_le_bytes(),
            path.as_bytes(),
        ];
        self.directory.extend_from_slice(&entry.concat());
        self.entries = self.entries.checked_add(1).ok_or_else(|| io::Error::other("too many entries for a zip"))?;
        Ok(())
    }
}

fn narrow(number: u64) -> io::Result<u32> {
    u32::try_from(number).map_err(|_| io::Error::other("too large for a zip without 64-bit extensions"))
}
