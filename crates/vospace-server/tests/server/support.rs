//! A bench: the service in this process, and requests to it.

use axum::http::HeaderMap;
use reqwest::{Client, Method, redirect};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use vospace_client::node::{Md5, Node};
use vospace_client::xml::transfer;
use vospace_server::identity::Users;
use vospace_server::permissions::Groups;
use vospace_server::profile::Profile;
use vospace_server::serve::{self, ServeOptions, Service};

pub(crate) const ADA: Option<&str> = Some("ada-token");
pub(crate) const EVE: Option<&str> = Some("eve-token");

pub(crate) struct Bench {
    dir: TempDir,
    service: Option<Service>,
    pub(crate) base: String,
    http: Client,
    adjust: fn(&mut ServeOptions),
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap().trim_end()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn location(&self) -> &str {
        self.header("location").unwrap()
    }

    pub(crate) fn node(&self) -> Node {
        assert!(matches!(self.status, 200 | 201), "{} {}", self.status, self.text());
        vospace_client::xml::read::read_node(&self.body).unwrap()
    }
}

impl Bench {
    pub(crate) async fn start() -> Bench {
        Bench::with(|_| {}).await
    }

    /// A bench whose service is started with other options.
    pub(crate) async fn with(adjust: fn(&mut ServeOptions)) -> Bench {
        let mut bench = Bench { adjust, http: client(usize::MAX), ..Bench::of("") };
        bench.open().await;
        bench
    }

    /// A client of a service that runs elsewhere, without one of its own. Connections are not kept: a process that was
    /// killed has closed them, and a client may not have seen it yet.
    pub(crate) fn of(base: &str) -> Bench {
        Bench { dir: TempDir::new().unwrap(), service: None, base: base.to_owned(), http: client(0), adjust: |_| {} }
    }

    async fn open(&mut self) {
        let mut users = Users::default();
        users.add("ada", "ada-token");
        users.add("eve", "eve-token");
        users.add("admin", "admin-token");
        users.set_password("ada", "ada-password");
        let mut groups = Groups::default();
        groups.add("team", ["eve".to_owned()]);
        let mut options = ServeOptions {
            profiles: vec![Profile::vault(), Profile::cavern()],
            users,
            groups: Arc::new(groups),
            control: true,
            ..ServeOptions::new(self.dir.path())
        };
        (self.adjust)(&mut options);
        let service = serve::start(options).await.unwrap();
        self.base = service.base();
        self.service = Some(service);
    }

    pub(crate) fn data(&self) -> &std::path::Path {
        self.dir.path()
    }

    pub(crate) async fn restart(&mut self) {
        self.service.take().unwrap().stop().await;
        self.open().await;
    }

    /// A request; `url` is a path of the service or a whole URL.
    pub(crate) async fn send(
        &self,
        method: &str,
        url: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        self.try_send(method, url, token, headers, body).await.unwrap()
    }

