//! The forms that CANFAR's guides show, each run as it is written there.

use std::fs;

use vofs_tests::process::run;
use vofs_tests::{Profile, World, every_profile};

every_profile!(
    copies_as_the_guides_write_them,
    rights_as_the_guides_write_them,
    trees_as_the_guides_write_them,
    credentials_as_the_guides_write_them
);

/// Runs a line as a shell would; `vos:X` stands for the user's container.
#[track_caller]
fn shell(world: &World, line: &str) -> vofs_tests::Finished {
    let [program, ..] = ["vls", "vcp", "vcat", "vmkdir", "vrm", "vsync", "vchmod"].map(|name| world.called(name));
    let mut shell = std::process::Command::new("sh");
    world.environment(&mut shell);
    let path = format!("{}:/usr/bin:/bin", std::path::Path::new(program.get_program()).parent().unwrap().display());
    run(shell.env("PATH", path).arg("-c").arg(line.replace("vos:X", &world.uri(""))))
}

fn copies_as_the_guides_write_them(profile: Profile) {
    let world = World::new(profile);
    run(world.command("vospaced").arg("sample").arg(world.local("samples"))).ok();
    let image = fs::read(world.local("samples/starfield.fits")).unwrap();
    world.local_file("image.fits", &image);
    shell(&world, "vcp image.fits vos:X/").ok();
    fs::remove_file(world.local("image.fits")).unwrap();
    shell(&world, r#"vcp "vos:X/*.fits" ."#).ok();
    assert_eq!(fs::read(world.local("image.fits")).unwrap(), image);
    shell(&world, "vcp --nstreams=1 vos:X/image.fits one.fits").ok();
    shell(&world, "vcp --timeout=3600 vos:X/image.fits two.fits").ok();
    assert_eq!(fs::read(world.local("two.fits")).unwrap(), image);
    // Where on the sky the image is.
    let header =
        if profile.cuts_out() { shell(&world, "vcat --head vos:X/image.fits").ok().stdout() } else { String::new() };
    let value = |key: &str| {
        header.lines().find(|line| line.starts_with(key)).and_then(|line| line.split(['=', '/']).nth(1)).map(str::trim)
    };
    let (ra, dec) = (value("CRVAL1").unwrap_or("10.25"), value("CRVAL2").unwrap_or("10.25"));
    for line in [
        r#"vcp "vos:X/image.fits[1:100,1:100]" ."#.to_owned(),
        format!(r#"vcp "vos:X/image.fits({ra}, {dec}, 0.1)" ."#),
        format!(r#"vcp "vos:X/image.fits({ra},{dec},0.1)" circle.fits"#),
        "vcp --head vos:X/image.fits header.txt".to_owned(),
        "vcat --head vos:X/image.fits".to_owned(),
    ] {
        let ended = shell(&world, &line);
        if profile.cuts_out() {
            ended.ok();
        } else {
            ended.fails_with(1, &["cuts nothing out of files"]);
        }
    }
    if profile.cuts_out() {
        assert!(world.local("image.fits[1:100,1:100]").exists());
        assert!(fs::read_to_string(world.local("header.txt")).unwrap().starts_with("SIMPLE  ="));
    }
}

fn rights_as_the_guides_write_them(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"f");
    let list = |key: &str| world.vospace(&["tag", &world.uri("f"), key]).ok().stdout();
    shell(&world, "vchmod o+r vos:X/f").ok();
    assert_eq!(list("ispublic"), "'true'\n");
    shell(&world, "vchmod g+w vos:X/f 'GROUP1, GROUP2, GROUP3'").ok();
    let groups = ["GROUP1", "GROUP2", "GROUP3"].map(|name| format!("{}?{name}", profile.groups()));
    let written = list("groupwrite");
    assert!(groups.iter().all(|group| written.contains(group.as_str())), "{written}");
    // Between the groups stands a comma (VOSpace 2.1 §3.1.3), and a blank at CADC.
    let commas = matches!(profile, Profile::Strict | Profile::Pyvospace | Profile::Datalab);
    assert_eq!(written.contains(','), commas, "{written}");
    shell(&world, "vchmod g+r:GROUP vos:X/f").ok();
    assert_eq!(list("groupread"), format!("'{}?GROUP'\n", profile.groups()));
    shell(&world, "vchmod g+rw vos:X/f GROUP1 GROUP2").ok();
    assert_eq!(list("groupread"), format!("'{}?GROUP1'\n", profile.groups()));
}

fn trees_as_the_guides_write_them(profile: Profile) {
    let world = World::new(profile);
    world.local_file("dir/sub/deep/f", b"f");
    world.local_file("dir/g", b"g");
    shell(&world, "vsync ./dir/ vos:X/backup/").ok();
    assert_eq!(world.bytes("backup/sub/deep/f").unwrap(), b"f");
    shell(&world, "vsync vos:X/backup/ ./local/").ok();
    assert_eq!(fs::read(world.local("local/sub/deep/f")).unwrap(), b"f");
    world.local_file("dir/g", b"changed");
    shell(&world, "vsync --nstreams=4 ./dir/ vos:X/backup/").ok();
    assert_eq!(world.bytes("backup/g").unwrap(), b"changed");
    shell(&world, "vmkdir vos:X/new && vls -l vos:X").ok();
    shell(&world, "vcp dir vos:X/new").ok();
    shell(&world, "vrm -R vos:X/new").ok();
    assert!(!world.exists("new"));
}

fn credentials_as_the_guides_write_them(profile: Profile) {
    let world = World::tls(profile);
    let get = |line: &str| {
        let name = world.called("cadc-get-cert");
        let mut shell = std::process::Command::new("sh");
        world.environment(&mut shell);
        let program = format!("\"{}\"", name.get_program().to_str().unwrap());
        run(shell.env_remove("VOSPACE_TOKEN").arg("-c").arg(line.replace("cadc-get-cert", &program)))
    };
    let file = world.path("home/.ssl/cadcproxy.pem");
    get("echo demo-password | cadc-get-cert -u demo").ok();
    get("export CADC_USERNAME=demo CADC_PASSWORD=demo-password; cadc-get-cert").ok();
    get("CADC_PASSWORD=demo-password cadc-get-cert -u demo --days-valid 30").ok();
    get("CADC_PASSWORD=demo-password cadc-get-cert --days-valid -u demo").ok();
    get("CADC_PASSWORD=demo-password cadc-get-cert --cert \"$HOME/my.pem\" -u demo").ok();
    assert!(file.is_file() && world.path("home/my.pem").is_file());
    fs::write(world.path("home/.netrc"), "machine 127.0.0.1 login demo password demo-password\n").unwrap();
    fs::remove_file(&file).unwrap();
    get("cadc-get-cert -n").ok();
    let mut vls = world.called("vls");
    run(vls.env_remove("VOSPACE_TOKEN").arg(world.uri(""))).ok();
}
