//! pyvospace: who is let in, documents, listings, properties, names, links.

use super::{CORE, FORM, Maker, V20, V21, children, property};

#[tokio::test]
async fn nothing_describes_it_and_lists_are_there() {
    let maker = Maker::pyvospace().await;
    for resource in ["capabilities", "availability", "files/ada", "pubkey", "async-delete", "pkg/x/run", "search"] {
        assert_eq!(maker.get(&format!("/{resource}")).await.status, 404, "{resource}");
    }
    assert!(!maker.bench.get("/reg/resource-caps").await.text().contains("icrar.org"));
    for list in ["protocols", "views", "properties"] {
        let answer = maker.get(&format!("/{list}")).await;
        assert!(answer.status == 200 && answer.text().contains(V21), "{list}: {}", answer.text());
    }
}

#[tokio::test]
async fn callers_log_in_by_a_form_and_are_known_by_a_cookie() {
    let maker = Maker::pyvospace().await;
    let refused = maker.anonymously("GET", "/nodes/ada", "").await;
    assert_eq!((refused.status, refused.text()), (403, "Permission Denied. Credentials not found."));
    assert_eq!(refused.header("content-type"), Some("text/plain"));
    assert_eq!(refused.header("www-authenticate"), None);
    for bad in [("cookie", "PYVOSPACE_COOKIE=none"), ("authorization", "Bearer ada-token")] {
        assert_eq!(maker.send_as(&[bad], "GET", "/nodes/ada", "").await.status, 403, "{bad:?}");
    }
    let wrong = maker.send_as(&[FORM], "POST", "/login", "username=ada&password=other").await;
    assert_eq!((wrong.status, wrong.header("set-cookie")), (403, None));
    let answer = maker.send_as(&[FORM], "POST", "/login", "username=ada&password=ada-password").await;
    let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    assert!(answer.status == 200 && cookie.starts_with("PYVOSPACE_COOKIE="), "{cookie}");
    let seen = maker.send_as(&[("cookie", &cookie)], "GET", "/nodes/ada", "").await;
    assert_eq!((seen.status, seen.header("x-vo-authenticated")), (200, None));
}

#[tokio::test]
async fn others_may_see_and_not_write() {
    let maker = Maker::pyvospace().await;
    maker.put("/ada/f", "abc").await;
    assert_eq!(maker.as_eve("GET", "/nodes/ada/f", "").await.status, 200);
    assert!(maker.as_eve("GET", "/nodes/ada", "").await.text().contains("/ada/f"));
    assert_eq!(maker.as_eve("DELETE", "/nodes/ada/f", "").await.status, 403);
    let document = maker.document("ContainerNode", "/ada/d", "");
    assert_eq!(maker.as_eve("PUT", "/nodes/ada/d", &document).await.status, 403);
    let refused = maker.as_eve("POST", "/synctrans", &maker.negotiation("/ada/f", "pushToVoSpace")).await;
    assert_eq!(refused.status, 403);
}

#[tokio::test]
async fn any_authority_is_taken_and_two_slashes_answered() {
    let maker = Maker::pyvospace().await;
    let document = maker.document("ContainerNode", "/ada/d", "").replace("icrar.org!vospace", "any!thing");
    let answer = maker.send("PUT", "/nodes/ada/d", &[], &document).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert!(answer.text().contains("uri=\"vos://icrar.org!vospace//ada/d\""), "{}", answer.text());
    assert!(answer.text().contains(V21) && !answer.text().contains(V20));
    assert_eq!(children(&maker.node("/ada").await), ["vos://icrar.org!vospace//ada/d"]);
}

#[tokio::test]
async fn creation_and_removal() {
    let maker = Maker::pyvospace().await;
    maker.make("ContainerNode", "/ada/d").await;
    maker.make("DataNode", "/ada/d/f").await;
    let twice = maker.write("PUT", "DataNode", "/ada/d/f", "").await;
    assert_eq!((twice.status, twice.text()), (409, "Duplicate Node. vos://icrar.org!vospace//ada/d/f"));
    let lost = maker.write("PUT", "DataNode", "/ada/none/f", "").await;
    assert_eq!(lost.status, 404);
    assert!(lost.text().starts_with("Container Not Found. "), "{}", lost.text());
    for kind in ["StructuredDataNode", "UnstructuredDataNode", "LinkNode"] {
        let path = format!("/ada/d/{kind}");
        let inner = if kind == "LinkNode" { "<vos:target>vos://x!y/z</vos:target>" } else { "" };
        assert_eq!(maker.write("PUT", kind, &path, inner).await.status, 201, "{kind}");
        let shown = format!("xsi:type=\"vos:{kind}\"");
        assert!(maker.node(&path).await.contains(&shown) && maker.node("/ada/d").await.contains(&shown), "{kind}");
    }
    assert_eq!(maker.delete("/ada/d").await.status, 204, "with all that is in it");
    assert!(!maker.exists("/ada/d").await);
    let broken = maker.send("PUT", "/nodes/ada/x", &[], "<vos:node").await;
    assert_eq!(broken.status, 500, "{}", broken.text());
}

