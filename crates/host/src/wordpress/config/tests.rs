use super::*;

const SECRET: &str = r"pa'ss\word";

fn site(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("wp-content/uploads")).unwrap();
    fs::create_dir_all(root.join("wp-includes")).unwrap();
    fs::write(root.join("wp-settings.php"), "<?php").unwrap();
    fs::write(
        root.join("wp-includes/version.php"),
        "<?php\n/**\n * x\n */\n$wp_version = '7.1.4';\n$wp_db_version = 60421;\n",
    )
    .unwrap();
    if !config.is_empty() {
        fs::write(root.join("wp-config.php"), config).unwrap();
    }
    folder
}

fn none(_: &str) -> Option<String> {
    None
}

fn docker(name: &str) -> Option<String> {
    let value = match name {
        "WORDPRESS_DB_HOST" => "db:3307",
        "WORDPRESS_DB_NAME" => "shop",
        "WORDPRESS_DB_USER" => "shop_user",
        "WORDPRESS_DB_PASSWORD" => SECRET,
        "WORDPRESS_TABLE_PREFIX" => "wp2_",
        "WORDPRESS_CONFIG_EXTRA" => "define('WP_HOME', 'https://example.org');",
        _ => return None,
    };
    Some(value.to_owned())
}

fn mysql(wordpress: &WordPress) -> &DbSettings {
    match &wordpress.db {
        Database::Mysql(settings) => settings,
        other => panic!("{other:?}"),
    }
}

const SAMPLE: &str = include_str!("shapes/sample.php");
const DOCKER: &str = include_str!("shapes/docker.php");
const HOSTED: &str = include_str!("shapes/hosted.php");

#[test]
fn the_shapes_of_the_world_are_read() {
    let one_line =
        SAMPLE.lines().map(str::trim).filter(|line| !line.starts_with(['/', '*', '#'])).collect::<Vec<_>>().join(" ");
    let shapes: Vec<(&str, String)> = vec![
        ("sample", SAMPLE.to_owned()),
        ("docker", DOCKER.to_owned()),
        ("hosted", HOSTED.to_owned()),
        ("one line", one_line),
        ("BOM", format!("\u{feff}{SAMPLE}")),
        ("Windows", SAMPLE.replace('\n', "\r\n")),
        ("old Mac", SAMPLE.replace('\n', "\r")),
    ];
    for (shape, config) in shapes {
        let folder = site(&config);
        let wordpress = discover(folder.path(), &docker).unwrap_or_else(|error| panic!("{shape}: {error}"));
        let db = mysql(&wordpress);
        let got = (&*db.host, &*db.name, &*db.user, &**db.password.expose(), &*wordpress.table_prefix);
        assert_eq!(got, ("db:3307", "shop", "shop_user", SECRET, "wp2_"), "{shape}");
        assert_eq!(db.charset.as_deref(), Some("utf8mb4"), "{shape}");
        assert_eq!(wordpress.version.as_deref(), Some("7.1.4"), "{shape}");
        assert_eq!(wordpress.unresolved, [], "{shape}");
        assert!(wordpress.warnings.iter().all(|warning| warning.starts_with("DB_CHARSET")), "{:?}", wordpress.warnings);
        assert_eq!(wordpress.content_dir, wordpress.root.join("wp-content"), "{shape}");
        assert_eq!(wordpress.uploads, Some(wordpress.root.join("wp-content/uploads")), "{shape}");
        assert!(!format!("{wordpress:?}").contains("ss\\"), "{shape}");
        match shape {
            "docker" => assert_eq!(wordpress.home.as_deref(), Some("https://example.org")),
            "hosted" => {
                assert!(wordpress.multisite && db.asks_tls() && !db.asks_unverified_tls());
                assert_eq!(wordpress.environment_type.as_deref(), Some("production"));
            }
            _ => assert!(!wordpress.multisite && !db.asks_tls() && wordpress.home.is_none()),
        }
    }
}

#[test]
fn docker_without_its_environment_says_that_it_falls_back() {
    let folder = site(DOCKER);
    let wordpress = discover(folder.path(), &none).unwrap();
    assert_eq!(mysql(&wordpress).name, "wordpress");
    let want = "DB_NAME is what the file falls back on, because `WORDPRESS_DB_NAME` is not set here";
    assert!(wordpress.warnings.iter().any(|warning| warning == want), "{:?}", wordpress.warnings);
}

#[test]
fn docker_secrets_are_read_from_their_files() {
    let folder = site(DOCKER);
    let secret = folder.path().join("secret");
    fs::write(&secret, "from a file\n").unwrap();
    let environment = |name: &str| match name {
        "WORDPRESS_DB_PASSWORD_FILE" => Some(secret.to_str().unwrap().to_owned()),
        other => docker(other),
    };
    let wordpress = discover(folder.path(), &environment).unwrap();
    assert_eq!(mysql(&wordpress).password.expose(), "from a file");
}

#[test]
fn bedrock_is_an_error_that_says_so() {
    let folder = site(
        "<?php\nrequire_once dirname(__DIR__) . '/vendor/autoload.php';\n\
         require_once dirname(__DIR__) . '/config/application.php';\nrequire_once ABSPATH . 'wp-settings.php';\n",
    );
    let error = discover(folder.path(), &none).unwrap_err();
    assert_eq!(error.kind, Kind::Config);
    assert!(error.what.contains("DB_NAME (it is not set there)"), "{error}");
    assert!(error.what.contains("config/application.php, which is not there"), "{error}");
    assert!(error.hint.unwrap().starts_with("this looks like Bedrock"));
}

