use super::*;

/// What a walk does: from the top, and into an excluded directory only when it pays.
fn kept(patterns: &Patterns, path: &str) -> bool {
    let mut standing = Standing::Kept;
    let path = path.as_bytes();
    let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    for end in ends {
        standing = patterns.judge(&path[..end], true, standing);
        if standing.is_excluded() && !patterns.could_keep_below(&path[..end]) {
            return false;
        }
    }
    !path.ends_with(b"/") && !patterns.judge(path, false, standing).is_excluded()
}

fn patterns(excludes: &[&str], includes: &[&str]) -> Patterns {
    let mut builder = PatternsBuilder::default();
    for pattern in excludes {
        builder = builder.exclude(pattern).unwrap();
    }
    for pattern in includes {
        builder = builder.include(pattern).unwrap();
    }
    builder.build().unwrap()
}

#[test]
fn an_exclusion_is_gitignores() {
    let table: &[(&str, &str, bool)] = &[
        ("*.log", "a/b/x.log", false),
        ("*.log", "a/x.log.php", true),
        ("/x", "x", false),
        ("/x", "a/x", true),
        ("x/", "x", true),
        ("x/", "a/x/file", false),
        ("a/b", "a/b", false),
        ("a/b", "z/a/b", true),
        ("a/**", "a/b", false),
        ("**/b", "z/z/b", false),
        ("a/*.jpg", "a/b/c.jpg", true),
        ("0", "a/0", false),
        ("#recycle", "#recycle/x", false),
        ("\\!important", "!important", false),
        ("a b", "a b", false),
        ("{x,y}.tmp", "y.tmp", false),
    ];
    for &(pattern, path, want) in table {
        assert_eq!(kept(&patterns(&[pattern], &[]), path), want, "{pattern} {path}");
    }
}

#[test]
fn an_include_wins_even_below_an_excluded_directory() {
    let table: &[(&[&str], &[&str], &str, bool)] = &[
        (&["a/"], &["a/b/c.txt"], "a/b/c.txt", true),
        (&["a/"], &["a/b/c.txt"], "a/b/d.txt", false),
        (&["a/"], &["/a/b/"], "a/b/deep/er", true),
        (&["a/"], &["*.keep"], "a/b/x.keep", true),
        (&["a/"], &["a/*/c"], "a/b/c", true),
        (&["a/"], &["a/**/c"], "a/x/y/c", true),
        (&["a/"], &["{a/b,c}/d/e"], "a/b/d/e", true),
        (&["*.log"], &["uploads"], "uploads/x.log", true),
        (&["*"], &["wp-config.php"], "wp-config.php", true),
        (&["*"], &["wp-config.php"], "x/other", false),
    ];
    for &(excludes, includes, path, want) in table {
        assert_eq!(kept(&patterns(excludes, includes), path), want, "{excludes:?} {includes:?} {path}");
    }
}

#[test]
fn an_excluded_directory_is_not_walked_for_an_include_elsewhere() {
    let patterns = patterns(&["/cache/"], &["/uploads/a/*.jpg", "/cache/x/keep"]);
    assert!(patterns.could_keep_below(b"cache"));
    assert!(patterns.could_keep_below(b"cache/x"));
    assert!(!patterns.could_keep_below(b"cache/y"));
    assert!(!patterns.could_keep_below(b"node_modules"));
    assert!(!patterns.could_keep_below(b"uploads/a/b.jpg"));
}

#[test]
fn names_that_are_no_text_are_matched() {
    let patterns = patterns(&["*.jpg", "new?line", "x?y"], &[]);
    for name in [&b"\xff\xfe.jpg"[..], b"new\nline", b"x\xffy"] {
        assert!(patterns.judge(name, false, Standing::Kept).is_excluded(), "{name:?}");
    }
    assert_eq!(patterns.judge(b"\xff", false, Standing::Kept), Standing::Kept);
}