    /// A request whose answer may break off or not come.
    pub(crate) async fn try_send(
        &self,
        method: &str,
        url: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> reqwest::Result<Answer> {
        let url = if url.starts_with("http") { url.to_owned() } else { format!("{}{url}", self.base) };
        let mut request = self.http.request(Method::from_bytes(method.as_bytes()).unwrap(), url).body(body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = if method == "HEAD" { Vec::new() } else { response.bytes().await?.to_vec() };
        Ok(Answer { status, headers, body })
    }

    /// Sets a fault.
    pub(crate) async fn fault(&self, rule: &str) {
        let answer = self.send("POST", "/_bench/fault", None, &[], rule.to_owned()).await;
        assert_eq!(answer.status, 201, "{rule}: {}", answer.text());
    }

    /// Removes all faults.
    pub(crate) async fn no_faults(&self) {
        assert_eq!(self.send("DELETE", "/_bench/fault", None, &[], "").await.status, 204);
    }

    /// Changes a setting through the control resource.
    pub(crate) async fn control(&self, resource: &str, change: &str) {
        let answer = self.send("POST", &format!("/_bench/{resource}"), None, &[], change.to_owned()).await;
        assert!(matches!(answer.status, 200 | 204), "{change}: {} {}", answer.status, answer.text());
    }

    /// What comes over the wire for a request that is sent as it is: the head, and the body until the connection ends.
    pub(crate) async fn wire(&self, request: &str) -> (String, Vec<u8>) {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        received(&mut stream).await
    }

    pub(crate) async fn connect(&self) -> tokio::net::TcpStream {
        tokio::net::TcpStream::connect(self.base.strip_prefix("http://").unwrap()).await.unwrap()
    }

    pub(crate) async fn get(&self, url: &str) -> Answer {
        self.send("GET", url, ADA, &[], "").await
    }

    pub(crate) async fn get_range(&self, url: &str, range: &str) -> Answer {
        self.send("GET", url, None, &[("range", range)], "").await
    }

    pub(crate) async fn head(&self, url: &str) -> Answer {
        self.send("HEAD", url, ADA, &[], "").await
    }

    pub(crate) async fn delete(&self, url: &str) -> Answer {
        self.send("DELETE", url, ADA, &[], "").await
    }

    /// `GET /SERVICE/nodes/PATH?limit=0` as a document.
    pub(crate) async fn stat(&self, service: &str, path: &str) -> Node {
        self.get(&format!("/{service}/nodes{path}?limit=0")).await.node()
    }

    /// The text of a listing.
    pub(crate) async fn list(&self, service: &str, path: &str) -> String {
        let answer = self.get(&format!("/{service}/nodes{path}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.text().to_owned()
    }

    /// PUT (or POST) of a node document.
    pub(crate) async fn node(&self, method: &str, service: &str, path: &str, kind: &str, inner: &str) -> Answer {
        self.node_as(ADA, method, service, path, kind, inner).await
    }

    pub(crate) async fn node_as(
        &self,
        token: Option<&str>,
        method: &str,
        service: &str,
        path: &str,
        kind: &str,
        inner: &str,
    ) -> Answer {
        let properties = if inner.contains("vos:properties") { "" } else { "<vos:properties/>" };
        let nodes = if kind == "ContainerNode" { "<vos:nodes/>" } else { "" };
        let document = format!(
            "<vos:node xmlns:vos=\"http://www.ivoa.net/xml/VOSpace/v2.0\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
             uri=\"vos://cadc.nrc.ca~{service}{path}\" xsi:type=\"vos:{kind}\">{properties}{inner}{nodes}</vos:node>"
        );
        self.send(method, &format!("/{service}/nodes{path}"), token, &[("content-type", "text/xml")], document).await
    }

    pub(crate) async fn mkdir(&self, service: &str, path: &str) {
        let answer = self.node("PUT", service, path, "ContainerNode", "").await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    }

    /// POST of one property.
    pub(crate) async fn set(&self, service: &str, path: &str, kind: &str, uri: &str, value: &str) -> Answer {
        self.node("POST", service, path, kind, &properties(&[(uri, Some(value))])).await
    }

    /// The first step of a negotiation by document.
    pub(crate) async fn transfer(&self, service: &str, resource: &str, document: &str) -> Answer {
        let url = format!("/{service}/{resource}");
        self.send("POST", &url, ADA, &[("content-type", "text/xml")], document.to_owned()).await
    }

    /// A whole negotiation by document, which must give an endpoint.
    pub(crate) async fn endpoint(&self, service: &str, path: &str, direction: &str) -> String {
        let answer = self.transfer(service, "synctrans", &negotiation(service, path, direction)).await;
        assert_eq!(answer.status, 303);
        let answer = self.get(answer.location()).await;
        assert_eq!(answer.status, 303);
        let answer = self.get(answer.location()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let details = transfer::read(&answer.body).unwrap();
        details.protocols[0].endpoint.clone().unwrap()
    }

    /// Writes a file in the way of the service.
    pub(crate) async fn write(&self, service: &str, path: &str, bytes: &[u8]) {
        let answer = if service == "vault" {
            let endpoint = self.endpoint(service, path, "pushToVoSpace").await;
            self.send("PUT", &endpoint, None, &[], bytes.to_vec()).await
        } else {
            self.send("PUT", &format!("/{service}/files{path}"), ADA, &[], bytes.to_vec()).await
        };
        assert_eq!(answer.status, 201, "{}", answer.text());
        assert_eq!(answer.header("digest"), Some(digest(bytes).as_str()));
    }

    /// Reads a file, following the redirect.
    pub(crate) async fn read(&self, service: &str, path: &str) -> Vec<u8> {
        let mut answer = self.get(&format!("/{service}/files{path}")).await;
        if answer.status == 303 {
            answer = self.send("GET", answer.location(), None, &[], "").await;
        }
        assert!(matches!(answer.status, 200 | 204), "{} {}", answer.status, answer.text());
        answer.body
    }

    /// Runs an asynchronous job to its end: phase, and the error if there is one.
    pub(crate) async fn run(&self, created: &Answer) -> (String, String) {
        assert_eq!(created.status, 303, "{}", created.text());
        let job = created.location().to_owned();
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let started = self.send("POST", &format!("{job}/phase"), ADA, &form, "PHASE=RUN").await;
        assert_eq!((started.status, started.location()), (303, job.as_str()));
        loop {
            let document = self.get(&format!("{job}?WAIT=30")).await;
            let document = vospace_client::xml::job::read(&document.body).unwrap();
            if document.phase.is_final() {
                let error = self.get(&format!("{job}/error")).await;
                let error = if error.status == 200 { error.text().to_owned() } else { String::new() };
                return (document.phase.as_str().to_owned(), error);
            }
        }
    }

    /// A move by job.
    pub(crate) async fn rename(&self, service: &str, from: &str, to: &str) -> (String, String) {
        let created = self.transfer(service, "transfers", &relocation(service, from, to)).await;
        self.run(&created).await
    }

    /// Sends the head of a request and only a part of the announced body, and goes away.
    pub(crate) async fn cut_put(&self, url: &str, announced: usize, sent: usize, headers: &[(&str, &str)]) {
        let host = self.base.strip_prefix("http://").unwrap();
        let path = url.strip_prefix(&self.base).unwrap_or(url);
        let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
        let mut head = format!("PUT {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {announced}\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        stream.write_all(format!("{head}\r\n").as_bytes()).await.unwrap();
        stream.write_all(&vec![b'x'; sent]).await.unwrap();
        stream.shutdown().await.unwrap();
        // The service is done with it when it closes its side.
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
    }
}

/// A client that follows no redirects and keeps so many connections.
fn client(kept: usize) -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().redirect(redirect::Policy::none()).pool_max_idle_per_host(kept).build().unwrap()
}

/// Head and body of an answer, until the other side closes. A reset is an end, too.
pub(crate) async fn received(stream: &mut tokio::net::TcpStream) -> (String, Vec<u8>) {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 65536];
    let reading = async {
        while let Ok(count) = stream.read(&mut buffer).await {
            if count == 0 {
                break;
            }
            bytes.extend_from_slice(&buffer[..count]);
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), reading).await.expect("the connection stays open");
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
    let body = bytes.split_off(end);
    (String::from_utf8(bytes).unwrap(), body)
}

/// A service over https with the user `ada`.
pub(crate) async fn tls_service(data: &std::path::Path) -> Service {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut users = Users::default();
    users.add("ada", "ada-token");
    users.set_password("ada", "ada-password");
    let options = ServeOptions { users, tls: true, control: true, ..ServeOptions::new(data) };
    serve::start(options).await.unwrap()
}

pub(crate) fn digest(bytes: &[u8]) -> String {
    use md5::Digest as _;
    Md5(md5::Md5::digest(bytes).into()).to_digest_header()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use md5::Digest as _;
    Md5(md5::Md5::digest(bytes).into()).to_string()
}

/// A list of properties; `None` is `xsi:nil`.
pub(crate) fn properties(list: &[(&str, Option<&str>)]) -> String {
    let one = |(uri, value): &(&str, Option<&str>)| match value {
        Some(value) => format!("<vos:property uri=\"{uri}\">{value}</vos:property>"),
        None => format!("<vos:property uri=\"{uri}\" xsi:nil=\"true\"/>"),
    };
    format!("<vos:properties>{}</vos:properties>", list.iter().map(one).collect::<String>())
}

pub(crate) fn negotiation(service: &str, path: &str, direction: &str) -> String {
    let protocol = if direction.starts_with("push") { "httpsput" } else { "httpsget" };
    format!(
        "<vos:transfer xmlns:vos=\"http://www.ivoa.net/xml/VOSpace/v2.0\" version=\"2.1\">\
         <vos:target>vos://cadc.nrc.ca~{service}{path}</vos:target><vos:direction>{direction}</vos:direction>\
         <vos:protocol uri=\"ivo://ivoa.net/vospace/core#{protocol}\"/>\
         <vos:protocol uri=\"ivo://ivoa.net/vospace/core#{protocol}\">\
         <vos:securityMethod uri=\"ivo://ivoa.net/sso#token\"/></vos:protocol></vos:transfer>"
    )
}

pub(crate) fn relocation(service: &str, from: &str, to: &str) -> String {
    format!(
        "<vos:transfer xmlns:vos=\"http://www.ivoa.net/xml/VOSpace/v2.0\" version=\"2.1\">\
         <vos:target>vos://cadc.nrc.ca~{service}{from}</vos:target>\
         <vos:direction>vos://cadc.nrc.ca~{service}{to}</vos:direction>\
         <vos:keepBytes>false</vos:keepBytes></vos:transfer>"
    )
}
