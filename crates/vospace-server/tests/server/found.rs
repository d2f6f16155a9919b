//! What was found on the real services and must be here too. Each test is named by its finding, `b01` to `b20` of Vault
//! and `n01` to `n19` of Cavern, and says what a client sees.

#[path = "found/cavern_files.rs"]
mod cavern_files;
#[path = "found/cavern_nodes.rs"]
mod cavern_nodes;
#[path = "found/vault_bytes.rs"]
mod vault_bytes;
#[path = "found/vault_jobs.rs"]
mod vault_jobs;
#[path = "found/vault_nodes.rs"]
mod vault_nodes;

use crate::support::{ADA, Answer, Bench};

/// Starts a PUT transaction: endpoint and identity.
async fn begin(bench: &Bench, path: &str, total: &str) -> (String, String) {
    let endpoint = bench.endpoint("vault", path, "pushToVoSpace").await;
    let headers = [("x-put-txn-op", "start"), ("x-total-length", total), ("content-length", "0")];
    let answer = bench.send("PUT", &endpoint, None, &headers, "").await;
    assert_eq!(answer.status, 202);
    (endpoint, answer.header("x-put-txn-id").unwrap().to_owned())
}

async fn append(bench: &Bench, (endpoint, id): &(String, String), bytes: &[u8]) -> Answer {
    bench.send("PUT", endpoint, None, &[("x-put-txn-id", id)], bytes.to_vec()).await
}

async fn commit(bench: &Bench, (endpoint, id): &(String, String)) -> Answer {
    let headers = [("x-put-txn-id", id.as_str()), ("x-put-txn-op", "commit"), ("content-length", "0")];
    bench.send("PUT", endpoint, None, &headers, "").await
}

/// HEAD of a transaction: length and digest.
async fn settled(bench: &Bench, (endpoint, id): &(String, String)) -> (Option<String>, Option<String>) {
    let answer = bench.send("HEAD", endpoint, None, &[("x-put-txn-id", id)], "").await;
    let text = |name| answer.header(name).map(str::to_owned);
    (text("content-length"), text("digest"))
}

/// Recursive removal by a job: phase and error.
async fn remove_tree(bench: &Bench, service: &str, path: &str) -> (String, String) {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let body = format!("target=vos://cadc.nrc.ca~{service}{path}");
    let created = bench.send("POST", &format!("/{service}/async-delete"), ADA, &form, body).await;
    bench.run(&created).await
}

/// The URL of a negotiation by parameters.
fn parameters(service: &str, path: &str, direction: &str) -> String {
    let protocol = if direction.starts_with("push") { "httpsput" } else { "httpsget" };
    format!(
        "/{service}/synctrans?TARGET=vos://cadc.nrc.ca~{service}{path}&DIRECTION={direction}\
         &PROTOCOL=ivo://ivoa.net/vospace/core%23{protocol}"
    )
}

/// The last step of a negotiation by document.
async fn details(bench: &Bench, service: &str, document: &str) -> Answer {
    let answer = bench.transfer(service, "synctrans", document).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let answer = bench.get(answer.location()).await;
    if answer.status != 303 {
        return answer;
    }
    bench.get(answer.location()).await
}
