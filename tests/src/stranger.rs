//! A host that belongs to nobody: it refuses everything, and remembers what it was sent.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

/// See the module. It listens until the test's process ends.
#[derive(Debug)]
pub struct Stranger {
    address: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Stranger {
    /// Listens on a free port.
    pub fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&heads);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let mut head = String::new();
                let mut lines = BufReader::new(stream.try_clone().unwrap());
                while lines.read_line(&mut head).is_ok_and(|length| length > 2) {}
                noted.lock().unwrap().push(head);
                let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            }
        });
        Self { address, heads }
    }

    /// `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The heads of the requests so far, as they came.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}
