//! The examples for batch systems, really run, with a number of an array that is made up; and those for Kubernetes, read.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use vofs_tests::process::{Finished, binary, built, run};
use vofs_tests::{Profile, World, both_profiles};

use crate::{prepared, project};

both_profiles!(a_slurm_array, what_cannot_be_uploaded_is_kept_and_named);

/// A job's environment: no HOME, a scratch directory, the programs in PATH.
fn job(world: &World, program: &Path) -> Command {
    let bin = world.path("bin");
    if !bin.exists() {
        fs::create_dir(&bin).unwrap();
        symlink(binary("vospace"), bin.join("vls")).unwrap();
        fs::create_dir(world.path("scratch")).unwrap();
    }
    let mut command = Command::new(program);
    world.environment(&mut command);
    command.env_remove("HOME").env("TMPDIR", world.path("scratch"));
    command.env("PATH", format!("{}:{}:/usr/bin:/bin", bin.display(), built().display()));
    command
}

fn array_task(world: &World, number: usize) -> Finished {
    let mut task = job(world, &project("packaging/batch/slurm.sh"));
    task.env("SLURM_ARRAY_TASK_ID", number.to_string()).env("SLURM_SUBMIT_DIR", project("packaging/batch"));
    run(task.env("VOFS_SPACE", world.uri("run7")))
}

fn a_slurm_array(profile: Profile) {
    let world = World::new(profile);
    world.vospace(&["mkdir", "-p", &world.uri("run7/raw")]).ok();
    for name in ["a.fits", "b.fits", "c.fits"] {
        world.put(&format!("run7/raw/{name}"), name.repeat(10_000));
    }
    for number in 0..3 {
        let done = array_task(&world, number).ok();
        assert!(done.stdout().contains(&format!("task {number}: ")), "{}", done.stdout());
    }
    // The job has ended, so its results are at the service.
    let sum = world.bytes("run7/results/b.fits.sha256").unwrap();
    let local = world.local_file("b.fits", "b.fits".repeat(10_000));
    let wanted = run(Command::new("sha256sum").stdin(fs::File::open(&local).unwrap()).arg(&local)).ok().stdout();
    assert_eq!(String::from_utf8(sum).unwrap().split(' ').next(), wanted.split(' ').next());
    array_task(&world, 3).fails_with(1, &["there is no file for task 3"]);
    assert_eq!(fs::read_dir(world.path("scratch")).unwrap().count(), 0, "the scratch directory is as it was");
}

fn what_cannot_be_uploaded_is_kept_and_named(profile: Profile) {
    let world = World::new(profile);
    world.server.fault(r#"{"method": "PUT", "route": "bytes", "status": 403}"#);
    world.server.fault(r#"{"method": "PUT", "route": "files", "status": 403}"#);
    let mut task = job(&world, &project("packaging/batch/with-space.sh"));
    task.env("VOFS_OPTIONS", "--drain-timeout 1");
    // The program does not look at what close says.
    task.args([&world.uri(""), "sh", "-c", "echo result > $SPACE/result; true"]);
    let ended = run(&mut task).fails_with(75, &["not everything was uploaded; it is kept in", "--cache_dir"]);
    let cache = ended.stderr.lines().find_map(|line| line.split("--cache_dir ").nth(1)).unwrap().to_owned();
    world.server.heal();
    world.mounting().cache(Path::new(&cache)).start().unmount();
    assert_eq!(world.bytes("result").as_deref(), Some(&b"result\n"[..]));
}

/// Every document is one that Kubernetes could read, and every option in it is one of mountvofs.
#[test]
fn kubernetes_manifests() {
    let check = r#"
import subprocess, sys, yaml
mountvofs, *files = sys.argv[1:]
for file in files:
    for document in yaml.safe_load_all(open(file)):
        assert document["apiVersion"] in ("v1", "apps/v1") and document["kind"] in ("Pod", "DaemonSet"), file
        spec = document["spec"] if document["kind"] == "Pod" else document["spec"]["template"]["spec"]
        volumes = {volume["name"] for volume in spec["volumes"]}
        containers = spec["containers"] + spec.get("initContainers", [])
        for container in containers:
            for mount in container["volumeMounts"]:
                assert mount["name"] in volumes, (file, mount)
        [space] = [container for container in containers if container["name"] == "space"]
        assert space["securityContext"]["privileged"]
        assert {"Bidirectional"} == {m["mountPropagation"] for m in space["volumeMounts"] if m["name"] == "space"}
        places = tuple(mount["mountPath"] + "/" for mount in space["volumeMounts"])
        for option in space["args"]:
            name, _, value = option.partition("=")
            if value.startswith("/"):
                assert (value + "/").startswith(places), (file, option)
        # --man ends it before anything is done, and after the options were read.
        subprocess.run([mountvofs, *space["args"], "--man"], check=True, stdout=subprocess.DEVNULL)
"#;
    let mut python = Command::new(prepared("venv").join("bin/python"));
    python.args(["-c", check]).arg(binary("mountvofs"));
    for name in ["pod.yaml", "daemonset.yaml"] {
        python.arg(project(&format!("packaging/kubernetes/{name}")));
    }
    run(&mut python).ok();
}

/// Each shell script is one that its shell can read.
#[test]
fn shell_scripts() {
    let found = run(Command::new("find").arg(project("packaging")).args(["-name", "*.sh"])).ok().stdout();
    for script in found.lines() {
        run(Command::new("bash").args(["-n", script])).ok();
    }
    assert!(found.lines().count() > 10, "{found}");
    let submitted = fs::read_to_string(project("packaging/batch/htcondor.sub")).unwrap();
    for file in ["with-space.sh", "reduce.sh"] {
        assert!(submitted.contains(file) && project("packaging/batch").join(file).exists());
    }
}
