//! What a status and the text beside it mean.
//!
//! The CADC services answer 400 for bad input, for what they do not support and for a container that is not empty:
//! only the text tells. The texts are those observed of Vault 1.1 and Cavern 0.10; the standard's own fault names
//! (VOSpace 2.1 §5) are among them, with and without blanks.

use crate::ErrorKind;

/// For an answer with a status of 400 or above.
pub(super) fn classify_status(status: u16, text: &str) -> ErrorKind {
    let has = |part: &str| text.to_ascii_lowercase().contains(part);
    match status {
        400 => match classify_fault(text) {
            Some(kind) => kind,
            None => ErrorKind::BadRequest,
        },
        // A negotiation that the caller may not do is answered 401 at its last step, with the real reason.
        401 if has("permissiondenied") => ErrorKind::PermissionDenied,
        401 => ErrorKind::Unauthorized,
        403 if has("locked") => ErrorKind::Locked,
        // Nobody is logged in, or no longer (pyvospace, observed).
        403 if has("credentials not found") => ErrorKind::Unauthorized,
        403 => ErrorKind::PermissionDenied,
        404 if has("unreadablelinktarget") => ErrorKind::LinkLoop,
        404 | 410 => ErrorKind::NotFound,
        405 | 501 => ErrorKind::Unsupported,
        408 | 504 => ErrorKind::Timeout,
        409 if has("nodebusy") => ErrorKind::Locked,
        409 => ErrorKind::AlreadyExists,
        412 => ErrorKind::ChecksumMismatch,
        413 if has("quota") || has("limit") => ErrorKind::QuotaExceeded,
        413 => ErrorKind::TooLarge,
        416 => ErrorKind::RangeNotSatisfiable,
        423 => ErrorKind::Locked,
        503 if has("read-only") => ErrorKind::ReadOnlyService,
        507 => ErrorKind::QuotaExceeded,
        // A storage that is full is told by the system's own words only.
        500 if has("no space left on device") => ErrorKind::QuotaExceeded,
        429 | 500..=599 => ErrorKind::Service,
        _ => ErrorKind::BadRequest,
    }
}