#[test]
fn a_file_of_patterns_comes_from_any_editor() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("patterns");
    fs::write(&file, "\u{feff}# a comment\r\n*.tmp\r\n\r\n!keep.tmp\r\nbig/\r\n!big/small.txt\r\nlast").unwrap();
    let patterns = PatternsBuilder::default().exclude_from(&file).unwrap().build().unwrap();
    for (path, want) in
        [("x.tmp", false), ("keep.tmp", true), ("last", false), ("big/x", false), ("big/small.txt", true)]
    {
        assert_eq!(kept(&patterns, path), want, "{path}");
    }
}

#[test]
fn a_pattern_that_cannot_be_used_names_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("patterns");
    fs::write(&file, b"ok\n\xe9t\xe9\n").unwrap();
    let error = PatternsBuilder::default().exclude_from(&file).unwrap_err();
    assert!(error.what.starts_with("line 2 of "), "{error}");
    fs::write(&file, "ok\n{a,b\n").unwrap();
    let error = PatternsBuilder::default().exclude_from(&file).unwrap_err();
    assert!(error.what.starts_with("line 2 of ") && error.what.contains("`{a,b`"), "{error}");

    let error = PatternsBuilder::default().exclude("!x").unwrap_err();
    assert!(error.hint.unwrap().contains("--include 'x'"));
    for empty in ["", " ", "/"] {
        assert!(PatternsBuilder::default().exclude(empty).is_err(), "{empty:?}");
    }
    assert!(PatternsBuilder::default().exclude_from(&folder.path().join("none")).is_err());
}

#[test]
fn the_defaults_leave_out_caches_and_others_archives_only() {
    let patterns = PatternsBuilder::default().wordpress(Some("wp-content")).build().unwrap();
    for path in [
        "wp-content/cache/supercache/example.org/index.html",
        "wp-content/uploads/elementor/cache/x.css",
        "wp-content/updraft/backup_2026-11-23-db.gz",
        "wp-content/uploads/backwpup-1a2b3c-backups/x.tar",
        "wp-content/backwpup-1a2b3c-logs/x.html",
        "wp-content/ai1wm-backups/x.wpress",
        "core.12345",
        "wp-admin/core.1234567",
    ] {
        assert!(!kept(&patterns, path), "{path}");
    }
    for path in [
        "wp-content/uploads/2026/11/cache.jpg",
        "wp-content/plugins/wp-super-cache/wp-cache.php",
        "wp-content/plugins/backwpup/backwpup.php",
        "wp-content/plugins/x/cache/class.php",
        "wp-content/advanced-cache.php",
        "error_log",
        ".git/HEAD",
        ".htaccess",
        "core.php",
        "core.1",
        "core.2.css",
        "wp-includes/core/file",
        "wp-content/themes/x/node_modules/y.js",
        "wp-content/themes/x/core.min.js",
    ] {
        assert!(kept(&patterns, path), "{path}");
    }
    // The directory itself stays, for the plugin to write to.
    assert_eq!(patterns.judge(b"wp-content/cache", true, Standing::Kept), Standing::Kept);
    let Standing::Excluded(by) = patterns.judge(b"wp-content/cache/x", true, Standing::Kept) else { panic!() };
    assert_eq!(patterns.reason(&by), Some("a cache, made anew when it is missing"));
}

#[test]
fn the_defaults_follow_a_moved_content_directory() {
    let patterns = PatternsBuilder::default().wordpress(Some("app[1]")).build().unwrap();
    assert!(!kept(&patterns, "app[1]/cache/x"));
    assert!(kept(&patterns, "wp-content/cache/x"));
    let outside = PatternsBuilder::default().wordpress(None).build().unwrap();
    assert!(kept(&outside, "wp-content/cache/x"));
    assert!(!kept(&outside, "core.123"));
}

#[test]
fn the_page_lists_every_default() {
    let page = include_str!("../../../../../docs/files.md");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let want: Vec<String> = defaults::wordpress(Some("wp-content"))
        .map(|(pattern, reason)| format!("| `{pattern}` | {reason} |"))
        .collect();
    assert_eq!(rows, want);
}
