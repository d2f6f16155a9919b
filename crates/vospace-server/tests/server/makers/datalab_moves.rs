//! Astro Data Lab: moves and copies, and what they lose.

use super::{Maker, completed};

#[tokio::test]
async fn files_and_containers_are_moved_also_into_containers() {
    let maker = Maker::datalab().await;
    for path in ["/ada/c", "/ada/d"] {
        maker.make("ContainerNode", path).await;
    }
    maker.put("/ada/f", "abc").await;
    maker.put("/ada/g", "xyz").await;
    let (phase, error) = maker.rename("/ada/f", "/ada/g").await;
    assert!(phase == "ERROR" && error.contains("already exists"), "{phase} {error}");
    assert_eq!(maker.rename("/ada/f", "/ada/h").await, completed());
    assert_eq!(maker.rename("/ada/h", "/ada/d").await, completed());
    assert_eq!(maker.read("/ada/d/h").await, b"abc");
    assert_eq!(maker.rename("/ada/d", "/ada/c").await, completed());
    assert_eq!(maker.read("/ada/c/d/h").await, b"abc");
}

#[tokio::test]
async fn a_container_that_is_moved_below_itself_is_lost_and_the_job_says_completed() {
    let maker = Maker::datalab().await;
    maker.make("ContainerNode", "/ada/c").await;
    maker.put("/ada/c/f", "precious").await;
    assert_eq!(maker.rename("/ada/c", "/ada/c/below").await, completed());
    assert!(!maker.exists("/ada/c").await && !maker.exists("/ada/c/below").await);
}

#[tokio::test]
async fn a_link_that_is_moved_leads_nowhere() {
    let maker = Maker::datalab().await;
    maker.put("/ada/f", "abc").await;
    assert_eq!(maker.link("/ada/l", &maker.uri("/ada/f")).await.status, 201);
    assert_eq!(maker.rename("/ada/l", "/ada/m").await, completed());
    assert!(maker.node("/ada/m").await.contains("<vos:target></vos:target>"));
}

#[tokio::test]
async fn copies_are_made_of_everything() {
    let maker = Maker::datalab().await;
    maker.make("ContainerNode", "/ada/c").await;
    maker.put("/ada/c/f", "abc").await;
    assert_eq!(maker.relocate("/ada/c", "/ada/d", true).await, completed());
    assert_eq!(maker.relocate("/ada/c/f", "/ada/g", true).await, completed());
    for path in ["/ada/c/f", "/ada/d/f", "/ada/g"] {
        assert_eq!(maker.read(path).await, b"abc", "{path}");
    }
}
