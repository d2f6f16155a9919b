//! `vcat`: text with two more lines, and what is broken in it.

use std::time::Duration;

use vofs_tests::process::Guard;
use vofs_tests::wait_until;

use crate::bench::{Bench, judged};

judged! {
    both: text, several_and_one_missing, quiet, through_a_link, head_of_a_local_file;
    vault: head_prints_the_whole_file;
    cavern: empty_file_never_ends, head_is_refused;
}

fn text(bench: &Bench<'_>) {
    bench.put("t.txt", "hello\n");
    assert_eq!(bench.run("vcat", &[bench.uri("t.txt")]).ok().stdout(), "hello\n\n\n");
}

fn several_and_one_missing(bench: &Bench<'_>) {
    bench.put("a.txt", "a");
    bench.put("b.txt", "b");
    let shown = bench.run("vcat", &[bench.uri("a.txt"), bench.uri("missing"), bench.uri("b.txt")]);
    let shown = shown.fails_with(2, &["ERROR vcat "]);
    assert_eq!(shown.stdout(), "a\n\nb\n\n");
}

fn quiet(bench: &Bench<'_>) {
    let shown = bench.run("vcat", &["-q", &bench.uri("missing")]).fails_with(2, &[]);
    assert_eq!((shown.stdout().as_str(), shown.stderr.as_str()), ("", ""));
}

fn through_a_link(bench: &Bench<'_>) {
    bench.put("t.txt", "hello\n");
    bench.run("vln", &[bench.uri("t.txt"), bench.uri("lnk")]).ok();
    assert_eq!(bench.run("vcat", &[bench.uri("lnk")]).ok().stdout(), "hello\n\n\n");
}

fn head_of_a_local_file(bench: &Bench<'_>) {
    let file = bench.file("t.txt", "x");
    let text = format!("ERROR vcat FITS header not supported for local source {file}");
    bench.run("vcat", &["--head", &file]).fails_with(1, &[&text]);
}

fn head_prints_the_whole_file(bench: &Bench<'_>) {
    bench.put("t.txt", "hello\n");
    bench.world.server.forget();
    assert_eq!(bench.run("vcat", &["--head", &bench.uri("t.txt")]).ok().stdout(), "hello\n\n\n");
    assert!(bench.world.server.log().iter().all(|request| !request.query.contains("META")));
}

fn head_is_refused(bench: &Bench<'_>) {
    bench.put("t.txt", "hello\n");
    let uri = bench.uri("t.txt");
    let text = format!("ERROR vcat FITS header not supported for local source {uri}");
    bench.run("vcat", &["--head", &uri]).fails_with(1, &[&text]);
}

fn empty_file_never_ends(bench: &Bench<'_>) {
    bench.put("empty", "");
    let mut command = bench.python.command("vcat");
    let mut running = Guard::spawn(command.arg(bench.uri("empty")));
    // An answer without content is taken for a busy service, and asked for again every five seconds.
    wait_until("it asks again", Duration::from_secs(60), || {
        let log = bench.world.server.log();
        log.iter().filter(|request| request.path.ends_with("/files/demo/empty") && request.status == 204).count() >= 2
    });
    assert!(running.ended().is_none());
}
