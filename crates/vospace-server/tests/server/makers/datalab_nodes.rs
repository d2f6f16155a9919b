//! Astro Data Lab: documents, listings, properties, names, links.

use super::{CORE, Maker, V20, V21, children, property};

#[tokio::test]
async fn nothing_describes_it_and_lists_are_there() {
    let maker = Maker::datalab().await;
    for resource in ["capabilities", "availability", "files/ada", "synctrans", "async-delete", "login", "search"] {
        assert_eq!(maker.get(&format!("/{resource}")).await.status, 404, "{resource}");
    }
    assert!(!maker.bench.get("/reg/resource-caps").await.text().contains("datalab"));
    for list in ["protocols", "views", "properties"] {
        let answer = maker.get(&format!("/{list}")).await;
        assert!(answer.status == 200 && answer.text().contains(V20), "{list}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_header_of_its_own_has_the_token() {
    let maker = Maker::datalab().await;
    maker.make("ContainerNode", "/ada/c").await;
    assert_eq!(maker.anonymously("GET", "/nodes/ada/c", "").await.status, 403);
    assert_eq!(maker.send_as(&[("authorization", "Bearer ada-token")], "GET", "/nodes/ada/c", "").await.status, 403);
    assert_eq!(maker.as_eve("DELETE", "/nodes/ada/c", "").await.status, 403);
    // What is public anonymous callers may see and even remove, but a creation fails without a token.
    assert_eq!(maker.set("ContainerNode", "/ada", &format!("{CORE}ispublic"), "true").await.status, 200);
    assert_eq!(maker.anonymously("GET", "/nodes/ada", "").await.status, 200);
    let document = maker.document("ContainerNode", "/ada/d", "");
    let failed = maker.anonymously("PUT", "/nodes/ada/d", &document).await;
    assert_eq!((failed.status, failed.header("content-type")), (500, Some("text/html")));
    assert_eq!(maker.anonymously("DELETE", "/nodes/ada/c", "").await.status, 204);
}

#[tokio::test]
async fn both_separators_are_taken_and_one_answered() {
    let maker = Maker::datalab().await;
    let document = maker.document("ContainerNode", "/ada/d", "").replace('!', "~");
    assert_eq!(maker.send("PUT", "/nodes/ada/d", &[], &document).await.status, 201);
    assert_eq!(children(&maker.node("/ada").await), ["vos://datalab.noao!vospace/ada/d"]);
}

#[tokio::test]
async fn creation_and_removal() {
    let maker = Maker::datalab().await;
    maker.make("ContainerNode", "/ada/d").await;
    maker.make("DataNode", "/ada/d/f").await;
    let twice = maker.write("PUT", "DataNode", "/ada/d/f", "").await;
    assert_eq!((twice.status, twice.header("x-vo-fault")), (409, Some("DuplicateNode")), "{}", twice.text());
    let lost = maker.write("PUT", "DataNode", "/ada/none/f", "").await;
    assert_eq!((lost.status, lost.header("x-vo-fault")), (404, Some("ContainerNotFound")));
    for kind in ["StructuredDataNode", "UnstructuredDataNode"] {
        maker.make(kind, &format!("/ada/d/{kind}")).await;
        assert!(maker.node("/ada/d").await.contains(&format!("xsi:type=\"vos:{kind}\"")), "{kind}");
    }
    assert_eq!(maker.delete("/ada/d").await.status, 204, "with all that is in it");
    let gone = maker.get("/nodes/ada/d").await;
    assert_eq!((gone.status, gone.header("x-vo-fault")), (404, Some("NodeNotFound")));
}

#[tokio::test]
async fn what_it_does_not_expect_is_a_page_with_500() {
    let maker = Maker::datalab().await;
    let closed = maker.document("DataNode", "/ada/f", "").replace("></vos:node>", "/>");
    let new = maker.document("DataNode", "/ada/f", "").replace(V20, V21);
    for body in [closed.as_str(), new.as_str(), "<vos:node", "hello"] {
        let answer = maker.send("PUT", "/nodes/ada/f", &[], body).await;
        assert_eq!((answer.status, answer.header("content-type")), (500, Some("text/html")), "{body}");
        assert_eq!(answer.header("x-vo-fault"), None);
    }
    assert!(!maker.exists("/ada/f").await);
    for root in ["/nodes", "/nodes/"] {
        assert_eq!(maker.get(root).await.status, 500, "{root}");
    }
    assert_eq!(maker.get("/nodes/ada/").await.status, 400, "a slash at the end");
}

#[tokio::test]
async fn the_answer_to_a_creation_is_cut_by_its_own_letters() {
    let maker = Maker::datalab().await;
    let inner = format!("<vos:properties><vos:property uri=\"{CORE}title\">äöü</vos:property></vos:properties>");
    let answer = maker.write("PUT", "DataNode", "/ada/f", &inner).await;
    assert_eq!(answer.status, 201);
    let text = String::from_utf8(answer.body).unwrap();
    assert!(text.contains("äöü") && text.ends_with("</vos:nod"), "three bytes and a line end are missing: {text}");
    assert_eq!(property(&maker.node("/ada/f").await, &format!("{CORE}title")), Some("äöü"));
}

#[tokio::test]
async fn children_are_whole_unless_less_is_asked_for_and_there_are_no_pages() {
    let maker = Maker::datalab().await;
    for name in ["c", "a", "b"] {
        maker.put(&format!("/ada/{name}"), "abc").await;
    }
    let list = |text: String| text.split_once("<vos:nodes>").unwrap().1.to_owned();
    assert!(list(maker.node("/ada").await).contains(&format!("{CORE}length")));
    assert!(!list(maker.node("/ada?detail=properties").await).contains("vos:property "));
    let least = maker.node("/ada?detail=min").await;
    assert!(children(&least).is_empty() && !least.contains("vos:property "), "{least}");
    for query in ["limit=0", "limit=2", "limit=x", &format!("uri={}", maker.uri("/ada/b"))] {
        assert_eq!(children(&maker.node(&format!("/ada?{query}")).await).len(), 3, "{query}");
    }
}

#[tokio::test]
async fn dates_have_a_zone_and_can_be_set_to_any_text() {
    let maker = Maker::datalab().await;
    maker.put("/ada/f", "abc").await;
    let text = maker.node("/ada/f").await;
    for key in ["date", "mtime", "ctime", "btime"] {
        let date = property(&text, &format!("{CORE}{key}")).unwrap();
        assert!(date.len() == 24 && date.starts_with("20") && date.ends_with("+0000"), "{key}: {date}");
    }
    assert_eq!(property(&text, &format!("{CORE}length")), Some("3"));
    assert_eq!(property(&text, &format!("{CORE}MD5")), None);
    assert_eq!(property(&text, &format!("{CORE}ispublic")), Some("false"));
    assert!(!text.contains("cadc.nrc.ca"), "{text}");
    let groups = format!("{CORE}groupread");
    assert_eq!(maker.set("DataNode", "/ada/f", &groups, "staff").await.status, 200);
    assert_eq!(property(&maker.node("/ada/f").await, &groups), Some("staff"), "words, not URIs");
    assert_eq!(maker.set("DataNode", "/ada/f", &format!("{CORE}mtime"), "yesterday").await.status, 200);
    assert_eq!(property(&maker.node("/ada/f").await, &format!("{CORE}mtime")), Some("yesterday"));
}

#[tokio::test]
async fn keys_of_ones_own_come_back_behind_a_prefix() {
    let maker = Maker::datalab().await;
    maker.make("DataNode", "/ada/f").await;
    let own = "ivo://example.org/my#key";
    let answer = maker.set("DataNode", "/ada/f", own, "v").await;
    assert!(answer.status == 200 && !answer.text().contains("#date"), "the change only: {}", answer.text());
    let prefixed = format!("{CORE}{own}");
    assert_eq!(property(&maker.node("/ada/f").await, &prefixed), Some("v"));
    assert_eq!(property(&maker.node("/ada/f").await, own), None);
    maker.set("DataNode", "/ada/f", &prefixed, "w").await;
    assert_eq!(property(&maker.node("/ada/f").await, &prefixed), Some("w"), "the same when it is sent back");
    let nil = format!("<vos:properties><vos:property uri=\"{own}\" xsi:nil=\"true\"/></vos:properties>");
    assert_eq!(maker.write("POST", "DataNode", "/ada/f", &nil).await.status, 200);
    assert_eq!(property(&maker.node("/ada/f").await, &prefixed), None);
}

#[tokio::test]
async fn few_characters_are_legal_and_one_of_them_fails() {
    let maker = Maker::datalab().await;
    maker.make("ContainerNode", "/ada/aZ0_.-!~*()+=").await;
    for bad in ["%20", "%C3%A9", "%26", "%2C", "%3A", "%40", "%24", "%23", "%3F"] {
        let answer = maker.get(&format!("/nodes/ada/a{bad}b")).await;
        assert_eq!((answer.status, answer.header("x-vo-fault")), (400, Some("InvalidURI")), "{bad}");
    }
    let answer = maker.get("/nodes/ada/a'b").await;
    assert_eq!((answer.status, answer.header("content-type")), (500, Some("text/html")));
    let answer = maker.write("PUT", "DataNode", "/ada/a'b", "").await;
    assert_eq!(answer.status, 500);
}

#[tokio::test]
async fn links_lead_to_what_there_is() {
    let maker = Maker::datalab().await;
    maker.make("ContainerNode", "/ada/d").await;
    maker.make("DataNode", "/ada/d/f").await;
    assert_eq!(maker.link("/ada/dangling", &maker.uri("/ada/none")).await.status, 404);
    assert_eq!(maker.link("/ada/external", "http://example.org/x").await.status, 201);
    assert_eq!(maker.link("/ada/l", &maker.uri("/ada/d")).await.status, 201);
    assert!(maker.node("/ada").await.contains("<vos:target>http://example.org/x</vos:target>"));
    let answer = maker.get("/nodes/ada/l/f").await;
    assert_eq!((answer.status, answer.header("x-vo-fault")), (400, Some("LinkFound")));
    assert!(answer.text().contains("LinkFoundFault") && answer.text().contains("/ada/d/f"), "{}", answer.text());
}
