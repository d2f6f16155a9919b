//! Programs that open one file of a directory after another: what will they open next?
//!
//! Three files in a row that stand close together in an order of the directory make a **sweep**: the byte order of
//! shells and `sorted()`, that of a language, that of the listing (which a Cavern gives unsorted), or any backwards. If all have one extension, only files with that are
//! meant. Each further file that fits names those to be looked into ahead; how many doubles when the program had to
//! wait, and one that does not fit ends the sweep. Nothing is ever named without a program opening a file.
//!
//! A program that went through one directory to its end and opens the first file of another is on a **walk** (`tar c`, a
//! build): there the sweep goes on with that file, in the same order and as far ahead.

use std::collections::VecDeque;
use std::num::NonZeroUsize;

use lru::LruCache;
use parking_lot::Mutex;

use crate::path::NodePath;

use super::window::FIRST;

/// Directories in which programs are followed at a time.
const DIRECTORIES: NonZeroUsize = NonZeroUsize::new(16).expect("invariant: not zero");

/// Files that make a sweep.
const RUN: usize = 3;

/// Places between the first and the last of these, and places that a sweep may skip: a program that takes only some of
/// the files, or several programs that share them.
const SPREAD: usize = 8;

/// So far behind the furthest file one may be opened without ending the sweep: again, or by a slower one of several
/// programs.
const BEHIND: usize = 64;

/// Files looked into ahead, at first and at most. Thirty-two in the air hide 40 ms of each file down to one.
const DEPTH: (usize, usize) = (4, 32);

/// Names kept of a large directory; behind the last of them the sweep is recognised anew.
const NAMES: usize = 10_000;

/// Most of a file that is fetched before anybody opens it: what `file` reads.
const LARGEST_PIECE: u64 = 1024 * 1024;

/// What programs open, by directory.
#[derive(Debug)]
pub(crate) struct Sweeps(Mutex<State>);

#[derive(Debug)]
struct State {
    courses: LruCache<NodePath, Course>,
    /// How a sweep went that came to its end with the last opening of all.
    ended: Option<Manner>,
}

/// One directory.
#[derive(Debug)]
struct Course {
    /// Opened last, while there is no sweep.
    latest: VecDeque<String>,
    /// Files to be opened before the next attempt to see an order in them: it doubles, for it costs a look at all names.
    patience: usize,
    opened: usize,
    sweep: Option<Sweep>,
    /// Bytes that programs read of each file.
    piece: u64,
}

#[derive(Debug)]
struct Sweep {
    names: Vec<String>,
    /// The furthest file that was opened.
    at: usize,
    /// The next that was not named yet.
    next: usize,
    manner: Manner,
}

/// How a program goes through a directory.
#[derive(Debug, Clone)]
struct Manner {
    order: Order,
    is_backwards: bool,
    /// The extension that all files have which are meant, if only those are.
    kind: Option<String>,
    /// How many files are looked into ahead.
    depth: usize,
}

/// An order in which a program may go through the names of a directory.
#[derive(Debug, Clone, Copy)]
enum Order {
    /// By bytes.
    Sorted,
    /// As a language sorts.
    Spoken,
    /// As they were listed.
    Listed,
}

impl Order {
    const ALL: [Order; 3] = [Order::Sorted, Order::Spoken, Order::Listed];

    /// `names`, which come as they were listed, in this order.
    fn of(self, mut names: Vec<String>) -> Vec<String> {
        match self {
            Order::Sorted => names.sort_unstable(),
            Order::Spoken => names.sort_by_cached_key(|name| collated(name)),
            Order::Listed => {}
        }
        names
    }
}

impl Default for Sweeps {
    fn default() -> Self {
        Sweeps(Mutex::new(State { courses: LruCache::new(DIRECTORIES), ended: None }))
    }
}

impl Default for Course {
    fn default() -> Self {
        Course { latest: VecDeque::new(), patience: RUN, opened: 0, sweep: None, piece: FIRST }
    }
}

