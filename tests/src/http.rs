//! Plain HTTP, past all code under test: what the service really holds.

use std::time::Duration;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Status of the last redirect's target.
    pub status: u16,
    /// What came of the body: a file that a Cavern overwrites in place meanwhile ends early.
    pub body: Vec<u8>,
}

/// How often one is sent whose connection ends before the head of its answer: a file that a Cavern empties just then, to
/// overwrite it in place, is shorter than was promised before a byte of the answer is on its way.
const SENDS: usize = 5;

/// One request with a bearer token; redirects are followed, TLS certificates not verified.
pub fn request(method: &str, url: &str, token: Option<&str>) -> Answer {
    let token = token.map(|token| format!("Bearer {token}"));
    let headers: Vec<_> = token.iter().map(|token| ("authorization", token.as_str())).collect();
    send(method, url, &headers, String::new())
}

/// The same with these headers.
pub fn request_with(method: &str, url: &str, headers: &[(&str, &str)]) -> Answer {
    send(method, url, headers, String::new())
}

/// One request with a body.
pub fn post(url: &str, body: &str) -> Answer {
    send("POST", url, &[], body.to_owned())
}

/// One request with parameters as its body.
pub fn post_form(url: &str, body: &str) -> Answer {
    send("POST", url, &[("content-type", "application/x-www-form-urlencoded")], body.to_owned())
}

fn send(method: &str, url: &str, headers: &[(&str, &str)], body: String) -> Answer {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        // A second installation in the same process is refused, and as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .tls_danger_accept_invalid_certs(true)
            .timeout(Duration::from_secs(60))
            .build()
            .unwrap();
        let mut sent = 0;
        let mut answer = loop {
            let mut request = client.request(method.parse().unwrap(), url).body(body.clone());
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            sent += 1;
            match request.send().await {
                Ok(answer) => break answer,
                Err(error) if method == "GET" && !error.is_connect() && !error.is_timeout() && sent < SENDS => {}
                Err(error) => panic!("{method} {url}: {error:?}"),
            }
        };
        let mut body = Vec::new();
        while let Ok(Some(part)) = answer.chunk().await {
            body.extend_from_slice(&part);
        }
        Answer { status: answer.status().as_u16(), body }
    })
}