/// For the text of a fault alone, as in a job's error. None when it says nothing known.
pub(crate) fn classify_fault(text: &str) -> Option<ErrorKind> {
    let text: String = text.to_ascii_lowercase();
    let squeezed: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    // In this order: a more telling text may stand behind the name of a general fault.
    let table: [(&str, ErrorKind); 35] = [
        ("cannotmovecontainernode", ErrorKind::MovePrefix),
        ("argsmustbothbe", ErrorKind::MoveIntoRoot),
        ("isnotempty", ErrorKind::NotEmpty),
        ("notadatanode", ErrorKind::NotData),
        ("isnotcontainernode", ErrorKind::NotAContainer),
        ("isnotacontainer", ErrorKind::NotAContainer),
        ("notimplemented", ErrorKind::Unsupported),
        ("notsupported", ErrorKind::Unsupported),
        ("unsupported", ErrorKind::Unsupported),
        ("unreadablelinktarget", ErrorKind::LinkLoop),
        ("cannotnavigateexternal", ErrorKind::LinkLoop),
        ("linkfound", ErrorKind::LinkInPath),
        ("nodenotfound", ErrorKind::NotFound),
        ("containernotfound", ErrorKind::NotFound),
        ("nodelocked", ErrorKind::Locked),
        ("nodebusy", ErrorKind::Locked),
        ("duplicatenode", ErrorKind::AlreadyExists),
        ("destinationexists", ErrorKind::AlreadyExists),
        ("quotaexceeded", ErrorKind::QuotaExceeded),
        ("requestentitytoolarge", ErrorKind::TooLarge),
        ("permissiondenied", ErrorKind::PermissionDenied),
        ("notauthenticated", ErrorKind::Unauthorized),
        ("vosurisyntax", ErrorKind::InvalidName),
        ("urisyntaxexception", ErrorKind::InvalidName),
        // Of the node; that of a property may be meant by what says no more.
        ("requesteduriisinvalid", ErrorKind::InvalidName),
        ("transientexception", ErrorKind::Service),
        ("read-only", ErrorKind::ReadOnlyService),
        ("servicebusy", ErrorKind::Service),
        ("internalfault", ErrorKind::Service),
        ("invalidargument", ErrorKind::BadRequest),
        ("invaliduri", ErrorKind::BadRequest),
        ("invalidtoken", ErrorKind::BadRequest),
        // What the standard has for a reason, where the fault is not named (Astro Data Lab, observed).
        ("doesnothavepermission", ErrorKind::PermissionDenied),
        ("alreadyexists", ErrorKind::AlreadyExists),
        ("doesnotexist", ErrorKind::NotFound),
    ];
    table.into_iter().find(|(part, _)| squeezed.contains(part)).map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_with_their_texts() {
        for (status, text, kind) in [
            (400, "container node 'c' is not empty", ErrorKind::NotEmpty),
            (400, "Resolved target is not a data node", ErrorKind::NotData),
            (400, "OptionNotSupported: batch container node listing", ErrorKind::Unsupported),
            (400, "InvalidArgument: bad", ErrorKind::BadRequest),
            (400, "InvalidURI: The requested URI is invalid", ErrorKind::InvalidName),
            (400, "Invalid URI. vofs:mtime", ErrorKind::BadRequest),
            (400, "LinkFound: vos://a~b/l", ErrorKind::LinkInPath),
            (400, "LinkFoundFault: /c/l", ErrorKind::LinkInPath),
            (400, "", ErrorKind::BadRequest),
            (401, "Unauthorized: PermissionDenied: vos://a~b/c", ErrorKind::PermissionDenied),
            (401, "NotAuthenticated", ErrorKind::Unauthorized),
            (403, "PermissionDenied: vos://a~b/c", ErrorKind::PermissionDenied),
            (403, "Permission Denied. Credentials not found.", ErrorKind::Unauthorized),
            (404, "UnreadableLinkTarget: Exceeded link limit.", ErrorKind::LinkLoop),
            (404, "<html>", ErrorKind::NotFound),
            (409, "DuplicateNode: x", ErrorKind::AlreadyExists),
            (413, "limit: 100", ErrorKind::QuotaExceeded),
            (500, "unexpected exception", ErrorKind::Service),
            (500, "unexpected exception: No space left on device", ErrorKind::QuotaExceeded),
            (503, "System is in read-only mode for maintenance", ErrorKind::ReadOnlyService),
            (503, "", ErrorKind::Service),
        ] {
            assert_eq!(classify_status(status, text), kind, "{status} {text}");
        }
    }

    #[test]
    fn faults_of_jobs() {
        for (text, kind) in [
            ("DuplicateNode: destination is an existing DataNode: /x", Some(ErrorKind::AlreadyExists)),
            ("destination exists", Some(ErrorKind::AlreadyExists)),
            ("NodeNotFound: Parent directory for destination /x", Some(ErrorKind::NotFound)),
            ("Node Not Found", Some(ErrorKind::NotFound)),
            ("InvalidArgument: Cannot move container node into its descendants.", Some(ErrorKind::MovePrefix)),
            ("IllegalArgumentException:args must both be peristent nodes before move", Some(ErrorKind::MoveIntoRoot)),
            ("copyNode is not implemented", Some(ErrorKind::Unsupported)),
            ("PermissionDenied", Some(ErrorKind::PermissionDenied)),
            ("User does not have permissions to perform the operation", Some(ErrorKind::PermissionDenied)),
            ("A Node already exists with the requested URI", Some(ErrorKind::AlreadyExists)),
            ("A Container does not exist with the requested URI", Some(ErrorKind::NotFound)),
            ("InvalidArgument: the group does not exist", Some(ErrorKind::BadRequest)),
            ("oops", None),
        ] {
            assert_eq!(classify_fault(text), kind, "{text}");
        }
    }
}
