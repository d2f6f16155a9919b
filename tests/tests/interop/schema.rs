//! Every XML answer before a validator (lxml), with the schemas of `tests/schema`.

use std::path::PathBuf;

use vofs_tests::process::{Finished, run_with_input};
use vofs_tests::wire::Wire;
use vofs_tests::{Profile, Python, World};

#[test]
fn vault() {
    every_answer_is_valid(Profile::Vault);
}

#[test]
fn cavern() {
    every_answer_is_valid(Profile::Cavern);
}

#[test]
fn strict() {
    every_answer_is_valid(Profile::Strict);
}

fn validate(schema: &str, document: &str) -> Finished {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schema");
    let mut command = Python::find().program("python");
    run_with_input(command.arg(folder.join("validate.py")).arg(folder.join(schema)), document)
}

#[track_caller]
fn valid(schema: &str, document: &str) {
    let result = validate(schema, document);
    assert_eq!(result.status, 0, "{}{}\n{document}", result.stdout(), result.stderr);
}

fn every_answer_is_valid(profile: Profile) {
    let world = World::new(profile);
    let wire = Wire::new(&world.server);
    let service = profile.service();
    let uri = |path: &str| format!("vos://cadc.nrc.ca~{service}/demo/{path}");
    let xml = [("Content-Type", "text/xml")];
    let node = |path: &str, kind: &str, inside: &str| {
        let document = format!(
            "<vos:node xmlns:vos=\"http://www.ivoa.net/xml/VOSpace/v2.0\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" uri=\"{}\" xsi:type=\"vos:{kind}\">\
             {inside}</vos:node>",
            uri(path)
        );
        valid("vospace.xsd", &document);
        let target = format!("/{service}/nodes/demo/{path}");
        valid("vospace.xsd", &wire.send("PUT", &target, &xml, document.as_bytes()).is(201).text());
    };
    node("d", "ContainerNode", "<vos:properties/><vos:nodes/>");
    node("d/sub", "ContainerNode", "<vos:properties/><vos:nodes/>");
    let tag = "<vos:properties><vos:property uri=\"ivo://example.org/x#y\">&lt;&amp;é</vos:property></vos:properties>";
    node("d/made.txt", "DataNode", tag);
    node("d/lnk", "LinkNode", &format!("<vos:properties/><vos:target>{}</vos:target>", uri("d/made.txt")));
    world.put("d/x.fits", [7; 2880]);
    for path in
        ["d", "d/made.txt", "d/lnk", "d/x.fits", "d?detail=max", "d?detail=min", "d?limit=0", "d/lnk?detail=min"]
    {
        let answer = wire.get(&format!("/{service}/nodes/demo/{path}")).is(200);
        valid("vospace.xsd", &answer.text());
    }
    let change = format!(
        "<vos:node xmlns:vos=\"http://www.ivoa.net/xml/VOSpace/v2.0\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" uri=\"{}\" xsi:type=\"vos:DataNode\"><vos:properties>\
         <vos:property uri=\"ivo://example.org/x#y\" xsi:nil=\"true\"/></vos:properties></vos:node>",
        uri("d/made.txt")
    );
    valid("vospace.xsd", &change);
    let changed = wire.send("POST", &format!("/{service}/nodes/demo/d/made.txt"), &xml, change.as_bytes()).is(200);
    valid("vospace.xsd", &changed.text());
    for (direction, protocol, path) in
        [("pushToVoSpace", "httpput", "d/new.txt"), ("pullFromVoSpace", "httpget", "d/x.fits")]
    {
        let asked =
            transfer(&uri(path), direction, &format!("<vos:protocol uri=\"ivo://ivoa.net/vospace/core#{protocol}\"/>"));
        valid("vospace.xsd", &asked);
        let mut answer = wire.send("POST", &format!("/{service}/synctrans"), &xml, asked.as_bytes());
        while answer.status == 303 {
            answer = wire.get(answer.header("location").unwrap());
        }
        let text = answer.is(200).text();
        assert!(text.contains("<vos:endpoint>"), "{text}");
        valid("vospace.xsd", &text);
    }
    // A job that is done, and one that has failed.
    for _ in 0..2 {
        let asked = transfer(&uri("d/x.fits"), &uri("d/sub/y.fits"), "<vos:keepBytes>false</vos:keepBytes>");
        valid("vospace.xsd", &asked);
        let job = wire.send("POST", &format!("/{service}/transfers"), &xml, asked.as_bytes()).is(303);
        let job = job.header("location").unwrap().to_owned();
        valid("uws.xsd", &wire.get(&job).is(200).text());
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        wire.send("POST", &format!("{job}/phase"), &form, b"PHASE=RUN").is(303);
        let mut text = String::new();
        for _ in 0..20 {
            text = wire.get(&format!("{job}?WAIT=30")).is(200).text();
            if text.contains(">COMPLETED<") || text.contains(">ERROR<") {
                break;
            }
        }
        assert!(text.contains(">COMPLETED<") || text.contains(">ERROR<"), "{text}");
        valid("uws.xsd", &text);
    }
}

fn transfer(target: &str, direction: &str, rest: &str) -> String {
    format!(
        "<vos:transfer xmlns:vos=\"http://www.ivoa.net/xml/VOSpace/v2.0\" version=\"2.1\"><vos:target>{target}</vos:target>\
         <vos:direction>{direction}</vos:direction>{rest}</vos:transfer>"
    )
}

/// A validator that is content with everything would prove nothing.
#[test]
fn wrong_documents_are_found() {
    let node = |kind: &str, inside: &str| {
        format!(
            "<vos:node xmlns:vos=\"http://www.ivoa.net/xml/VOSpace/v2.0\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" uri=\"vos://a~b/c\" xsi:type=\"vos:{kind}\">\
             {inside}</vos:node>"
        )
    };
    valid("vospace.xsd", &node("ContainerNode", "<vos:properties/><vos:nodes/>"));
    let property = "<vos:properties><vos:property readOnly=\"true\">x</vos:property></vos:properties>";
    for (schema, document) in [
        ("vospace.xsd", node("ContainerNode", "<vos:properties/>")),
        ("vospace.xsd", node("ContainerNode", "<vos:nodes/><vos:properties/>")),
        ("vospace.xsd", node("DataNode", "<vos:properties/><vos:provides/><vos:accepts/>")),
        ("vospace.xsd", node("DataNode", property)),
        ("vospace.xsd", node("LinkNode", "<vos:properties/>")),
        ("vospace.xsd", node("FileNode", "<vos:properties/>")),
        ("vospace.xsd", node("DataNode", "<vos:properties/>").replace(" uri=\"vos://a~b/c\"", "")),
        ("vospace.xsd", transfer("vos://a~b/c", "pushToVoSpace", "<vos:keepBytes>perhaps</vos:keepBytes>")),
        ("vospace.xsd", transfer("vos://a~b/c", "pushToVoSpace", "<vos:view uri=\"x\"/><vos:target>y</vos:target>")),
        (
            "uws.xsd",
            "<job xmlns=\"http://www.ivoa.net/xml/UWS/v1.0\"><jobId>1</jobId><phase>DONE</phase></job>".to_owned(),
        ),
    ] {
        let result = validate(schema, &document);
        assert_eq!(result.status, 1, "{document}\n{}", result.stderr);
    }
}