impl Sweeps {
    /// A program opens `name` in `directory`; `waits` when nobody has looked into it yet. `names` gives the files of the
    /// directory as they were listed. Returns those to look into now, and how many bytes of each.
    pub(crate) fn opened(
        &self,
        directory: &NodePath,
        name: &str,
        waits: bool,
        names: impl Fn() -> Vec<String>,
    ) -> (Vec<String>, u64) {
        let mut state = self.0.lock();
        let State { courses, ended } = &mut *state;
        let walk = ended.take();
        let course = courses.get_or_insert_mut(directory.clone(), Course::default);
        let next = course.opened(name, waits, walk, names);
        *ended = course.sweep.as_ref().filter(|sweep| sweep.is_at_its_end()).map(|sweep| sweep.manner.clone());
        (next, course.piece)
    }

    /// A file of `directory` was closed; it was read up to `extent`.
    pub(crate) fn closed(&self, directory: &NodePath, extent: u64) {
        if let Some(course) = self.0.lock().courses.get_mut(directory) {
            course.piece = extent.next_multiple_of(FIRST).clamp(FIRST, LARGEST_PIECE);
        }
    }
}

impl Course {
    fn opened(
        &mut self,
        name: &str,
        waits: bool,
        walk: Option<Manner>,
        names: impl Fn() -> Vec<String>,
    ) -> Vec<String> {
        if let Some(sweep) = &mut self.sweep {
            if sweep.follow(name, waits) {
                return sweep.name_next();
            }
            *self = Course { piece: self.piece, ..Course::default() };
        }
        if self.latest.back().is_some_and(|last| last == name) {
            return Vec::new();
        }
        if self.latest.is_empty() {
            self.sweep = walk.and_then(|walk| Sweep::goes_on(names(), name, walk));
            if let Some(sweep) = &mut self.sweep {
                return sweep.name_next();
            }
        }
        self.latest.push_back(name.to_owned());
        if self.latest.len() > RUN {
            self.latest.pop_front();
        }
        self.opened += 1;
        if self.opened < self.patience {
            return Vec::new();
        }
        self.opened = 0;
        self.patience *= 2;
        self.sweep = Sweep::recognise(names(), self.latest.make_contiguous());
        match &mut self.sweep {
            Some(sweep) => sweep.name_next(),
            None => Vec::new(),
        }
    }
}

impl Sweep {
    /// The order of `names`, which come as they were listed, in which those opened last stand close together.
    fn recognise(mut names: Vec<String>, latest: &[String]) -> Option<Self> {
        let [first, .., last] = latest else { return None };
        let kind = extension(first);
        let kind = latest.iter().all(|name| extension(name) == kind).then(|| kind.to_owned());
        keep_kind(&mut names, kind.as_deref());
        let orders = Order::ALL.map(|order| order.of(names.clone()));
        let runs = orders.each_ref().map(|names| Run::of(names, latest));
        // One after another in one of them, or else close together at least: several programs share the files.
        let steady = runs.iter().position(|run| run.is_some_and(|run| run.is_steady));
        let chosen = steady.or_else(|| runs.iter().position(Option::is_some))?;
        let is_backwards = runs[chosen]?.is_backwards;
        let manner = Manner { order: Order::ALL[chosen], is_backwards, kind, depth: DEPTH.0 };
        Self::from(orders.into_iter().nth(chosen)?, last, manner)
    }

    /// A walk comes to another directory: `first` is the file with which it begins there, if it does so in the same manner.
    fn goes_on(mut names: Vec<String>, first: &str, manner: Manner) -> Option<Self> {
        keep_kind(&mut names, manner.kind.as_deref());
        let all = names.len();
        Self::from(manner.order.of(names), first, manner).filter(|sweep| sweep.names.len() == all.min(NAMES))
    }

    /// What comes from `name` on, of `names` in the order of `manner`.
    fn from(mut names: Vec<String>, name: &str, manner: Manner) -> Option<Self> {
        if manner.is_backwards {
            names.reverse();
        }
        let at = names.iter().position(|other| other == name)?;
        let mut names = names.split_off(at);
        names.truncate(NAMES);
        Some(Sweep { names, at: 0, next: 1, manner })
    }

    fn is_at_its_end(&self) -> bool {
        self.at + 1 == self.names.len() && self.names.len() < NAMES
    }

    /// A file was opened; false when it is not of this sweep.
    fn follow(&mut self, name: &str, waits: bool) -> bool {
        let near = self.at.saturating_sub(BEHIND)..self.names.len().min(self.at + self.manner.depth + SPREAD);
        let Some(place) = near.clone().find(|place| self.names[*place] == name) else { return false };
        // One that was opened before tells nothing of the pace.
        if waits && place > self.at {
            self.manner.depth = (self.manner.depth * 2).min(DEPTH.1);
        }
        self.at = self.at.max(place);
        place < self.names.len() - 1 || self.names.len() < NAMES
    }

