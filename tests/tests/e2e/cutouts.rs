//! `--head` and cut-outs of `vcp` and `vcat`: the service cuts, astropy judges.

use std::fs;

use vofs_tests::process::run;
use vofs_tests::{Profile, Python, World, every_profile};

every_profile!(
    pixels_are_those_of_the_whole_file,
    a_circle_is_cut_by_the_coordinates_of_the_image,
    headers_come_as_text_and_replace_no_image,
    a_service_that_cuts_nothing_says_so_and_leaves_nothing,
);

/// The sample images at the service of `world`, below `fits`.
fn with_images(profile: Profile) -> World {
    let world = World::new(profile);
    run(world.command("vospaced").arg("sample").arg(world.local("fits"))).ok();
    world.vospace(&["cp", "fits", &world.uri("fits")]).ok();
    world
}

/// Compares the pixels of a cut-out with those of the whole file.
const SAME_PIXELS: &str = r"
import sys
import numpy
from astropy.io import fits
part, whole = fits.open(sys.argv[1]), fits.open(sys.argv[2])
[image] = [hdu for hdu in part if hdu.data is not None]
assert numpy.array_equal(image.data, whole[0].data[2:12, 4:24]), image.data.shape
";

fn pixels_are_those_of_the_whole_file(profile: Profile) {
    let world = with_images(profile);
    let image = world.uri("fits/starfield.fits");
    // Into a directory, under a name that no other part has; several parts at once; blanks as the guides write them.
    world.vospace(&["cp", &format!("{image}[5:24,3:12]"), &format!("{image}[5:24, 4:12]"), "."]).ok();
    let part = world.local("starfield.fits[5:24,3:12]");
    Python::find().script(SAME_PIXELS, &[&part, &world.local("fits/starfield.fits")]);
    assert!(world.local("starfield.fits[5:24,4:12]").exists());
    // A wildcard before the brackets, and a name of one's own.
    world.vospace(&["cp", &world.uri("fits/star*.fits[5:24,3:12]"), "part.fits"]).ok();
    assert_eq!(fs::read(world.local("part.fits")).unwrap(), fs::read(&part).unwrap());
    world.vospace(&["cp", &format!("{image}[9000:9001,1:2]"), "none.fits"]).fails_with(1, &["starfield.fits"]);
    assert!(!world.local("none.fits").exists());
    world.vospace(&["cp", &format!("{}[1:2,1:2]", world.uri("fits")), "x"]).fails_with(1, &["is a container"]);
}

fn a_circle_is_cut_by_the_coordinates_of_the_image(profile: Profile) {
    let world = with_images(profile);
    let image = world.uri("fits/starfield.fits");
    let header = world.vospace(&["cat", "--head", &image]).ok().stdout();
    let value = |key: &str| -> f64 {
        let card = header.lines().find(|line| line.starts_with(key)).unwrap();
        card.split(['=', '/']).nth(1).unwrap().trim().parse().unwrap()
    };
    let centre = format!("{image}( {}, {}, 0.01 )", value("CRVAL1"), value("CRVAL2"));
    world.vospace(&["cp", &centre, "circle.fits"]).ok();
    let length = fs::metadata(world.local("circle.fits")).unwrap().len();
    assert!(length > 0 && length < fs::metadata(world.local("fits/starfield.fits")).unwrap().len());
    world.vospace(&["cp", &format!("{image}(200,-80,0.01)"), "far.fits"]).fails_with(1, &["starfield.fits"]);
}

fn headers_come_as_text_and_replace_no_image(profile: Profile) {
    let world = with_images(profile);
    let image = world.uri("fits/multi.fits");
    let printed = world.vospace(&["cat", "--head", &image]).ok().stdout();
    assert!(printed.contains("SIMPLE  =") && printed.contains("XTENSION="), "{printed}");
    world.vospace(&["cp", "--head", &image, "multi.hdr"]).ok();
    assert_eq!(fs::read_to_string(world.local("multi.hdr")).unwrap(), printed);
    world.vospace(&["cp", "--head", &image, "multi.hdr"]).ok();
    let before = fs::read(world.local("fits/multi.fits")).unwrap();
    world.vospace(&["cp", "--head", &image, "fits"]).fails_with(1, &["fits/multi.fits", "another name"]);
    assert_eq!(fs::read(world.local("fits/multi.fits")).unwrap(), before);
    world.put("notes.txt", "no FITS");
    world.vospace(&["cat", "--head", &world.uri("notes.txt")]).fails_with(1, &["notes.txt"]);
}

fn a_service_that_cuts_nothing_says_so_and_leaves_nothing(profile: Profile) {
    let world = with_images(profile);
    let image = world.uri("fits/starfield.fits");
    let told = |line: &[&str]| match world.vospace(line) {
        cut if profile.cuts_out() => cut.ok(),
        refused => refused.fails_with(1, &["cuts nothing out of files", "copy the whole file"]),
    };
    told(&["cp", &format!("{image}[5:24,3:12]"), "part.fits"]);
    assert_eq!(world.local("part.fits").exists(), profile.cuts_out());
    assert_eq!(told(&["cat", "--head", &image]).stdout().is_empty(), !profile.cuts_out());
    // By no coordinates of this image there is nothing, and that is not said in the words of a service without cut-outs.
    let outside = world.vospace(&["cp", &format!("{image}(10,-89,0.1)"), "none.fits"]);
    assert_eq!(outside.stderr.contains("cuts nothing out of files"), !profile.cuts_out(), "{}", outside.stderr);
    assert!(outside.status == 1 && !world.local("none.fits").exists());
}