#[tokio::test]
async fn the_common_namespace_loses_properties_in_silence() {
    let maker = Maker::pyvospace().await;
    let inner = format!("<vos:properties><vos:property uri=\"{CORE}title\">t</vos:property></vos:properties>");
    let old = |kind: &str, path: &str, inner: &str| maker.document(kind, path, inner).replace(V21, V20);
    let answer = maker.send("PUT", "/nodes/ada/f", &[], &old("DataNode", "/ada/f", &inner)).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(property(&maker.node("/ada/f").await, &format!("{CORE}title")), None);
    let answer = maker.send("POST", "/nodes/ada/f", &[], &old("DataNode", "/ada/f", &inner)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(property(&maker.node("/ada/f").await, &format!("{CORE}title")), None);
    let link = old("LinkNode", "/ada/l", "<vos:target>vos://x!y/z</vos:target>");
    let answer = maker.send("PUT", "/nodes/ada/l", &[], &link).await;
    assert!(answer.status == 400 && answer.text().contains("vos:target not found"), "{}", answer.text());
    let transfer = maker.negotiation("/ada/f", "pushToVoSpace").replace(V21, V20);
    let answer = maker.synchronous(&transfer).await;
    assert!(answer.status == 400 && answer.text().contains("vos:target not found"), "{}", answer.text());
    assert_eq!(maker.send("POST", "/transfers", &[], &transfer).await.status, 400);
}

#[tokio::test]
async fn children_are_bare_and_by_name_and_there_are_no_pages() {
    let maker = Maker::pyvospace().await;
    for name in ["c", "a", "b"] {
        maker.put(&format!("/ada/{name}"), "abc").await;
    }
    maker.link("/ada/l", "vos://x!y/z").await;
    let text = maker.node("/ada").await;
    assert_eq!(children(&text).iter().map(|uri| &uri[uri.len() - 1..]).collect::<String>(), "abcl");
    let (_, list) = text.split_once("<vos:nodes>").unwrap();
    assert!(!list.contains("vos:property ") && !list.contains("vos:target"), "{list}");
    assert!(maker.node("/ada/l").await.contains("<vos:target>vos://x!y/z</vos:target>"), "by itself it has one");
    assert_eq!(children(&maker.node("/ada?limit=2").await).len(), 2);
    assert_eq!(
        children(&maker.node(&format!("/ada?limit=2&uri={}", maker.uri("/ada/b"))).await)[0],
        children(&text)[0]
    );
    for query in ["limit=0", "limit=-1", "limit=x", "detail=some"] {
        for path in ["/ada", "/ada/a"] {
            let answer = maker.get(&format!("/nodes{path}?{query}")).await;
            assert_eq!(answer.status, 400, "{path} {query}");
            assert!(answer.text().starts_with("Invalid URI. "), "{}", answer.text());
        }
    }
    assert!(!maker.node("/ada/a?detail=min").await.contains("vos:property "));
    assert!(maker.node("/ada/a?detail=max").await.contains("vos:property "));
}

#[tokio::test]
async fn the_root_is_listed_at_a_slash() {
    let maker = Maker::pyvospace().await;
    assert!(children(&maker.node("/").await).contains(&"vos://icrar.org!vospace//ada"));
    assert_eq!(maker.get("/nodes").await.status, 404);
    maker.make("ContainerNode", "/ada/d").await;
    assert!(maker.exists("/ada/d/").await, "a slash at the end is nothing");
}

#[tokio::test]
async fn dates_are_seconds_of_a_file_and_cannot_be_set() {
    let maker = Maker::pyvospace().await;
    maker.put("/ada/f", "abc").await;
    let text = maker.node("/ada/f").await;
    let (seconds, fraction) = property(&text, &format!("{CORE}mtime")).unwrap().split_once('.').unwrap();
    assert!(seconds.parse::<u64>().unwrap() > 1_700_000_000 && fraction.parse::<u64>().is_ok(), "{text}");
    for absent in ["date", "MD5", "content-date", "ispublic"] {
        assert_eq!(property(&text, &format!("{CORE}{absent}")), None, "{text}");
    }
    assert!(!text.contains("cadc.nrc.ca"), "{text}");
    assert_eq!(property(&text, &format!("{CORE}length")), Some("3"));
    assert_eq!(property(&maker.node("/ada").await, &format!("{CORE}mtime")), None);
    assert_eq!(maker.set("DataNode", "/ada/f", &format!("{CORE}mtime"), "1.0").await.status, 403);
}

#[tokio::test]
async fn properties_have_to_be_of_a_form_and_changes_are_echoed() {
    let maker = Maker::pyvospace().await;
    maker.make("DataNode", "/ada/f").await;
    let own = "ivo://example.org/vospace/my#key";
    assert_eq!(maker.set("DataNode", "/ada/f", own, "v").await.status, 200);
    let answer = maker.set("DataNode", "/ada/f", &format!("{CORE}title"), "t").await;
    assert!(answer.text().contains("#title") && !answer.text().contains(own), "{}", answer.text());
    assert_eq!(property(&maker.node("/ada/f").await, own), Some("v"));
    for bad in ["ivo://example.org/my#key", "ivo://example.org/vospace/my"] {
        assert_eq!(maker.set("DataNode", "/ada/f", bad, "v").await.status, 400, "{bad}");
    }
    let groups = format!("{CORE}groupread");
    assert_eq!(maker.set("DataNode", "/ada/f", &groups, "staff,all").await.status, 200);
    assert_eq!(property(&maker.node("/ada/f").await, &groups), Some("all,staff"), "words, not URIs");
    let nil = format!("<vos:properties><vos:property uri=\"{own}\" xsi:nil=\"true\"/></vos:properties>");
    assert_eq!(maker.write("POST", "DataNode", "/ada/f", &nil).await.status, 200);
    assert_eq!(property(&maker.node("/ada/f").await, own), None);
}

#[tokio::test]
async fn names_are_raw_in_documents_and_cut_where_a_url_would_be() {
    let maker = Maker::pyvospace().await;
    for (encoded, raw) in [("a%20b", "a b"), ("50%25", "50%"), ("%C3%A9%5B%7C", "é[|"), ("q&r", "q&amp;r")] {
        let document = maker.document("ContainerNode", &format!("/ada/{raw}"), "");
        let answer = maker.send("PUT", &format!("/nodes/ada/{encoded}"), &[], &document).await;
        assert_eq!(answer.status, 201, "{raw}: {}", answer.text());
        assert!(maker.node(&format!("/ada/{encoded}")).await.contains(&format!("//ada/{raw}\"")), "{raw}");
    }
    let document = maker.document("ContainerNode", "/ada/x%20y", "");
    assert_eq!(maker.send("PUT", "/nodes/ada/x%20y", &[], &document).await.status, 400, "encoded in the document");
    for (character, encoded) in [("#", "%23"), ("?", "%3F"), (";", "%3B")] {
        let name = format!("cut{}", encoded.trim_start_matches('%'));
        let document = maker.document("ContainerNode", &format!("/ada/{name}{character}b"), "");
        let place = format!("/nodes/ada/{name}{encoded}b");
        assert_eq!(maker.send("PUT", &place, &[], &document).await.status, 201, "{character}");
        assert!(maker.exists(&format!("/ada/{name}")).await, "the name is cut");
        assert_eq!(maker.get(&place).await.status, 200, "and it seems to be there");
    }
}

#[tokio::test]
async fn a_path_through_a_link_is_found_by_nobody_and_refused_to_writers() {
    let maker = Maker::pyvospace().await;
    maker.make("ContainerNode", "/ada/d").await;
    maker.make("DataNode", "/ada/d/f").await;
    assert_eq!(maker.link("/ada/l", &maker.uri("/ada/d")).await.status, 201);
    assert_eq!(maker.link("/ada/dangling", &maker.uri("/ada/none")).await.status, 201, "targets are not looked at");
    let answer = maker.get("/nodes/ada/l/f").await;
    assert!(answer.status == 404 && answer.text().starts_with("Node Not Found. "), "{}", answer.text());
    let answer = maker.write("PUT", "DataNode", "/ada/l/g", "").await;
    assert!(answer.status == 400 && answer.text().starts_with("Link Found. "), "{}", answer.text());
}