    fn name_next(&mut self) -> Vec<String> {
        let end = self.names.len().min(self.at + 1 + self.manner.depth);
        let start = self.next.max(self.at + 1).min(end);
        self.next = end.max(self.next);
        self.names[start..end].to_vec()
    }
}

fn keep_kind(names: &mut Vec<String>, kind: Option<&str>) {
    if let Some(kind) = kind {
        names.retain(|name| extension(name) == kind);
    }
}

fn extension(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

/// How the files that were opened last stand in an order of all.
#[derive(Debug, Clone, Copy)]
struct Run {
    is_steady: bool,
    is_backwards: bool,
}

impl Run {
    /// `None` where they do not stand close together.
    fn of(names: &[String], latest: &[String]) -> Option<Self> {
        let place = |opened: &String| names.iter().position(|name| name == opened);
        let places = latest.iter().map(place).collect::<Option<Vec<usize>>>()?;
        if places.iter().max()? - places.iter().min()? > SPREAD {
            return None;
        }
        let is_steady = places.is_sorted() || places.iter().rev().is_sorted();
        Some(Run { is_steady, is_backwards: places.first() > places.last() })
    }
}

/// Names in the order that shells and `ls` show in most languages: signs, digits, letters, without regard to case. Near
/// enough to recognise it by.
fn collated(name: &str) -> (Vec<(u8, char)>, String) {
    let rank = |letter: char| match letter {
        '_' => 0,
        '-' => 1,
        letter if letter.is_numeric() => 3,
        letter if letter.is_alphabetic() => 4,
        _ => 2,
    };
    (name.chars().flat_map(char::to_lowercase).map(|letter| (rank(letter), letter)).collect(), name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> NodePath {
        NodePath::new("d")
    }

    /// Opens files one after another; what was named ahead of each, in order.
    fn open(sweeps: &Sweeps, names: &[String], order: &[String]) -> Vec<Vec<String>> {
        order.iter().map(|name| sweeps.opened(&directory(), name, true, || names.to_vec()).0).collect()
    }

    fn files(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("f{number:04}.fits")).collect()
    }

    #[test]
    fn the_files_to_come_are_named_once_each_and_more_of_them_for_a_reader_that_waits() {
        let (sweeps, names) = (Sweeps::default(), files(200));
        let named = open(&sweeps, &names, &names);
        assert!(named[0].is_empty() && named[1].is_empty(), "two files are no sweep");
        assert_eq!(named[2], names[3..3 + DEPTH.0]);
        assert!(named.iter().all(|ahead| ahead.len() <= 2 * DEPTH.1));
        assert_eq!(named.concat(), names[3..], "each once, in order, to the end");
    }

    #[test]
    fn a_slow_reader_is_kept_ahead_of_by_a_few() {
        let (sweeps, names) = (Sweeps::default(), files(50));
        for (index, name) in names.iter().enumerate() {
            let (ahead, _) = sweeps.opened(&directory(), name, index < RUN, || names.clone());
            assert!(ahead.len() <= DEPTH.0, "{ahead:?}");
        }
    }

    #[test]
    fn only_files_of_the_same_kind_are_meant() {
        let sweeps = Sweeps::default();
        let mut names = files(30);
        names.extend((0..30).map(|number| format!("f{number:04}.txt")));
        names.sort();
        let named = open(&sweeps, &names, &files(30));
        assert_eq!(named.concat(), files(30)[3..]);
    }

    #[test]
    fn the_order_of_a_language_and_the_way_back_are_recognised() {
        let names: Vec<String> = ["A1", "A3", "B1", "B4", "C0", "C7", "a2", "a4", "b3", "c1"].map(str::to_owned).into();
        let mut spoken = names.clone();
        spoken.sort_by_cached_key(|name| collated(name));
        assert_eq!(spoken[..3], ["A1", "a2", "A3"]);
        assert_eq!(open(&Sweeps::default(), &names, &spoken).concat(), spoken[3..]);
        let back: Vec<String> = files(20).into_iter().rev().collect();
        assert_eq!(open(&Sweeps::default(), &files(20), &back).concat(), back[3..]);
    }

    #[test]
    fn the_order_of_a_listing_that_is_not_sorted_is_recognised() {
        let mut listed = files(100);
        listed
            .sort_by_key(|name| name.bytes().fold(7_u32, |hash, byte| hash.wrapping_mul(16_777_619) ^ u32::from(byte)));
        assert!(!listed.is_sorted());
        assert_eq!(open(&Sweeps::default(), &listed, &listed).concat(), listed[3..]);
        assert_eq!(
            open(&Sweeps::default(), &listed, &files(100)).concat(),
            files(100)[3..],
            "nor is it mistaken for it"
        );
    }

    #[test]
    fn random_files_and_one_file_again_and_again_are_no_sweep() {
        let (sweeps, names) = (Sweeps::default(), files(1000));
        let random: Vec<String> = (0..100).map(|step| names[step * 617 % 1000].clone()).collect();
        assert!(open(&sweeps, &names, &random).concat().is_empty());
        let same = vec![names[7].clone(); 20];
        assert!(open(&sweeps, &names, &same).concat().is_empty());
    }

    #[test]
    fn a_file_that_does_not_fit_ends_it() {
        let (sweeps, names) = (Sweeps::default(), files(1000));
        assert!(!open(&sweeps, &names, &names[..10]).concat().is_empty());
        let elsewhere = [names[500].clone(), names[800].clone(), names[100].clone()];
        assert!(open(&sweeps, &names, &elsewhere).concat().is_empty());
    }

    #[test]
    fn several_programs_may_share_the_files() {
        let (sweeps, names) = (Sweeps::default(), files(400));
        // Four take every fourth file each, and are not in step.
        let order: Vec<String> =
            (0..99).flat_map(|step| [3, 0, 2, 1].map(|one| names[step * 4 + one].clone())).collect();
        let named = open(&sweeps, &names, &order).concat();
        assert!(named.len() > 380, "{}", named.len());
    }

    #[test]
    fn a_piece_is_what_was_read_of_the_files_before() {
        let sweeps = Sweeps::default();
        let piece = || sweeps.opened(&directory(), "f", true, Vec::new).1;
        assert_eq!(piece(), FIRST);
        sweeps.closed(&directory(), 5 * FIRST - 1);
        assert_eq!(piece(), 5 * FIRST);
        sweeps.closed(&directory(), 1 << 40);
        assert_eq!(piece(), LARGEST_PIECE);
    }

    #[test]
    fn a_walk_goes_on_in_the_next_directory_from_its_first_file() {
        let sweeps = Sweeps::default();
        let go = |directory: &str, names: &[String], order: &[String]| -> Vec<Vec<String>> {
            let directory = NodePath::new(directory);
            order.iter().map(|name| sweeps.opened(&directory, name, true, || names.to_vec()).0).collect()
        };
        let names = files(40);
        go("a", &names, &names);
        // As far ahead as it was, also through one with a single file.
        assert_eq!(go("b", &files(1), &files(1)), [Vec::<String>::new()]);
        assert_eq!(go("c", &names, &names[..1]), [names[1..1 + DEPTH.1].to_vec()]);
        // Not by a file that is not the first, nor when something else was opened in between.
        go("d", &names, &names);
        assert_eq!(go("e", &names, &names[7..8]), [Vec::<String>::new()]);
        go("f", &names, &names);
        go("g", &files(90), &files(90)[30..31]);
        assert_eq!(go("h", &names, &names[..1]), [Vec::<String>::new()]);
        // Nor from a directory that was left before its end; nor with files of another kind.
        go("i", &names, &names[..20]);
        assert_eq!(go("j", &names, &names[..1]), [Vec::<String>::new()]);
        go("k", &names, &names);
        let texts: Vec<String> = (0..9).map(|number| format!("t{number}.txt")).collect();
        assert_eq!(go("l", &texts, &texts[..1]), [Vec::<String>::new()]);
    }

    #[test]
    fn a_directory_of_any_size_is_followed_to_its_end() {
        let (sweeps, names) =
            (Sweeps::default(), (0..2 * NAMES + 50).map(|number| format!("{number:06}")).collect::<Vec<_>>());
        let named: usize =
            names.iter().map(|name| sweeps.opened(&directory(), name, false, || names.clone()).0.len()).sum();
        assert!(named > names.len() - 20, "{named} of {}", names.len());
    }
}
