//! The Python client against the services of other makers: what fails with them has to fail here.
//!
//! These services describe themselves nowhere, so the client's cache is filled with a registry and capabilities that
//! somebody wrote by hand. It can neither log in by a form nor send a header of another name: where only that would stop it,
//! the service is told to know it by its certificate, or it stays anonymous.

use std::fs;
use std::path::Path;

use vofs_tests::process::Finished;
use vofs_tests::wire::Wire;
use vofs_tests::{Profile, PythonClient, World};

use crate::bench::OPTIONS;

/// What capabilities name, and the resource.
const CAPABILITIES: [(&str, &str); 2] =
    [("ivo://ivoa.net/std/VOSpace/v2.0#nodes", "nodes"), ("ivo://ivoa.net/std/VOSpace/v2.0#transfers", "transfers")];
const SYNC: &str = "ivo://ivoa.net/std/VOSpace#sync-2.1";

/// One service, and the client with a cache in which it is described.
struct Maker<'a> {
    world: &'a World,
    python: PythonClient<'a>,
}

impl<'a> Maker<'a> {
    fn of(world: &'a World, sync: &str) -> Self {
        let python = PythonClient::new(world);
        let profile = world.server.profile;
        let (address, base) = (world.server.address(), format!("{}/{}", world.server.base(), profile.service()));
        let cache = world.path(&format!("home/.config/cadc-registry/alt-domains/{address}"));
        let (organisation, service) = profile.authority().split_once('~').unwrap();
        fs::create_dir_all(cache.join(organisation)).unwrap();
        let registry = format!("ivo://{organisation}/{service} = {base}/capabilities\n");
        fs::write(cache.join("resource-caps"), registry).unwrap();
        fs::write(cache.join(organisation).join(format!(".{service}")), capabilities(&base, sync)).unwrap();
        Maker { world, python }
    }

    #[track_caller]
    fn run(&self, name: &str, arguments: &[&str]) -> Finished {
        self.python.run(name, arguments)
    }

    /// A node below the user's container, as the client wants it.
    fn uri(&self, path: &str) -> String {
        format!("vos://{}/demo/{path}", self.world.server.profile.authority())
    }

    fn habits(&self, habits: &str) {
        self.world.server.post("/_bench/profile", &format!("{{\"habits\": {habits}}}"));
    }

    /// A node document of the user's, past the client.
    #[track_caller]
    fn node(&self, method: &str, kind: &str, path: &str, properties: &str, status: u16) {
        let profile = self.world.server.profile;
        let document = format!(
            "<vos:node xmlns:vos=\"http://www.ivoa.net/xml/VOSpace/v2.0\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"vos:{kind}\" \
             uri=\"vos://{}{path}\"><vos:properties>{properties}</vos:properties></vos:node>",
            profile.authority()
        );
        let place = format!("/{}/nodes{path}", profile.service());
        let kind = [("Content-Type", "text/xml")];
        Wire::new(&self.world.server).send(method, &place, &kind, document.as_bytes()).is(status);
    }

    fn exists(&self, path: &str) -> bool {
        let place = format!("/{}/nodes/demo/{path}", self.world.server.profile.service());
        Wire::new(&self.world.server).get(&place).status == 200
    }
}

/// The document, with every interface for anonymous callers and for certificates.
fn capabilities(base: &str, sync: &str) -> String {
    let interface = |resource: &str, method: &str| {
        format!(
            "<interface xsi:type=\"vs:ParamHTTP\" role=\"std\" version=\"2.0\">\
             <accessURL use=\"base\">{base}/{resource}</accessURL><securityMethod{method}/></interface>"
        )
    };
    let one = |(id, resource): (&str, &str)| {
        let certificate = " standardID=\"ivo://ivoa.net/sso#tls-with-certificate\"";
        let both = interface(resource, "") + &interface(resource, certificate);
        format!("<capability standardID=\"{id}\">{both}</capability>")
    };
    let all: String = CAPABILITIES.into_iter().chain([(SYNC, sync)]).map(one).collect();
    format!(
        "<vosi:capabilities xmlns:vosi=\"http://www.ivoa.net/xml/VOSICapabilities/v1.0\" \
         xmlns:vs=\"http://www.ivoa.net/xml/VODataService/v1.1\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">{all}</vosi:capabilities>"
    )
}

