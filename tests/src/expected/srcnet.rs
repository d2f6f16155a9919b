//! A Cavern of an SRCNet site: OpenID Connect tokens only, nothing that certificates or passwords open.

use super::{CUT_OUTS, Cannot, PYTHON};

pub(super) const CANNOT: &[Cannot] = &[
    CUT_OUTS,
    Cannot {
        tests: &[
            "certificates::a_password_becomes_a_certificate",
            "certificates::the_former_name_takes_the_password_from_netrc",
            "guides::credentials_as_the_guides_write_them",
            "options::effects::of_all_commands",
        ],
        at: &[
            "run(&mut vls).ok()",
            "listed(\"my.pem\").ok()",
            "run(vls.env_remove(\"VOSPACE_TOKEN\")",
            "listed(&[\"--certfile\", ",
        ],
        says: "you may not read what it holds, and the service shows it as empty",
        because: "a certificate is nobody's there: it takes tokens of its issuer only",
    },
    Cannot {
        tests: &[
            "expiring::a_certificate_that_ends_is_announced_and_a_new_one_is_taken_up",
            "expiring::a_certificate_that_has_expired_before_leaves_what_is_public",
            "life::a_certificate_opens_the_space",
        ],
        at: &[
            "fs::read(mount.join(\"private\"))",
            "fs::write(mount.join(\"after\"), ",
            "fs::write(mount.join(\"f\"), b\"by certificate\")",
        ],
        says: "Permission denied",
        because: "a certificate is nobody's there: it takes tokens of its issuer only",
    },
    Cannot {
        tests: PYTHON,
        at: &[],
        says: "Resource ID ivo://cadc.nrc.ca/srcnet not found",
        because: "the Python client knows the services of CADC only",
    },
];
