//! HTTP by hand: each request as written, each answer as it came, no redirect followed and nothing repeated.
//!
//! For what a client library would not let through: a body that ends too early, and every header in between.

use std::io::{BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::server::Server;

/// Longest wait for a byte of an answer.
const LIMIT: Duration = Duration::from_secs(60);

/// An answer as it came.
#[derive(Debug)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Names in lower case, with their values.
    headers: Vec<(String, String)>,
    /// The body, without its chunks.
    pub body: Vec<u8>,
}

impl Reply {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Fails unless it has this status.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{:?}\n{}", self.headers, self.text());
        self
    }

    /// Fails unless it has this header with this value; none for a header that must not be there.
    #[track_caller]
    pub fn has(self, name: &str, value: Option<&str>) -> Self {
        assert_eq!(self.header(name), value, "{name} in {:?}", self.headers);
        self
    }
}

/// Where requests go: one connection each.
#[derive(Debug)]
pub struct Wire<'a> {
    server: &'a Server,
    /// The header that says who asks.
    credential: (&'static str, String),
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

impl<'a> Wire<'a> {
    /// To this service as the user `demo`, over TLS if it has that.
    pub fn new(server: &'a Server) -> Self {
        Self { server, credential: server.credential() }
    }

    /// One request, with headers as given; the length of the body is added. `target` is a path, or a
    /// URL of an answer.
    pub fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let length = body.len().to_string();
        let mut all = vec![("Content-Length", length.as_str())];
        all.extend(headers);
        self.exchange(method, target, &all, body).unwrap_or_else(|| panic!("{method} {target}: no answer"))
    }

    /// Without a body.
    pub fn get(&self, target: &str) -> Reply {
        self.send("GET", target, &[], b"")
    }

    /// Announces `length` bytes, sends these and closes.
    pub fn cut(&self, method: &str, target: &str, headers: &[(&str, &str)], length: usize, body: &[u8]) {
        assert!(body.len() < length);
        let length = length.to_string();
        let mut all = vec![("Content-Length", length.as_str())];
        all.extend(headers);
        // There may be an answer or none; nobody is there to read it.
        self.exchange_with(method, target, &all, body, true);
    }

    fn exchange(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Reply> {
        self.exchange_with(method, target, headers, body, false)
    }

    fn exchange_with(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        cut: bool,
    ) -> Option<Reply> {
        let (address, path) = match target.split_once("://") {
            Some((_, rest)) => rest.split_once('/').map(|(host, path)| (host.to_owned(), format!("/{path}"))).unwrap(),
            None => (self.server.address(), target.to_owned()),
        };
        let socket = TcpStream::connect(&address).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        let closer = socket.try_clone().unwrap();
        let mut stream: Box<dyn Stream> = if self.server.authority().exists() {
            Box::new(StreamOwned::new(self.tls(), socket))
        } else {
            Box::new(socket)
        };
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
        // Bytes come with a grant in their URL, and credentials beside it would be looked at.
        if !path.starts_with("/minoc") {
            let (name, value) = &self.credential;
            head += &format!("{name}: {value}\r\n");
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        stream.flush().unwrap();
        if cut {
            closer.shutdown(Shutdown::Write).unwrap();
            let mut ignored = Vec::new();
            let _ = stream.read_to_end(&mut ignored);
            return None;
        }
        read(BufReader::new(stream), method)
    }

    fn tls(&self) -> ClientConnection {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(self.server.authority()).unwrap() {
            roots.add(certificate.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        ClientConnection::new(Arc::new(config), ServerName::try_from("127.0.0.1").unwrap()).unwrap()
    }
}

fn read(mut stream: impl std::io::BufRead, method: &str) -> Option<Reply> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let status = line.split(' ').nth(1).unwrap().parse().unwrap();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let mut reply = Reply { status, headers, body: Vec::new() };
    if method == "HEAD" || matches!(status, 204 | 304) {
        return Some(reply);
    }
    if reply.header("transfer-encoding") == Some("chunked") {
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).unwrap();
            let length = usize::from_str_radix(line.trim(), 16).unwrap();
            let mut chunk = vec![0; length + 2];
            stream.read_exact(&mut chunk).unwrap();
            if length == 0 {
                break;
            }
            reply.body.extend(&chunk[..length]);
        }
    } else {
        reply.body = vec![0; reply.header("content-length").map_or(0, |length| length.parse().unwrap())];
        stream.read_exact(&mut reply.body).unwrap();
    }
    Some(reply)
}
