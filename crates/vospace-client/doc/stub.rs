// What the examples of the documentation run against: a service that has one text for each request, and a configuration of a user
// who knows it as `lab:`. Each example takes of it what it needs.

/// A container with one file of five bytes.
#[allow(dead_code)]
const CONTAINER: &str = r#"<vos:node xmlns:vos="http://www.ivoa.net/xml/VOSpace/v2.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    uri="vos://lab.example~vospace/d" xsi:type="vos:ContainerNode"><vos:properties/><vos:nodes>
    <vos:node uri="vos://lab.example~vospace/d/f" xsi:type="vos:DataNode"><vos:properties>
    <vos:property uri="ivo://ivoa.net/vospace/core#length">5</vos:property></vos:properties></vos:node></vos:nodes></vos:node>"#;

/// That file.
#[allow(dead_code)]
const FILE: &str = r#"<vos:node xmlns:vos="http://www.ivoa.net/xml/VOSpace/v2.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    uri="vos://lab.example~vospace/d/f" xsi:type="vos:DataNode"><vos:properties>
    <vos:property uri="ivo://ivoa.net/vospace/core#length">5</vos:property></vos:properties></vos:node>"#;

/// Answers each request whose first line begins so with this status and text, in which `BASE` is the address. Returns that.
fn answering(answers: &'static [(&'static str, u16, &'static str)]) -> String {
    use std::io::{BufRead as _, Read as _, Write as _};
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let here = base.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut lines = std::io::BufReader::new(stream.try_clone().unwrap());
            let mut head = String::new();
            while lines.read_line(&mut head).unwrap_or(0) > 2 {}
            let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            let _ = lines.read_exact(&mut body);
            let answer = answers.iter().find(|(line, ..)| head.starts_with(line));
            let (status, text) = answer.map_or((404, ""), |(_, status, text)| (*status, *text));
            let text = text.replace("BASE", &here);
            let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len());
            let _ = stream.write_all(format!("{head}{text}").as_bytes());
        }
    });
    base
}

/// The configuration of a user whose service is such a one.
#[allow(dead_code)]
fn configured(answers: &'static [(&'static str, u16, &'static str)]) -> vospace_client::ClientConfig {
    let file = tempfile::NamedTempFile::new().unwrap();
    let base = answering(answers);
    let section = format!(
        "[service.lab]\nresource-id = \"ivo://lab.example/vospace\"\nbase-url = \"{base}\"\n\
         endpoints = {{ nodes = \"nodes\", files = \"files\" }}\nauth = {{ scheme = \"anonymous\" }}\n"
    );
    std::fs::write(&file, section).unwrap();
    let services = vospace_client::services::load_from(&[file.path().to_owned()]).unwrap();
    vospace_client::ClientConfig { services, ..vospace_client::ClientConfig::default() }
}
