//! Addresses that lost their port.
//!
//! A service that writes its addresses from the request's `Host` may drop the port of that (the CADC services, observed),
//! and would not be found at a port of its own. That it did so is not guessed: the document names its own address too, and
//! it was read from that with the port.

use url::Url;

use super::{CAPABILITIES, Capabilities};

impl Capabilities {
    /// The same with the port of `found`, where this document was read, if its own address is that without the port. Only
    /// addresses of the same scheme and host without a port get it.
    #[must_use]
    pub fn read_at(mut self, found: &Url) -> Self {
        let Some(port) = found.port() else { return self };
        let is_beside =
            |url: &Url| url.port().is_none() && (url.scheme(), url.host_str()) == (found.scheme(), found.host_str());
        let is_found = |text: &str| Url::parse(text).is_ok_and(|url| is_beside(&url) && url.path() == found.path());
        let own = self.capabilities.iter().filter(|capability| capability.standard_id == CAPABILITIES);
        if !own.flat_map(|capability| &capability.interfaces).any(|interface| is_found(&interface.url)) {
            return self;
        }
        for interface in self.capabilities.iter_mut().flat_map(|capability| &mut capability.interfaces) {
            if let Ok(mut url) = Url::parse(&interface.url)
                && is_beside(&url)
                && url.set_port(Some(port)).is_ok()
            {
                interface.url = url.into();
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Capability, Interface, NODES};
    use super::*;

    fn nodes(own: &str, nodes: &str, found: &str) -> String {
        let entry = |standard_id: &str, url: &str| Capability {
            standard_id: standard_id.to_owned(),
            interfaces: vec![Interface { url: url.to_owned(), base: true, security_methods: vec![] }],
        };
        let document = Capabilities { capabilities: vec![entry(CAPABILITIES, own), entry(NODES, nodes)] };
        document.read_at(&found.parse().unwrap()).url(NODES, None).unwrap().to_owned()
    }

    #[test]
    fn a_port_that_was_dropped_is_that_where_the_document_was_read() {
        let found = "https://h:8443/arc/capabilities";
        let own = "https://h/arc/capabilities";
        assert_eq!(nodes(own, "https://h/arc/nodes", found), "https://h:8443/arc/nodes");
        for (own, nodes_at) in [
            (own, "https://other/arc/nodes"),
            (own, "https://h:9/arc/nodes"),
            (own, "http://h/arc/nodes"),
            ("https://h/other/capabilities", "https://h/arc/nodes"),
            ("https://h:8443/arc/capabilities", "https://h/arc/nodes"),
            ("http://h/arc/capabilities", "https://h/arc/nodes"),
        ] {
            assert_eq!(nodes(own, nodes_at, found), nodes_at, "{own}");
        }
        assert_eq!(nodes(own, "https://h/arc/nodes", own), "https://h/arc/nodes");
    }
}
