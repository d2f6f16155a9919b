//! What goes wrong meanwhile: remounts, kills, a bad link, a service that ends, other clients that change files.
//!
//! Every trouble has a beginning and an end; an error of a reader is expected when its operation overlaps one.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use vofs_tests::{Mount, Profile};

use crate::Place;
use crate::content::Changing;

/// Pauses between two troubles, in seconds.
const PAUSE: std::ops::Range<u64> = 5..25;

/// How long a bad link lasts, in seconds.
const FAULT: std::ops::Range<u64> = 3..15;

/// A trouble still shows for so long after its end: retries, and kernels that look again.
const AFTERMATH: Duration = Duration::from_secs(3);

/// When there was trouble.
#[derive(Debug, Default)]
pub(crate) struct Troubles(Mutex<Vec<(Instant, Option<Instant>)>>);

impl Troubles {
    fn begin(&self) -> usize {
        let mut all = self.0.lock().unwrap();
        all.push((Instant::now(), None));
        all.len() - 1
    }

    fn end(&self, number: usize) {
        self.0.lock().unwrap()[number].1 = Some(Instant::now() + AFTERMATH);
    }

    /// Whether there was any from `since` to now.
    pub(crate) fn overlap(&self, since: Instant) -> bool {
        self.0.lock().unwrap().iter().any(|(_, end)| end.is_none_or(|end| end >= since))
    }
}

/// Makes trouble until the run is over, then unmounts in order.
pub(crate) fn run(place: &Arc<Place>, mount: Mount, cache_mib: u64, seed: u64) {
    let changer = Arc::clone(place);
    let changes = thread::spawn(move || change(&changer, seed + 1));
    let mut random = fastrand::Rng::with_seed(seed);
    let mut mount = Some(mount);
    let again = |place: &Place| crate::mount(&place.world.read().unwrap(), cache_mib);
    while !place.is_over() {
        place.rest(Duration::from_secs(random.u64(PAUSE)));
        let pid = mount.as_ref().unwrap().pid();
        place.tally.measure_memory(pid);
        if place.is_over() {
            break;
        }
        match random.u32(0..10) {
            0 | 1 => {
                place.tally.trouble("remounted");
                let _held = place.alone();
                mount.take().unwrap().unmount();
                mount = Some(again(place));
            }
            2 => {
                place.tally.trouble("mount killed");
                let number = place.troubles.begin();
                mount.take().unwrap().kill();
                mount = Some(again(place));
                place.troubles.end(number);
            }
            3 => {
                place.tally.trouble("service killed");
                let number = place.troubles.begin();
                {
                    let mut world = place.world.write().unwrap();
                    world.server.kill();
                    thread::sleep(Duration::from_secs(random.u64(0..8)));
                    world.server.resume();
                }
                place.troubles.end(number);
            }
            _ => {
                let number = place.troubles.begin();
                let (kind, rule) = fault(place.profile, &mut random);
                place.tally.trouble(kind);
                place.world.read().unwrap().server.fault(&rule);
                place.rest(Duration::from_secs(random.u64(FAULT)));
                place.world.read().unwrap().server.heal();
                place.troubles.end(number);
            }
        }
    }
    changes.join().unwrap();
    let _held = place.alone();
    let mount = mount.unwrap();
    place.tally.measure_memory(mount.pid());
    mount.unmount();
}

/// One way in which the link or the service is bad.
fn fault(profile: Profile, random: &mut fastrand::Rng) -> (&'static str, String) {
    let bytes = if profile == Profile::Vault { "/minoc/" } else { "/arc/files/" };
    let nodes = format!("/{}/nodes/", profile.service());
    // An answer keeps its rate when the rule is gone, and where ranges are ignored one answer is a file of 2 GiB.
    let rate = if profile == Profile::Cavern { 20_000_000 } else { 2_000_000 };
    let cut = random.u64(1..3_000_000);
    match random.u32(0..7) {
        0 => ("bytes cut", format!(r#"{{"path": "{bytes}", "probability": 0.3, "cut_after": {cut}}}"#)),
        1 => ("bytes stalled", format!(r#"{{"path": "{bytes}", "probability": 0.2, "stall_after": {cut}}}"#)),
        2 => ("bytes refused", format!(r#"{{"path": "{bytes}", "probability": 0.5, "status": 503}}"#)),
        3 => ("nodes refused", format!(r#"{{"path": "{nodes}", "probability": 0.5, "status": 500}}"#)),
        4 => ("slow link", format!(r#"{{"path": "{bytes}", "bytes_per_second": {rate}}}"#)),
        5 => ("far service", r#"{"delay_ms": 150}"#.to_owned()),
        _ => ("answers lost", format!(r#"{{"path": "{bytes}", "probability": 0.3, "lose_answer": true}}"#)),
    }
}

/// Another client replaces files.
fn change(place: &Place, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    while !place.is_over() {
        place.rest(Duration::from_secs(random.u64(1..10)));
        let number = random.usize(0..Changing::COUNT);
        let sent = place.changing.replace(&place.world.read().unwrap(), number);
        place.tally.trouble(if sent { "files replaced" } else { "replacements refused" });
    }
}
