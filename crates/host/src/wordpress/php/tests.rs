use std::{fs, path::Path};

use proptest::prelude::*;

use super::*;

fn environment(name: &str) -> Option<String> {
    (name == "SET").then(|| "from the environment".to_owned())
}

/// The value of `X` after a source.
fn x(source: &str) -> Value {
    let mut php = Interpreter::new(&environment, Vec::new());
    php.run_source(source.as_bytes(), Path::new("/site/wp-config.php"));
    php.constant("X").map_or(Value::Null, |known| known.value.clone())
}

/// Each expectation is what PHP 8.2 makes of it.
#[test]
fn what_is_known_is_what_php_says() {
    let table: &[(&str, &str)] = &[
        ("define('X', 'a');", "a"),
        ("DEFINE( \"X\" , 'a' . \"b\" . 3 );", "ab3"),
        ("\\define('X', 'a', false);", "a"),
        ("const X = 'a' . 'b', Y = 2;", "ab"),
        ("$a = 'b'; define('X', \"a$a{$a}c\");", "abbc"),
        ("$a = 'b'; $a .= 'c'; define('X', $a);", "bc"),
        ("define('Y', 'y'); define('X', Y . '/z');", "y/z"),
        ("define('X', __DIR__ . '/a');", "/site/a"),
        ("define('X', dirname(__FILE__) . '/a');", "/site/a"),
        ("define('X', dirname(__DIR__, 1) . 'a');", "/a"),
        ("define('X', 'first'); define('X', 'second');", "first"),
        ("if (!defined('X')) define('X', 'a');", "a"),
        ("if ( ! defined( 'X' ) ) { define( 'X', 'a' ); } else { define('X', 'b'); }", "a"),
        ("defined('X') || define('X', 'a'); defined('X') or define('X', 'b');", "a"),
        ("if (false): define('X', 'a'); elseif (true): define('X', 'b'); else: define('X', 'c'); endif;", "b"),
        ("if (0) define('X','a'); else if ('') define('X','b'); else define('X','c');", "c"),
        ("define('X', getenv('SET'));", "from the environment"),
        ("define('X', $_ENV['SET'] ?? 'b');", "from the environment"),
        ("define('X', $_SERVER['SET']);", "from the environment"),
        ("define('X', getenv('UNSET') ?: 'b');", "b"),
        ("define('X', $_ENV['UNSET'] ?? 'b');", "b"),
        ("define('X', getenv('UNSET') !== false ? getenv('UNSET') : 'b');", "b"),
        ("define('X', isset($_ENV['UNSET']) ? 'a' : 'b');", "b"),
        ("define('X', empty(getenv('UNSET')) ? 'a' : 'b');", "a"),
        ("define('X', (true && !false) ? 'a' : 'b');", "a"),
        ("define('X', 1 === 1 && 'a' == 'a' ? 'a' : 'b');", "a"),
        ("$t = ['a' => 'b', 'c' => array(1, 2)]; define('X', 'a');", "a"),
        ("$x = fn($a) => define('X', 'no'); $y = function() { define('X', 'no'); }; define('X', 'a');", "a"),
        ("function f() { define('X', 'no'); } class C { const X = 'no'; } define('X', 'a');", "a"),
        ("/* define('X','no'); */ # define('X','no');\n// define('X','no');\ndefine('X', 'a');", "a"),
        ("define('X', 'it\\'s \\\\ \\n');", "it's \\ \\n"),
        ("define('X', <<<'E'\na$b\nE\n);", "a$b"),
        ("define('X', MYSQLI_CLIENT_SSL | MYSQLI_CLIENT_SSL_DONT_VERIFY_SERVER_CERT);", "2112"),
        ("define('X', trim(\" a\\n\"));", "a"),
        ("define('X', 'a'); return; define('X', 'b');", "a"),
        ("eval('define(\"X\", \"a\");');", "a"),
        ("$a = 'q'; if ($c = getenv('SET')) { define('X', $c); }", "from the environment"),
        ("try { define('X', 'a'); } catch (Exception $e) { define('X', 'b'); }", "a"),
        ("namespace A; use B\\C; define('X', 'a');", "a"),
        ("declare(strict_types=1); @ini_set('a', 0); define('X', 'a');", "a"),
        ("$GLOBALS['a'] = 'b'; define('X', $a);", "b"),
        ("define('X', (string) 5 . 'a');", "5a"),
        ("define('X', 'a') ?> text <?php define('X', 'b');", "a"),
        ("$o->a = 1; $o->b(); A::c('d'); $a[] = 1; $a['b']['c'] = 2; define('X', 'a');", "a"),
        ("define('X', -1 + 3);", "2"),
        ("define('X', 'a' . 1 + 2 . 'b');", "a3b"),
    ];
    for (source, want) in table {
        assert_eq!(x(&format!("<?php {source}")).text().as_deref(), Ok(want.as_bytes()), "{source}");
    }
}

