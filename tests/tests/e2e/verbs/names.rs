//! Which names a file can have, and that a name which is taken becomes no other.

use std::fs;

use vofs_tests::World;
use vofs_tests::matrix::Area;

use super::{done, told};

/// One character, or one word, for each way in which services were seen to differ.
const NAMES: [&str; 26] = [
    "a.b-c_d", "a~b", "a!b", "a*b", "a(b)", "a+b", "a=b", "a,b", "a;b", "a:b", "a&b", "a@b", "a$b", "a'b", "é", "日本",
    "a b", "a#b", "a?b", "a%41", "a[1]", "a{b}", "a^b", "a\\b", ".hidden", "-dash",
];

pub(super) fn characters(world: &World, area: &mut Area<'_>) {
    // What a name would be taken for that is cut or decoded twice.
    for precious in ["a", "aA"] {
        world.put(precious, b"precious");
    }
    for (at, name) in NAMES.into_iter().enumerate() {
        let shown = name.replace('\\', "\\\\").replace('*', "\\*");
        area.verb(format!("a file called {shown}"), || {
            let text = format!("file {at}");
            fs::write(world.local("f"), &text).unwrap();
            told(world, &["cp", "f", &world.uri(name)])?;
            // Found again by its name, and listed under it.
            let back = told(world, &["cat", &world.uri(&name.replace('*', "[*]"))])?;
            let listed = told(world, &["ls", &world.uri("")])?;
            done(back == text && listed.lines().any(|line| line == name), &format!("{back}, {listed}"))
        });
    }
    assert_eq!(world.vospace(&["cat", &world.uri("a"), &world.uri("aA")]).ok().stdout(), "preciousprecious");
}
