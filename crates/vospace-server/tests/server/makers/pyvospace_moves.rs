//! pyvospace: moves and copies.

use super::{Maker, completed};

#[tokio::test]
async fn whatever_holds_bytes_cannot_be_renamed() {
    let maker = Maker::pyvospace().await;
    maker.put("/ada/f", "abc").await;
    assert_eq!(maker.rename("/ada/f", "/ada/g").await, ("ERROR".to_owned(), "'space_name'".to_owned()));
    assert_eq!(maker.read("/ada/f").await, b"abc");
    maker.make("DataNode", "/ada/bare").await;
    assert_eq!(maker.rename("/ada/bare", "/ada/moved").await, completed(), "without bytes it can");
    maker.make("ContainerNode", "/ada/c").await;
    maker.put("/ada/c/f", "inside").await;
    assert_eq!(maker.rename("/ada/c", "/ada/d").await, completed());
    assert_eq!(maker.read("/ada/d/f").await, b"inside");
}

#[tokio::test]
async fn a_destination_has_to_be_free_and_is_the_new_name() {
    let maker = Maker::pyvospace().await;
    for path in ["/ada/c", "/ada/d"] {
        maker.make("ContainerNode", path).await;
    }
    maker.make("DataNode", "/ada/f").await;
    for to in ["/ada/d", "/ada/f"] {
        let (phase, error) = maker.rename("/ada/c", to).await;
        assert!(phase == "ERROR" && error.starts_with("Duplicate Node. "), "{to}: {phase} {error}");
    }
    assert_eq!(maker.rename("/ada/c", "/ada/c/below").await.0, "ERROR");
    assert!(maker.exists("/ada/c").await);
    maker.link("/ada/l", &maker.uri("/ada/d")).await;
    assert_eq!(maker.rename("/ada/l", "/ada/m").await.0, "ERROR");
    assert_eq!(maker.rename("/ada/c", "/ada/d/c").await, completed());
}

#[tokio::test]
async fn a_synchronous_move_is_denied() {
    let maker = Maker::pyvospace().await;
    maker.make("ContainerNode", "/ada/c").await;
    let document = maker.transfer("/ada/c", &maker.uri("/ada/d"), "<vos:keepBytes>false</vos:keepBytes>");
    assert_eq!(maker.synchronous(&document).await.status, 403);
    assert!(maker.exists("/ada/c").await);
    let unsaid = maker.transfer("/ada/c", &maker.uri("/ada/d"), "");
    let job = maker.job(&unsaid).await;
    assert_eq!(maker.run(&job).await, completed());
    assert!(!maker.exists("/ada/c").await, "without keepBytes it is a move");
}

#[tokio::test]
async fn copies_are_made_of_containers_of_the_same_name() {
    let maker = Maker::pyvospace().await;
    for path in ["/ada/c", "/ada/d"] {
        maker.make("ContainerNode", path).await;
    }
    maker.put("/ada/f", "abc").await;
    assert_eq!(maker.relocate("/ada/f", "/ada/d/f", true).await.0, "ERROR");
    assert_eq!(maker.relocate("/ada/c", "/ada/other", true).await.0, "ERROR");
    assert_eq!(maker.relocate("/ada/c", "/ada/d/c", true).await, completed());
    assert!(maker.exists("/ada/c").await && maker.exists("/ada/d/c").await);
}
