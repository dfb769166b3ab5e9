//! What the shipped programs must not be made of, asked of `cargo tree`.
//!
//! The runner does IO and never speaks S3: no signing, no XML. It carries no compiler. The module
//! speaks S3 and does no IO: no sockets, no TLS, no runtime.

use crate::run;

struct Rule {
    package: &'static str,
    target: Option<&'static str>,
    /// A crate's name, or with a `*` at its end the start of one.
    banned: &'static [&'static str],
}

const RULES: [Rule; 2] = [
    Rule {
        package: "holdfast",
        target: None,
        banned: &[
            "aws-*",
            "quick-xml",
            "xml-*",
            "xml",
            "xmlparser",
            "roxmltree",
            "minidom",
            "instant-xml",
            "serde-xml-*",
            "cranelift-codegen",
            "wasmtime-internal-cranelift",
            "wasmtime-cranelift",
            "wasmtime-internal-winch",
            "openssl-sys",
            "native-tls",
            "aws-lc-sys",
            "tokio",
        ],
    },
    Rule {
        package: "holdfast-module",
        target: Some("wasm32-wasip1"),
        banned: &[
            "ureq*",
            "rustls*",
            "ring",
            "mio",
            "hyper*",
            "socket2",
            "rustix",
            "wasi-common",
            "wasmtime*",
            "tempfile",
            "indicatif",
            "clap*",
        ],
    },
];

/// Checks every rule; each violation is named with the way it came in.
pub(crate) fn check() -> Result<(), String> {
    for rule in RULES {
        let tree = rule.tree(&["--prefix", "none", "--format", "{p}"])?;
        let mut names: Vec<&str> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
        names.sort_unstable();
        names.dedup();
        if let Some(name) = names.iter().find(|name| rule.bans(name)) {
            let way = rule.tree(&["--invert", name]).unwrap_or_default();
            return Err(format!("`{}` must not depend on `{name}`:\n{way}", rule.package));
        }
        let on = rule.target.unwrap_or("this machine");
        println!("{} on {on}: {} crates, none that is banned", rule.package, names.len());
    }
    Ok(())
}

impl Rule {
    fn tree(&self, args: &[&str]) -> Result<String, String> {
        let mut command = run::cargo();
        command.args(["tree", "--package", self.package, "--edges", "normal"]).args(args);
        if let Some(target) = self.target {
            command.args(["--target", target]);
        }
        run::output(&mut command)
    }

    fn bans(&self, name: &str) -> bool {
        self.banned.iter().any(|banned| match banned.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == *banned,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_starts_of_names_are_banned() {
        let rule = &RULES[0];
        assert!(rule.bans("aws-sigv4"));
        assert!(rule.bans("aws-smithy-types"));
        assert!(rule.bans("quick-xml"));
        assert!(!rule.bans("quick-error"));
        // Tables that the runtime shares with the compiler.
        assert!(!rule.bans("cranelift-entity"));
    }
}
