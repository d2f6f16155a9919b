//! `/views`, `/properties` and `/protocols`: what a service takes, gives and has (getViews, getProperties and
//! getProtocols of VOSpace 2.1). Vault and Cavern have none of them.

use crate::call::Call;
use crate::documents::{TYPE, in_namespace};
use crate::fault::Fault;
use crate::replies::{not_allowed, ok};
use crate::space::Space;
use crate::space::changes::CORE;
use crate::store::properties;
use axum::body::Body;
use axum::http::{Method, Response};
use std::sync::Arc;

/// The bytes as they are.
const VIEW: &str = "ivo://ivoa.net/vospace/core#defaultview";
/// The protocols of uploads.
const PUT: [&str; 2] = ["ivo://ivoa.net/vospace/core#httpput", "ivo://ivoa.net/vospace/core#httpsput"];
/// The protocols of downloads.
const GET: [&str; 2] = ["ivo://ivoa.net/vospace/core#httpget", "ivo://ivoa.net/vospace/core#httpsget"];

/// The list of this name.
pub async fn serve(call: Call, space: Arc<Space>, list: &str) -> Result<Response<Body>, Fault> {
    if call.method != Method::GET {
        return Ok(not_allowed(&call.method, "GET"));
    }
    let text = match list {
        "views" => document("view", &[("accepts", &texts(&[VIEW])), ("provides", &texts(&[VIEW]))]),
        // As the service sees it: it gives what it sends, and takes what it is sent.
        "protocols" => document("protocol", &[("accepts", &texts(&PUT)), ("provides", &texts(&GET))]),
        _ => {
            let known: Vec<String> = CORE.iter().map(|key| format!("ivo://ivoa.net/vospace/core#{key}")).collect();
            let mut contains = space.store.read(properties::keys).await?;
            contains.retain(|key| key != TYPE);
            document("property", &[("accepts", &known), ("provides", &known), ("contains", &contains)])
        }
    };
    Ok(ok("text/xml", in_namespace(&space, text)))
}

fn texts(uris: &[&str]) -> Vec<String> {
    uris.iter().map(|&uri| uri.to_owned()).collect()
}

/// The document with these lists of elements.
fn document(element: &str, lists: &[(&str, &[String])]) -> String {
    let root = if element == "property" { "properties".to_owned() } else { format!("{element}s") };
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <vos:{root} xmlns:vos=\"http://www.ivoa.net/xml/VOSpace/v2.0\" version=\"2.1\">\n"
    );
    for (name, uris) in lists {
        text.push_str(&format!("<vos:{name}>"));
        for uri in *uris {
            let uri = uri.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
            text.push_str(&format!("<vos:{element} uri=\"{uri}\"/>"));
        }
        text.push_str(&format!("</vos:{name}>\n"));
    }
    text.push_str(&format!("</vos:{root}>\n"));
    text
}