#[test]
fn the_config_is_looked_for_where_wordpress_looks() {
    let folder = tempfile::tempdir().unwrap();
    let inner = site("");
    let root = folder.path().join("public");
    fs::rename(inner.path(), &root).unwrap();
    let error = discover(&root, &docker).unwrap_err();
    assert!(
        error.what.contains("public/wp-config.php, nor ") && error.hint.unwrap().contains("--files"),
        "{}",
        error.what
    );
    let above = folder.path().join("wp-config.php");
    fs::write(&above, SAMPLE).unwrap();
    let wordpress = discover(&root, &docker).unwrap();
    assert_eq!(wordpress.config_path, fs::canonicalize(&above).unwrap());
    // Another WordPress above has a config of its own.
    fs::write(folder.path().join("wp-settings.php"), "<?php").unwrap();
    assert!(discover(&root, &docker).unwrap_err().what.contains("belongs to the WordPress"));
    // And a directory without WordPress is none.
    let empty = tempfile::tempdir().unwrap();
    assert!(discover(empty.path(), &docker).is_err());
    assert!(discover(&empty.path().join("gone"), &docker).unwrap_err().what.contains("no such file"));
}

#[test]
fn wordpress_in_a_directory_of_its_own_is_found() {
    let outer = tempfile::tempdir().unwrap();
    let inner = site("");
    fs::rename(inner.path(), outer.path().join("core")).unwrap();
    fs::write(outer.path().join("wp-config.php"), format!("{SAMPLE}\n")).unwrap();
    let wordpress = discover(outer.path(), &docker).unwrap();
    assert_eq!(wordpress.core, wordpress.root.join("core"));
    assert_eq!(wordpress.content_dir, wordpress.root.join("core/wp-content"));
    assert_eq!(wordpress.version.as_deref(), Some("7.1.4"));
}

#[test]
fn what_is_outside_of_the_tree_is_said() {
    let elsewhere = tempfile::tempdir().unwrap();
    let elsewhere = fs::canonicalize(elsewhere.path()).unwrap();
    let config =
        format!("{}define('WP_CONTENT_DIR', '{}/');", SAMPLE.split("/* That's").next().unwrap(), elsewhere.display());
    let folder = site(&config);
    fs::create_dir(elsewhere.join("uploads")).unwrap();
    let wordpress = discover(folder.path(), &docker).unwrap();
    assert_eq!(wordpress.content_dir, elsewhere);
    assert_eq!(wordpress.warnings.len(), 2, "{:?}", wordpress.warnings);
    assert!(wordpress.warnings[0].starts_with(&format!("WP_CONTENT_DIR is {}, outside of", elsewhere.display())));
    // A link is as much outside as a constant.
    let folder = site(SAMPLE);
    let uploads = folder.path().join("wp-content/uploads");
    fs::remove_dir(&uploads).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &uploads).unwrap();
    let wordpress = discover(folder.path(), &docker).unwrap();
    assert!(wordpress.warnings.concat().contains("the uploads directory is "), "{:?}", wordpress.warnings);
}

#[test]
fn a_content_directory_that_cannot_be_known_is_reported() {
    let config = format!(
        "<?php define('WP_CONTENT_DIR', $_SERVER['DOCUMENT_ROOT'] . '/app');{}",
        SAMPLE.trim_start_matches("<?php")
    );
    let folder = site(&config);
    let wordpress = discover(folder.path(), &docker).unwrap();
    assert_eq!(wordpress.unresolved[0].name, "WP_CONTENT_DIR");
    assert!(wordpress.warnings[0].contains("cannot be known"), "{:?}", wordpress.warnings);
}

#[test]
fn a_missing_setting_is_named_and_a_secret_never_shown() {
    let config = SAMPLE
        .replace("define( 'DB_PASSWORD', 'pa\\'ss\\\\word' );", "define('DB_PASSWORD', base64_decode('hunter2'));");
    assert_ne!(config, SAMPLE);
    let error = discover(site(&config).path(), &docker).unwrap_err();
    assert!(error.what.ends_with("DB_PASSWORD (it calls `base64_decode()`, which is not run)"), "{error}");
    let config = SAMPLE.replace("$table_prefix = 'wp2_';", "");
    assert!(discover(site(&config).path(), &docker).unwrap_err().what.contains("`$table_prefix` is not set"));
    let config = SAMPLE.replace("'wp2_'", "'wp-`; DROP'");
    assert!(discover(site(&config).path(), &docker).unwrap_err().what.contains("letters, digits"));
    let empty = discover(site("<?php").path(), &docker).unwrap_err();
    assert_eq!(empty.what.matches("it is not set there").count(), 4, "{empty}");
    assert_eq!(empty.kind.exit_code(), 2);
}

#[test]
fn sqlite_is_a_file_and_said_to_be() {
    let folder = site("<?php define('DB_NAME', ''); $table_prefix = 'wp_';");
    let content = folder.path().join("wp-content");
    fs::create_dir(content.join("database")).unwrap();
    fs::write(content.join("database/.ht.sqlite"), "x").unwrap();
    fs::write(content.join("db.php"), "<?php // a drop-in of something else").unwrap();
    assert!(discover(folder.path(), &none).is_err());
    fs::write(content.join("db.php"), "<?php define( 'SQLITE_DB_DROPIN_VERSION', '1.8.0' );").unwrap();
    let wordpress = discover(folder.path(), &none).unwrap();
    assert!(matches!(&wordpress.db, Database::Sqlite { file } if file.ends_with(".ht.sqlite")));
    assert!(wordpress.warnings.concat().contains("may be torn"), "{:?}", wordpress.warnings);
}