#[test]
fn of_all_commands_only_vmkdir_works_with_pyvospace() {
    let world = World::build(Profile::Pyvospace, true, &OPTIONS);
    let maker = Maker::of(&world, "synctrans");
    maker.habits(r#"{"access": {"certificates": true, "members_only": false}}"#);
    let (f, g) = (maker.uri("f"), maker.uri("g"));
    let local = world.local_file("x", "hello");
    let local = local.to_str().unwrap();
    maker.run("vmkdir", &[&maker.uri("d")]).ok();
    assert!(maker.exists("d"));
    maker.node("PUT", "DataNode", "/demo/f", "", 201);
    for (program, arguments) in [
        ("vls", vec![maker.uri("")]),
        ("vls", vec!["-l".to_owned(), maker.uri("d")]),
        ("vcp", vec![local.to_owned(), g.clone()]),
        ("vcp", vec![f.clone(), format!("{local}.back")]),
        ("vsync", vec![local.to_owned(), maker.uri("d")]),
        ("vcat", vec![f.clone()]),
        ("vtag", vec![f.clone(), "a=b".to_owned()]),
        ("vchmod", vec!["o+r".to_owned(), f.clone()]),
        ("vlock", vec!["--lock".to_owned(), f.clone()]),
        ("vrm", vec![f.clone()]),
        ("vrmdir", vec![maker.uri("d")]),
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        // Error 400 as a status of a program.
        maker.run(program, &arguments).fails_with(144, &["Invalid URI. "]);
    }
    for program in ["vmv", "vln"] {
        maker.run(program, &[&f, &g]).fails_with(255, &["vos:target not found"]);
    }
    assert!(maker.exists("f") && maker.exists("d") && !maker.exists("g"));
    // Met halfway it still cannot list: children have no dates.
    maker.habits(r#"{"listing": "unpaged", "documents": {"namespace": "v20"}}"#);
    maker.run("vls", &[&maker.uri("")]).fails_with(255, &["'date'"]);
}

#[test]
fn public_nodes_of_the_data_lab_are_listed_and_removed_and_no_bytes_pass() {
    let world = World::build(Profile::Datalab, true, &OPTIONS);
    let maker = Maker::of(&world, "sync");
    fs::remove_file(maker.python.certificate()).unwrap();
    let public = "<vos:property uri=\"ivo://ivoa.net/vospace/core#ispublic\">true</vos:property>";
    maker.node("POST", "ContainerNode", "/demo", public, 200);
    maker.node("PUT", "DataNode", "/demo/f", public, 201);
    maker.node("PUT", "ContainerNode", "/demo/c", public, 201);
    let listed = maker.run("vls", &[&maker.uri("")]).ok();
    // It asks with limit=0 first, and counts what comes all the same.
    assert_eq!(listed.stdout().lines().collect::<Vec<_>>(), ["c", "f", "c", "f"]);
    let rows = maker.run("vls", &["-l", &maker.uri("")]).ok();
    assert!(rows.stdout().lines().any(|row| row.starts_with("-rw----r--  demo ") && row.ends_with(" f")));
    maker.run("vmkdir", &[&maker.uri("d")]).fails_with(255, &["500"]);
    let local = world.local_file("x", "hello");
    let (local, back) = (local.to_str().unwrap(), world.local("back"));
    maker.run("vcp", &[local, &maker.uri("g")]).fails_with(255, &["500"]);
    // It reads from a resource that only services of its own maker have.
    let back = back.to_str().unwrap();
    maker.run("vcp", &[&maker.uri("f"), back]).fails_with(255, &["VOSpace#files-proto"]);
    assert!(!maker.exists("g") && !Path::new(back).exists());
    maker.run("vrm", &[&maker.uri("f")]).ok();
    assert!(!maker.exists("f") && maker.exists("c"));
}
