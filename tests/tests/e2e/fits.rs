//! FITS through the mount, by astropy: the files that its own wheel ships, read and written as an astronomer does.

use std::fs;
use std::path::{Path, PathBuf};

use vofs_tests::{Profile, Python, World, every_profile};

every_profile!(astropy_reads_its_own_files, astropy_writes_what_it_would_write_locally);

/// The FITS files of the wheel, by name.
fn wheel(python: &Python) -> Vec<PathBuf> {
    let directory = python.package("astropy").join("io/fits/tests/data");
    let mut files: Vec<PathBuf> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "fits"))
        .collect();
    files.sort();
    assert!(files.len() >= 20, "only {} FITS files in {}", files.len(), directory.display());
    files
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

/// Opens each file of the second directory beside its twin in the first, and compares headers and data.
const COMPARE: &str = r#"
import os, sys
from astropy.io import fits
local, mounted = sys.argv[1:3]
seen = 0
for name in sorted(os.listdir(mounted)):
    for memmap in (False, True):
        with fits.open(os.path.join(local, name), memmap=memmap, ignore_missing_simple=True) as a, \
             fits.open(os.path.join(mounted, name), memmap=memmap, ignore_missing_simple=True) as b:
            assert len(a) == len(b), name
            for x, y in zip(a, b):
                assert repr(x.header) == repr(y.header), name
            try:
                difference = fits.FITSDiff(a, b)
            except Exception as error:
                # A file made to be broken: then both are broken in the same way, which the bytes show.
                continue
            assert difference.identical, name + difference.report()
    seen += 1
print(seen)
"#;

fn astropy_reads_its_own_files(profile: Profile) {
    let python = Python::find();
    let world = World::new(profile);
    let files = wheel(&python);
    let mount = world.mount();
    fs::create_dir(mount.join("fits")).unwrap();
    let local = world.local("fits");
    fs::create_dir(&local).unwrap();
    for file in &files {
        fs::copy(file, mount.join("fits").join(name(file))).unwrap();
        fs::copy(file, local.join(name(file))).unwrap();
    }
    // Cold: what is read comes from the service and not from the copy just made.
    mount.unmount();
    let mount = world.mounting().cache(&world.path("cold")).start();
    let seen = python.script(COMPARE, &[&local, &mount.join("fits")]).stdout();
    assert_eq!(seen.trim(), files.len().to_string());
    for file in &files {
        let there = world.bytes(&format!("fits/{}", name(file))).unwrap();
        assert!(there == fs::read(file).unwrap(), "{} differs at the service", name(file));
        assert!(there == fs::read(mount.join("fits").join(name(file))).unwrap(), "{} differs in the mount", name(file));
    }
}

/// Writes and changes the same files, in the same ways, in the directory it is given.
const WRITE: &str = r#"
import os, sys
import numpy as np
from astropy.io import fits
from astropy.table import Table
os.chdir(sys.argv[1])
image = np.arange(300 * 200, dtype='>f4').reshape(200, 300)

hdus = fits.HDUList([fits.PrimaryHDU(image), fits.ImageHDU(image.astype('>i2'), name='SECOND')])
hdus.writeto('new.fits')
hdus.writeto('twice.fits')
hdus.writeto('twice.fits', overwrite=True)

with fits.open('new.fits', mode='update') as f:      # in place: a header card and some pixels
    f[0].header['OBJECT'] = 'M31'
    f[0].data[10:20, 10:20] = -1
with fits.open('new.fits', mode='update') as f:      # grows: an extension and many cards, the file is rewritten
    for i in range(60):
        f['SECOND'].header['KEY%d' % i] = i
    f.append(fits.ImageHDU(image[:50], name='THIRD'))
with fits.open('new.fits', mode='append') as f:      # appended to
    f.append(fits.ImageHDU(image[50:60], name='FOURTH'))
fits.setval('new.fits', 'OBSERVER', value='Hubble')

table = Table({'id': np.arange(1000), 'flux': np.linspace(0, 1, 1000)})
table.write('table.fits')
table['flux'] *= 2
table.write('table.fits', overwrite=True)
with fits.open('table.fits', mode='update', memmap=True) as f:
    f[1].data['id'][5] = 4242
fits.CompImageHDU(image.astype('>i4'), compression_type='RICE_1').writeto('compressed.fits')
"#;

fn astropy_writes_what_it_would_write_locally(profile: Profile) {
    let python = Python::find();
    let world = World::new(profile);
    let local = world.local("written");
    fs::create_dir(&local).unwrap();
    let mount = world.mounting().renaming().start();
    let mounted = mount.join("written");
    fs::create_dir(&mounted).unwrap();
    python.script(WRITE, &[&local]);
    python.script(WRITE, &[&mounted]);

    let mut names: Vec<_> = fs::read_dir(&local).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let mut there: Vec<_> = fs::read_dir(&mounted).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    there.sort();
    assert_eq!(names, there);
    for name in names {
        let name = name.to_str().unwrap();
        let expected = fs::read(local.join(name)).unwrap();
        assert!(fs::read(mounted.join(name)).unwrap() == expected, "{name} differs in the mount");
        assert!(world.bytes(&format!("written/{name}")).unwrap() == expected, "{name} differs at the service");
    }
}
