//! The examples for batch systems, really run, with a number of an array that is made up; and those for Kubernetes, read.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use vofs_tests::process::{Finished, Guard, binary, built, code, run};
use vofs_tests::{Profile, World, both_profiles, wait_until};

use crate::{prepared, project};

both_profiles!(
    a_slurm_array,
    an_htcondor_job,
    a_job_whose_time_is_over_sends_what_it_wrote,
    what_cannot_be_uploaded_is_kept_and_named,
);

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

/// The lines `key = value` of a description of jobs, with what HTCondor puts in for the job `process`.
fn submitted(home: &Path, process: usize) -> HashMap<String, String> {
    let text = fs::read_to_string(project("packaging/batch/htcondor.sub")).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
    let put_in = |value: &str| {
        value.trim().replace("$(Process)", &process.to_string()).replace("$ENV(HOME)", home.to_str().unwrap())
    };
    lines.map(|(key, value)| (key.trim().to_owned(), put_in(value))).collect()
}

/// What HTCondor does with the description: a directory of the machine for each job, into which the files travel, and in which the
/// program is run, with nothing of the user's environment.
fn an_htcondor_job(profile: Profile) {
    let world = World::tls(profile);
    world.put_deep("run7/raw/a.fits", "a".repeat(10_000));
    world.put("run7/raw/b.fits", "b".repeat(10_000));
    let home = world.path("home");
    fs::create_dir(home.join(".ssl")).unwrap();
    fs::copy(world.server.user_certificate("demo"), home.join(".ssl/cadcproxy.pem")).unwrap();
    let described = submitted(&home, 1);
    let slot = world.path("scratch");
    let mut command = job(&world, Path::new("./condor_exec"));
    let examples = project("packaging/batch");
    fs::copy(examples.join(&described["executable"]), slot.join("condor_exec")).unwrap();
    for file in described["transfer_input_files"].split(", ") {
        // An absolute path stays one.
        let file = examples.join(file);
        fs::copy(&file, slot.join(file.file_name().unwrap())).unwrap();
    }
    let environment = described["environment"].trim_matches('"');
    let (name, value) = environment.split_once('=').unwrap();
    command.env(name, value.trim_matches('\'')).env_remove("VOSPACE_TOKEN").env("_CONDOR_SCRATCH_DIR", &slot);
    command.args(described["arguments"].replace("vos:USER", &world.uri("")).split(' ')).current_dir(&slot);
    let done = run(&mut command).ok();
    assert!(done.stdout().contains("task 1: b.fits"), "{}", done.stdout());
    assert!(world.exists("run7/results/b.fits.sha256"));
    // What says that another try may help is what the wrapper ends with then.
    assert_eq!(described["retry_until"], "ExitCode =!= 75");
    let wrapper = fs::read_to_string(examples.join("with-space.sh")).unwrap();
    assert!(wrapper.contains("exit 75"), "{wrapper}");
}

/// A batch system ends a job by SIGTERM, and waits for a while (`--signal` of Slurm, `job_max_vacate_time` of HTCondor).
fn a_job_whose_time_is_over_sends_what_it_wrote(profile: Profile) {
    let world = World::new(profile);
    let begun = world.local("begun");
    let mut task = job(&world, &project("packaging/batch/with-space.sh"));
    task.env("VOFS_OPTIONS", "--write-back background").env("BEGUN", &begun);
    task.args([&world.uri(""), "sh", "-c", "echo half > $SPACE/half; touch $BEGUN; exec sleep 1000"]);
    let mut task = Guard::spawn(task.stdout(Stdio::null()).stderr(Stdio::null()));
    wait_until("the work", Duration::from_secs(60), || begun.exists());
    task.signal(Signal::SIGTERM);
    assert_eq!(task.wait(Duration::from_secs(60)).map(code), Some(143));
    assert_eq!(world.bytes("half").as_deref(), Some(&b"half\n"[..]));
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

/// Every document is one that Kubernetes takes (by its own schema, strictly: an unknown field is an error), its volumes and probes
/// fit together, and every option in it is one of mountvofs.
#[test]
fn kubernetes_manifests() {
    let check = r#"
import subprocess, sys, kubernetes_validate, yaml
# Sidecars that are init containers came with 1.29.
KUBERNETES = "1.29"
mountvofs, *files = sys.argv[1:]
for file in files:
    for document in yaml.safe_load_all(open(file)):
        assert document["apiVersion"] in ("v1", "apps/v1") and document["kind"] in ("Pod", "DaemonSet"), file
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
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
        point = next(option.partition("=")[2] for option in space["args"] if option.startswith("--mountpoint="))
        probes = [space[probe] for probe in ("startupProbe", "readinessProbe") if probe in space]
        # A dead mount still looks like one, and cannot be listed.
        command = ["sh", "-c", f"ls {point} >/dev/null && mountpoint -q {point}"]
        assert probes and all(probe["exec"]["command"] == command for probe in probes), file
        # The end has as long as the mount may take to upload (--drain-timeout, ten minutes unless said otherwise).
        assert spec["terminationGracePeriodSeconds"] > 600, file
        others = [container for container in containers if container is not space]
        assert not any(container.get("securityContext", {}).get("privileged") for container in others), file
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
