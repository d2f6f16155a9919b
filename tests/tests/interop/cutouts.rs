//! `vcp` of parts of FITS files.

use std::fs;
use std::path::{Path, PathBuf};

use vofs_tests::Python;
use vofs_tests::process::{binary, run};

use crate::bench::{Bench, judged};

judged! {
    vault: pixels, sky, headers, into_a_directory, wildcard, blanks_are_refused, not_a_fits_file, outside;
    cavern: refused;
}

/// One of the images of `vospaced sample`, in the service as `x.fits`.
fn image(bench: &Bench<'_>) -> PathBuf {
    let samples = bench.local("samples");
    run(std::process::Command::new(binary("vospaced")).arg("sample").arg(&samples)).ok();
    let mut files: Vec<PathBuf> = fs::read_dir(&samples).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let file = files.into_iter().find(|file| file.to_string_lossy().contains("star")).expect("a star field");
    bench.put("x.fits", fs::read(&file).unwrap());
    file
}

/// Asks astropy about a cut-out and the image that it is of.
fn ask(script: &str, cut: &Path, whole: &Path) -> String {
    Python::find().script(script, &[cut, whole]).stdout()
}

const SAME: &str = "\
import sys
from astropy.io import fits
cut, whole = fits.open(sys.argv[1]), fits.open(sys.argv[2])
part = [hdu for hdu in cut if hdu.data is not None][0].data
print(part.shape, (part == whole[0].data[0:100, 0:50]).all())
";

fn pixels(bench: &Bench<'_>) {
    let whole = image(bench);
    for (name, cut) in [("x.fits[0][1:50,1:100]", "a"), ("x.fits[1:50,1:100]", "b")] {
        let to = bench.local(cut);
        bench.run("vcp", &[&bench.uri(name), to.to_str().unwrap()]).ok();
        assert_eq!(ask(SAME, &to, &whole), "(100, 50) True\n", "{name}");
    }
}

const CENTRE: &str = "\
import sys
from astropy.io import fits
from astropy.wcs import WCS
whole = fits.open(sys.argv[2])[0]
print(*WCS(whole.header).all_pix2world(whole.shape[1] / 2, whole.shape[0] / 2, 1))
";

const INSIDE: &str = "\
import sys
from astropy.io import fits
from astropy.wcs import WCS
cut, whole = fits.open(sys.argv[1]), fits.open(sys.argv[2])[0]
part = [hdu for hdu in cut if hdu.data is not None][0]
assert part.shape < whole.shape, part.shape
ra, dec = WCS(whole.header).all_pix2world(whole.shape[1] / 2, whole.shape[0] / 2, 1)
x, y = WCS(part.header).all_world2pix(ra, dec, 1)
print(0 < x < part.shape[1] and 0 < y < part.shape[0])
";

fn sky(bench: &Bench<'_>) {
    let whole = image(bench);
    let centre = ask(CENTRE, &whole, &whole);
    let (ra, dec) = centre.trim().split_once(' ').unwrap();
    let to = bench.local("cut.fits");
    bench.run("vcp", &[&bench.uri(&format!("x.fits({ra},{dec},0.005)")), to.to_str().unwrap()]).ok();
    assert_eq!(ask(INSIDE, &to, &whole), "True\n");
}

fn headers(bench: &Bench<'_>) {
    image(bench);
    let to = bench.local("head.txt");
    bench.run("vcp", &["--head", &bench.uri("x.fits"), to.to_str().unwrap()]).ok();
    let text = fs::read_to_string(to).unwrap();
    assert!(text.starts_with("SIMPLE  =                    T") && text.contains("NAXIS1"), "{text}");
}

fn into_a_directory(bench: &Bench<'_>) {
    image(bench);
    let to = bench.local("to");
    fs::create_dir(&to).unwrap();
    bench.run("vcp", &[&bench.uri("x.fits[0]"), to.to_str().unwrap()]).ok();
    let names: Vec<_> = fs::read_dir(&to).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["x.fits[0]"], "the cut-out is part of the name");
}

fn wildcard(bench: &Bench<'_>) {
    image(bench);
    let to = bench.local("to");
    fs::create_dir(&to).unwrap();
    bench.run("vcp", &[&bench.uri("*.fits[0]"), to.to_str().unwrap()]).ok();
    assert_eq!(fs::read_dir(&to).unwrap().count(), 1);
    // With a position it matches nothing, and the status is 0.
    bench.run("vcp", &[&bench.uri("*.fits(10,10,1)"), to.to_str().unwrap()]).ok();
    assert_eq!(fs::read_dir(&to).unwrap().count(), 1);
}

fn blanks_are_refused(bench: &Bench<'_>) {
    image(bench);
    let to = bench.local("to");
    bench
        .run("vcp", &[&bench.uri("x.fits(10, 10, 1)"), to.to_str().unwrap()])
        .fails_with(22, &["ERROR:: [Errno 22] Illegal vospace container name: "]);
    bench.run("vcp", &[&bench.full("x.fits[0]"), to.to_str().unwrap()]).fails_with(244, &["ERROR:: [Errno 500] "]);
}

fn not_a_fits_file(bench: &Bench<'_>) {
    bench.put("t.txt", "no image");
    let to = bench.local("to");
    let failed = bench.run("vcp", &[&bench.uri("t.txt[0]"), to.to_str().unwrap()]);
    assert_ne!(failed.status, 0, "{}", failed.stderr);
    assert!(!to.exists());
}

fn outside(bench: &Bench<'_>) {
    image(bench);
    let to = bench.local("to");
    let failed = bench.run("vcp", &[&bench.uri("x.fits[99]"), to.to_str().unwrap()]);
    assert_ne!(failed.status, 0, "{}", failed.stderr);
    assert!(!to.exists());
}

fn refused(bench: &Bench<'_>) {
    bench.put("x.fits", vec![0; 2880]);
    let to = bench.local("to");
    let text = "ERROR:: cavern/arc service does not support cutouts or header operations";
    bench.run("vcp", &[&bench.uri("x.fits[1:10,1:10]"), to.to_str().unwrap()]).fails_with(255, &[text]);
    bench.run("vcp", &["--head", &bench.uri("x.fits"), to.to_str().unwrap()]).fails_with(255, &[text]);
}
