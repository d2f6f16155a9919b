//! What programs do on the mount that are not made for it.

use std::fs;
use std::process::Command;
use std::time::{Duration, SystemTime};

use vofs_tests::matrix::{Area, Found};
use vofs_tests::process::{Finished, run};
use vofs_tests::{Python, World};

use super::done;

fn ended(finished: Finished) -> Result<String, String> {
    let last = finished.stderr.lines().last().unwrap_or_default().to_owned();
    if finished.status == 0 { Ok(finished.stdout()) } else { Err(format!("status {}: {last}", finished.status)) }
}

const FITS: &str = "
import sys
from astropy.io import fits
with fits.open(sys.argv[1]) as opened:
    print(opened[0].data.shape, float(opened[0].data.sum()) != 0)
fits.setval(sys.argv[1], 'OBSERVER', value='vofs')
print(fits.getval(sys.argv[1], 'OBSERVER'))
";

pub(super) fn all(world: &World, area: &mut Area<'_>) {
    for (name, text) in [("tree/a.txt", "one"), ("tree/sub/b.txt", "two"), ("tree/sub/empty", "")] {
        let file = fs::File::options().write(true).open(world.local_file(name, text)).unwrap();
        // Not of this second: a service that sets its own dates would keep them by chance.
        file.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
    }
    run(world.command("vospaced").arg("sample").arg(world.local("samples"))).ok();
    let mount = world.mounting().renaming().start();
    let emulated = if world.server.profile.moves_files() { "" } else { "with --emulate-rename" };
    let renamed = |found: Found| found.map(|_| emulated.to_owned());
    let tree = world.local("tree");
    let rsync = || ended(run(Command::new("rsync").arg("-ai").arg(&tree).arg(mount.join(""))));
    let same = |there: &str| run(Command::new("diff").arg("-r").arg(&tree).arg(mount.join(there))).status == 0;
    area.verb("rsync -a", || {
        rsync()?;
        renamed(done(same("tree") && world.bytes("tree/sub/b.txt").as_deref() == Some(b"two"), "rsync"))
    });
    area.verb("rsync -a again sends no file", || {
        let told = rsync()?;
        done(!told.lines().any(|line| line.starts_with(">f")), &told)
    });
    area.verb("cp -r", || {
        ended(run(Command::new("cp").arg("-r").arg(&tree).arg(mount.join("copied"))))?;
        done(same("copied"), "cp -r")
    });
    area.verb("mv of a tree (a directory, or its files)", || {
        ended(run(Command::new("mv").arg(mount.join("copied")).arg(mount.join("moved"))))?;
        done(same("moved") && !world.exists("copied"), "mv")
    });
    area.verb("mv of a file", || {
        ended(run(Command::new("mv").arg(mount.join("moved/a.txt")).arg(mount.join("moved/z.txt"))))?;
        renamed(done(world.bytes("moved/z.txt").as_deref() == Some(b"one") && !world.exists("moved/a.txt"), "mv"))
    });
    area.verb("tar", || {
        let packed = world.local("packed.tar");
        ended(run(Command::new("tar").arg("-cf").arg(&packed).arg("-C").arg(mount.path()).arg("tree")))?;
        let listed = ended(run(Command::new("tar").arg("-tf").arg(&packed)))?;
        done(listed.lines().count() == 5, &listed)
    });
    area.verb("grep -r", || {
        let told = ended(run(Command::new("grep").arg("-rl").arg("two").arg(mount.join("tree"))))?;
        done(told.lines().count() == 1, &told)
    });
    area.verb("sed -i", || renamed(sed(world, &mount)));
    area.verb("astropy reads and changes a FITS file", || {
        fs::copy(world.local("samples/starfield.fits"), mount.join("x.fits")).map_err(|error| error.to_string())?;
        let told = Python::find().script(FITS, &[&mount.join("x.fits")]).stdout();
        done(told.contains("True") && told.contains("vofs"), &told)
    });
    mount.unmount();
}

/// What many editors do too: a new file beside the old one, then a rename onto it.
fn sed(world: &World, mount: &vofs_tests::Mount) -> Found {
    ended(run(Command::new("sed").args(["-i", "s/one/ONE/"]).arg(mount.join("tree/a.txt"))))?;
    done(world.bytes("tree/a.txt").as_deref() == Some(b"ONE"), "sed -i")
}
