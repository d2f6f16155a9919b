//! What a user asks of a mount that runs: warm, pin, forget, refresh, other limits.

use super::tests::{Bench, Mount};
use super::*;
use crate::inode::Ino;
use crate::limits::Limits;
use crate::warm::{WarmPlan, WarmProgress};

const MIB: usize = 1 << 20;

async fn warm(mount: &Mount, paths: &[&str]) -> Result<(WarmPlan, WarmProgress)> {
    let paths: Vec<NodePath> = paths.iter().map(|path| NodePath::new(path)).collect();
    let plan = mount.0.plan_warm(&paths).await?;
    let progress = WarmProgress::default();
    assert!(mount.0.warm(&plan, &progress).await.is_empty());
    Ok((plan, progress))
}

fn asked_for_bytes(bench: &Bench) -> Vec<String> {
    bench.remote.requests().into_iter().filter(|request| request.starts_with("get")).collect()
}

/// The disk is left alone until what a former mount left has been counted.
async fn until_swept(mount: &Mount) {
    for _ in 0..5000 {
        if mount.0.store.is_swept() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("the disk is never used");
}

fn tree(bench: &Bench) {
    bench.remote.add_directory("d");
    bench.remote.add_directory("d/e");
    for (name, length) in [("d/one", 3 * MIB), ("d/e/two", 2 * MIB), ("d/e/empty", 0), ("far", 5 * MIB)] {
        bench.remote.store(name, vec![7; length]);
    }
}

#[tokio::test]
async fn what_was_warmed_needs_no_further_request_for_bytes() {
    let bench = Bench::new();
    tree(&bench);
    let mount = bench.mount().await;
    let (plan, progress) = warm(&mount, &["d", "d/one"]).await.expect("fits");
    assert_eq!((plan.files(), plan.bytes, plan.present), (3, 5 * MIB as u64, 0));
    assert_eq!((progress.files(), progress.bytes()), (3, 5 * MIB as u64));
    assert!(!asked_for_bytes(&bench).is_empty());
    assert_eq!(mount.read("d/e/two").await, vec![7; 2 * MIB]);
    assert_eq!(mount.read("d/one").await, vec![7; 3 * MIB]);
    assert_eq!(asked_for_bytes(&bench), Vec::<String>::new());
    let (again, _) = warm(&mount, &["d"]).await.expect("fits");
    assert_eq!(again.present, again.bytes);
    assert!(matches!(warm(&mount, &["nowhere"]).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn what_does_not_fit_is_refused_before_a_byte_is_asked_for() {
    let bench = Bench::new();
    tree(&bench);
    bench.remote.store("d/large", vec![1; 20 * MIB]);
    let mount = bench.mount_as(|config| config.cache_limit = 16 << 20).await;
    until_swept(&mount).await;
    let refused = warm(&mount, &["d"]).await.expect_err("16 MiB do not hold 25");
    assert!(refused.to_string().contains("--cache-limit"), "{refused}");
    assert_eq!(asked_for_bytes(&bench), Vec::<String>::new());
    let change = Limits { cache_limit: Some(64 << 20), ..Limits::default() };
    mount.0.change_limits(change).await.expect("changed");
    warm(&mount, &["d"]).await.expect("fits now");
}

#[tokio::test]
async fn a_pin_outlives_whatever_else_is_read_and_the_mount() {
    let bench = Bench::new();
    tree(&bench);
    for number in 0..6 {
        bench.remote.store(&format!("other{number}"), vec![number; 5 * MIB]);
    }
    let small = |config: &mut Config| config.cache_limit = 16 << 20;
    let mount = bench.mount_as(small).await;
    until_swept(&mount).await;
    assert!(mount.0.pin(&NodePath::new("d")).await.expect("pinned"));
    assert!(!mount.0.pin(&NodePath::new("d")).await.expect("still"));
    warm(&mount, &["d"]).await.expect("fits");
    mount.0.drain(Duration::from_secs(10)).await;
    drop(mount);
    let mount = bench.mount_as(small).await;
    until_swept(&mount).await;
    assert_eq!(mount.0.pinned(), [NodePath::new("d")]);
    for number in 0..6 {
        assert_eq!(mount.read(&format!("other{number}")).await, vec![number; 5 * MIB]);
    }
    assert!(mount.0.store.used() <= 16 << 20);
    bench.remote.requests();
    assert_eq!(mount.read("d/one").await, vec![7; 3 * MIB]);
    assert_eq!(mount.read("d/e/two").await, vec![7; 2 * MIB]);
    assert_eq!(asked_for_bytes(&bench), Vec::<String>::new(), "it was not evicted");
    let refused = mount.0.forget_cached(&NodePath::new("d/one")).await.expect_err("pinned");
    assert!(refused.to_string().contains("unpin"), "{refused}");
    let less = Limits { cache_limit: Some(1), ..Limits::default() };
    assert!(mount.0.change_limits(less).await.is_err());
    // Another name, the same pin.
    mount.0.rename(Ino::ROOT, "d", Ino::ROOT, "moved", false).await.expect("renamed");
    assert_eq!(mount.0.pinned(), [NodePath::new("moved")]);
    assert!(mount.0.unpin(&NodePath::new("moved")).await.expect("unpinned"));
    for number in 0..6 {
        mount.read(&format!("other{number}")).await;
    }
    bench.remote.requests();
    mount.read("moved/one").await;
    assert!(!asked_for_bytes(&bench).is_empty(), "evicted like any other");
}

#[tokio::test]
async fn what_is_forgotten_is_fetched_again_and_its_room_is_free() {
    let bench = Bench::new();
    tree(&bench);
    let mount = bench.mount().await;
    until_swept(&mount).await;
    warm(&mount, &["d", "far"]).await.expect("fits");
    let reader = mount.open("d/one", super::tests::READ).await;
    let before = mount.0.store.used();
    let forgotten = mount.0.forget_cached(&NodePath::new("d")).await.expect("forgotten");
    assert_eq!(forgotten.files, 2);
    assert!(forgotten.bytes >= 5 * MIB as u64);
    assert_eq!(mount.0.store.used(), before - forgotten.bytes);
    bench.remote.requests();
    assert_eq!(mount.0.read(reader, 0, MIB).await.expect("fetched again"), vec![7; MIB]);
    mount.close(reader).await.expect("closed");
    assert_eq!(mount.read("far").await, vec![7; 5 * MIB]);
    let asked = asked_for_bytes(&bench);
    assert!(!asked.is_empty() && asked.iter().all(|request| request.contains("d/one")), "{asked:?}");
}

#[tokio::test]
async fn a_refresh_shows_at_once_what_others_changed() {
    let bench = Bench::new();
    tree(&bench);
    let mount = bench.mount().await;
    assert_eq!(mount.names("d/e").await, ["empty", "two"]);
    let ino = mount.ino("d/e/two").await;
    bench.remote.store("d/e/two", vec![8; 9]);
    bench.remote.store("d/e/three", vec![8; 9]);
    assert_eq!(mount.walk("d/e/two").await.expect("there").1, 2 * MIB as u64, "believed for a while");
    let expired = mount.0.refresh(&NodePath::new("d")).await.expect("refreshed");
    assert!(
        expired.iter().any(|one| one.ino == ino && !one.is_directory) && expired.iter().any(|one| one.is_directory)
    );
    assert_eq!(mount.names("d/e").await, ["empty", "three", "two"]);
    assert_eq!(mount.walk("d/e/two").await.expect("there").1, 9);
}

#[tokio::test]
async fn a_lower_limit_holds_at_once() {
    let bench = Bench::new();
    for number in 0..8 {
        bench.remote.store(&format!("f{number}"), vec![number; 5 * MIB]);
    }
    let mount = bench.mount().await;
    until_swept(&mount).await;
    for number in 0..8 {
        mount.read(&format!("f{number}")).await;
    }
    assert!(mount.0.store.used() > 32 << 20);
    let change = Limits { cache_limit: Some(16 << 20), transfers: Some(2), uploads: Some(1), ..Limits::default() };
    mount.0.change_limits(change).await.expect("changed");
    assert!(mount.0.store.used() <= 16 << 20);
    assert_eq!(mount.0.limits().transfers, Some(2));
    assert_eq!(mount.read("f0").await, vec![0; 5 * MIB]);
    // A floor above what the disk has leaves nothing to the cache.
    mount.0.change_limits(Limits { free_space: Some(u64::MAX / 2), ..Limits::default() }).await.expect("changed");
    assert_eq!(mount.0.store.used(), 0);
    assert_eq!(mount.read("f1").await, vec![1; 5 * MIB], "from memory, or fetched past the cache");
}
