//! The manifests for Kubernetes, as far as they can be tried without it: the sidecar with its arguments, and the work beside it, in
//! mount namespaces that are connected as the manifests say.

use std::fs;
use std::process::Command;

use vofs_tests::process::{binary, run, run_within};
use vofs_tests::{Profile, World};

use crate::{LIMIT, prepared, project};

/// The arguments of the sidecar, and its volumes: `argument WORD`, `volume NAME PATH` by the line.
const READ: &str = r#"
import sys, yaml
[document] = [one for one in yaml.safe_load_all(open(sys.argv[1])) if one["kind"] in ("Pod", "DaemonSet")]
spec = document["spec"] if document["kind"] == "Pod" else document["spec"]["template"]["spec"]
[space] = [one for one in spec["containers"] + spec.get("initContainers", []) if one["name"] == "space"]
for mount in space["volumeMounts"]:
    print("volume", mount["name"], mount["mountPath"])
for word in space["args"]:
    print("argument", word)
"#;

#[test]
fn a_sidecar_hands_its_mount_on_and_again_after_a_kill() {
    for manifest in ["pod.yaml", "daemonset.yaml"] {
        let world = World::tls(Profile::Vault);
        world.put("f", b"here\n");
        let mut python = Command::new(prepared("venv").join("bin/python"));
        let told =
            run(python.args(["-c", READ]).arg(project(&format!("packaging/kubernetes/{manifest}")))).ok().stdout();
        let mut arguments: Vec<String> =
            told.lines().filter_map(|line| line.strip_prefix("argument ")).map(str::to_owned).collect();
        for line in told.lines().filter_map(|line| line.strip_prefix("volume ")) {
            let (name, path) = line.split_once(' ').unwrap();
            let here = world.path(name);
            fs::create_dir(&here).unwrap();
            for argument in &mut arguments {
                *argument = argument.replace(&format!("={path}"), &format!("={}", here.display()));
            }
        }
        for argument in &mut arguments {
            *argument = argument.replace("vos:USER", "vos:demo").replace("vos:PROJECT", "vos:demo");
        }
        assert!(arguments.contains(&"--vospace=vos:demo".to_owned()), "{arguments:?}");
        fs::copy(world.server.user_certificate("demo"), world.path("credentials/cadcproxy.pem")).unwrap();
        let mut script = Command::new(project("packaging/test/propagation.sh"));
        world.environment(&mut script);
        script.env_remove("VOSPACE_TOKEN").arg(world.path("space")).arg(binary("mountvofs")).args(&arguments);
        let tried = run_within(&mut script, LIMIT).ok().stdout();
        assert!(tried.contains("== all right"), "{manifest}: {tried}");
        if !arguments.contains(&"--readonly".to_owned()) {
            assert_eq!(world.vospace(&["cat", "vos:demo/seen.txt"]).ok().stdout(), "seen\n");
        }
    }
}