#[test]
fn what_is_not_known_says_why_and_shows_no_literal() {
    let table: &[(&str, &str)] = &[
        ("define('X', decrypt('hunter2'));", "it calls `decrypt()`, which is not run"),
        ("define('X', getenv('UNSET'));", "the environment variable `UNSET` is not set here"),
        ("define('X', getenv('UNSET') . 'hunter2');", "the environment variable `UNSET` is not set here"),
        ("define('X', $nothing);", "`$nothing` is not set in this file"),
        ("define('X', \"hunter2$hunter2\");", "it stands in double quotes and has a `$` in it"),
        ("define('X', Config::get('hunter2'));", "it comes from the class `Config`"),
        ("define('X', NOTHING);", "the constant `NOTHING` is not set in this file"),
        (
            "if ($_SERVER['HTTP_HOST'] == 'hunter2') define('X', 'hunter2'); else define('X', 'b');",
            "it is set under a condition: it depends on the request (`$_SERVER['HTTP_HOST']`)",
        ),
        (
            "switch (PHP_OS) { case 'Linux': define('X', 'hunter2'); break; default: define('X', 'b'); }",
            "it is set in a loop",
        ),
        ("foreach (['X' => 'hunter2'] as $k => $v) { define('X', 'hunter2'); }", "it is set in a loop"),
        ("include '/elsewhere.php'; if (!defined('X')) define('X', 'b');", "it is set under a condition"),
        ("define('X', ['hunter2']);", "it is an array"),
        ("define('X', $_SERVER['DOCUMENT_ROOT'] . '/hunter2');", "it depends on the request"),
        ("define('X', 1 / 2);", "it is computed"),
        ("define('X', 4 % 2 . 'hunter2'); define('X', 'b');", "it is computed"),
        ("define('X', 'a' 'hunter2'); define('X', 'b');", "it is an expression that is not followed"),
        ("$a = 'hunter2' / 2; define('X', $a);", "it is computed"),
    ];
    for (source, want) in table {
        let (Value::Unknown(why) | Value::Missing(why)) = x(&format!("<?php {source}")) else { panic!("{source}") };
        let why = if why == "UNSET" { Value::Missing(why).why() } else { why };
        assert!(why.starts_with(want), "{source}: {why}");
        assert!(!why.replace("`$hunter2`", "hunter2").contains("hunter2"), "{source}: {why}");
    }
}

#[test]
fn what_stands_in_for_the_environment_is_marked() {
    let mut php = Interpreter::new(&environment, Vec::new());
    let source = "<?php define('A', getenv('ONE') ?: 'a'); define('B', 'b'); $c = getenv('TWO') ?: 'c';
        if (getenv('THREE')) { define('D', 1); } else { define('D', 2); } define('C', $c); define('E', 1);
        define('F', getenv('SET') ?: getenv('FOUR'));";
    php.run_source(source.as_bytes(), Path::new("/f"));
    for (name, want) in [("A", "ONE"), ("B", ""), ("C", "TWO"), ("D", "THREE"), ("E", ""), ("F", "")] {
        assert_eq!(php.constant(name).unwrap().fallbacks.concat(), want, "{name}");
    }
}

#[test]
fn files_are_included_from_inside_only() {
    let site = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(site.path()).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let outside = elsewhere.path().join("x.php");
    fs::write(&outside, "<?php define('OUT', 1);").unwrap();
    fs::write(root.join("db.php"), "<?php define('IN', __DIR__); return; define('NO', 1);").unwrap();
    fs::write(root.join("loop.php"), "<?php include __FILE__; include __FILE__;").unwrap();
    std::os::unix::fs::symlink(&outside, root.join("link.php")).unwrap();
    let config = root.join("wp-config.php");
    let source = format!(
        "<?php require_once __DIR__ . '/db.php'; include 'loop.php'; include '{}'; @include('link.php');
        include __DIR__ . '/gone.php'; include $x; define('AFTER', 1); require ABSPATH . 'wp-settings.php'; define('NO', 1);",
        outside.display()
    );
    let mut php = Interpreter::new(&environment, vec![root.clone()]);
    php.define("ABSPATH", Value::Text(b"/site/".to_vec()));
    php.run_source(source.as_bytes(), &config);
    assert_eq!(php.constant("IN").unwrap().value, Value::Text(root.to_str().unwrap().into()));
    assert!(php.constant("OUT").is_none());
    assert!(php.constant("NO").is_none());
    assert!(php.constant("AFTER").is_some());
    let unread = php.unread().join("\n");
    for part in ["x.php, which is outside", "link.php, which is outside", "gone.php, which is not there", "`$x` is not"]
    {
        assert!(unread.contains(part), "{part}: {unread}");
    }
}

#[test]
fn a_file_that_is_hard_to_follow_comes_to_an_end() {
    let deep = format!("<?php define('X', {}1{});", "(".repeat(50_000), ")".repeat(50_000));
    assert!(matches!(x(&deep), Value::Null | Value::Unknown(_)));
    let blocks = format!("<?php {} define('X', 1);", "{".repeat(50_000));
    x(&blocks);
    let doubling = format!("<?php $a = 'aaaaaaaa'; {} define('X', $a);", "$a = $a . $a;".repeat(100));
    assert_eq!(x(&doubling), Value::Unknown("it is too long".to_owned()));
    for end in
        ["<?php define(", "<?php if (", "<?php $", "<?php 'a", "<?php <<<X\n", "<?php if (1): ", "<?php [", "<?php fn"]
    {
        x(end);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read(source in prop::collection::vec(any::<u8>(), 0..400)) {
        crate::wordpress::follow(&source);
    }

    /// Pieces of PHP in any order, which gets further than bytes do.
    #[test]
    fn any_pieces_are_read(pieces in prop::collection::vec(prop::sample::select(&[
        "define", "(", ")", "'X'", ",", ";", "if", "else", "elseif", "endif", ":", "{", "}", "[", "]", "$a", "=", "??",
        "?", ".", "||", "!", "function", "class", "fn", "=>", "->", "::", "eval", "include", "new", "const", "X", "1",
        "\"a$b{$c}\"", "<<<E\na\nE\n", "?>", "<?php", "//", "/*", "*/", "#", "\\", "@", "&", "return", "switch", "case",
        "foreach", "as", "try", "catch", "isset", "getenv", "'\\'", "$_SERVER['X']", "namespace", "use", "match", "(int)",
    ][..]), 0..60)) {
        crate::wordpress::follow(format!("<?php {}", pieces.join(" ")).as_bytes());
    }
}
