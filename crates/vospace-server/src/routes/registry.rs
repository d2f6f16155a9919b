//! Registry, capabilities and availability: how a client finds everything else.

use crate::call::Call;
use crate::control::{Control, Mode};
use crate::fault::Fault;
use crate::profile::Bytes;
use crate::replies::{not_mounted, ok};
use crate::routes::{credentials, package};
use crate::space::Space;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use vospace_client::xml::availability::{self, Availability};
use vospace_client::xml::capabilities::{self, Capabilities, Capability, Interface};

/// Security methods of everything that knows callers: anonymous, token, cookie, and over TLS certificate.
const METHODS: [&str; 4] = ["", "ivo://ivoa.net/sso#token", COOKIE, CERTIFICATE];
const COOKIE: &str = "ivo://ivoa.net/sso#cookie";
const CERTIFICATE: &str = "ivo://ivoa.net/sso#tls-with-certificate";

/// `GET /reg/resource-caps`: one line per space. A line has exactly one `=`, the Python client wants it so.
pub fn resource_caps(call: &Call, resource: &str) -> Result<Response<Body>, Fault> {
    if resource != "resource-caps" {
        return Err(not_mounted());
    }
    let mut text = "# The services of this process\n".to_owned();
    for space in call.app.spaces.iter().filter(|space| space.profile.resources.described) {
        let (id, service) = (space.profile.resource_id, space.profile.service);
        text.push_str(&format!("{id} = {}/{service}/capabilities\n", call.base));
    }
    for (id, service) in credentials::services(call) {
        text.push_str(&format!("{id} = {}/{service}/capabilities\n", call.base));
    }
    Ok(ok("text/plain", text))
}

/// `GET /SERVICE/capabilities`.
pub fn capabilities(call: &Call, space: &Space) -> Response<Body> {
    let service = space.profile.service;
    let access = &space.profile.access;
    let methods = METHODS.into_iter().filter(|method| match *method {
        COOKIE => access.cookie.is_some(),
        CERTIFICATE => access.certificates && call.app.tls,
        _ => true,
    });
    let methods: Vec<&str> = methods.collect();
    let methods = methods.as_slice();
    let entry = |standard_id: &str, path: &str, base: bool, methods: &[&str]| Capability {
        standard_id: standard_id.to_owned(),
        interfaces: vec![Interface {
            url: format!("{}/{service}/{path}", call.base),
            base,
            security_methods: methods.iter().map(|&method| method.to_owned()).collect(),
        }],
    };
    let mut document = Capabilities {
        capabilities: vec![
            entry(capabilities::CAPABILITIES, "capabilities", false, &[""]),
            entry(capabilities::AVAILABILITY, "availability", false, &[""]),
            entry(capabilities::NODES, "nodes", true, methods),
            entry(capabilities::FILES, "files", true, methods),
            entry(capabilities::RECURSIVE_DELETE, "async-delete", false, &methods[1..]),
            entry(capabilities::RECURSIVE_PROPERTIES, "async-setprops", false, &methods[1..]),
            entry(capabilities::TRANSFERS, "transfers", false, methods),
            entry(capabilities::SYNC, "synctrans", false, methods),
        ],
    };
    if space.profile.resources.lists {
        for list in ["views", "properties", "protocols"] {
            document.capabilities.push(entry(&format!("ivo://ivoa.net/std/VOSpace/v2.0#{list}"), list, false, methods));
        }
    }
    if space.profile.bytes == Bytes::InPlace {
        // Vault has it as well, and does not say so.
        document.capabilities.push(entry(package::VIEW, "pkg", false, methods));
    }
    ok("text/xml", capabilities::write(&document))
}

/// `GET /SERVICE/availability`; with `detail=min` no body.
pub fn availability(call: &Call, space: &Space) -> Response<Body> {
    let mode = call.app.control.as_ref().map_or(Mode::ReadWrite, Control::mode);
    if call.parameter("detail").as_deref() == Some("min") {
        let mut response = ok("text/xml", Body::empty());
        if mode == Mode::Offline && space.profile.availability_asks {
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        }
        return response;
    }
    let document = Availability { available: mode == Mode::ReadWrite, notes: vec![mode.note().to_owned()] };
    ok("text/xml", availability::write(&document))
}
