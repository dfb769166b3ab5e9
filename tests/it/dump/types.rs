//! Every type, every sort of object, odd names: dumped, loaded, compared.

use holdfast_testbed::MariaDb;

use super::{ask, assert_comes_back, cat, load, whole};

const TYPES: &str = r#"
CREATE TABLE numbers (
  id INT PRIMARY KEY AUTO_INCREMENT, t TINYINT, ti BOOL, b BIGINT, bu BIGINT UNSIGNED, z INT(8) UNSIGNED ZEROFILL,
  d DECIMAL(65,30), f FLOAT, fz FLOAT(9,3), dz DOUBLE(20,4), g DOUBLE, bits BIT(64), one BIT(1), y YEAR
) AUTO_INCREMENT=4711;
INSERT INTO numbers VALUES
 (1, -128, 1, -9223372036854775808, 18446744073709551615, 42, 12345678901234567890123456789012345.123456789012345678901234567890,
  0.1, 123.456, 1234567.8912, 0.1, b'1000000000000000000000000000000000000000000000000000000000000101', b'1', 1901),
 (2, 127, 0, 9223372036854775807, 0, 99999999, -0.000000000000000000000000000001, 16777217, -0.001, 0.0001,
  1.7976931348623157e308, 0, b'0', 0),
 (3, NULL, NULL, NULL, NULL, NULL, NULL, 3.4028234e38, NULL, NULL, 2.2250738585072014e-308, NULL, NULL, NULL),
 (4, 0, 0, 0, 0, 0, 0, 1.17549435e-38, 0, 0, -0e0, 1, 1, 2155),
 (5, 0, 0, 0, 0, 0, 0, 1/3, 1/3, 1/3, 1/3, 255, 1, 2000),
 (6, 0, 0, 0, 0, 0, 0, -0e0, 0, 0, 123456789012345680000, 32, 1, 2001);
SET sql_mode='NO_AUTO_VALUE_ON_ZERO'; INSERT INTO numbers (id, t) VALUES (0, 1), (-5, 2); SET sql_mode='';

CREATE TABLE times (
  id INT PRIMARY KEY, d DATE, t TIME(6), dt DATETIME(6), ts TIMESTAMP(6) NULL, ts0 TIMESTAMP NOT NULL DEFAULT '0000-00-00 00:00:00'
);
SET time_zone='+02:00';
INSERT INTO times VALUES (1, '2026-11-23', '838:59:59.999999', '2026-11-23 23:59:59.000001', '2026-10-25 02:30:00.5', 0),
 (2, '0000-00-00', '-838:59:59', '0000-00-00', '1970-01-01 02:00:01', '2038-01-19 05:14:07'), (3, NULL, NULL, NULL, NULL, 0);
SET sql_mode='ALLOW_INVALID_DATES'; INSERT INTO times VALUES (4, '2026-02-31', '00:00', '2026-00-00', NULL, 0); SET sql_mode='', time_zone='SYSTEM';

CREATE TABLE texts (
  id INT PRIMARY KEY, m4 TEXT CHARACTER SET utf8mb4, m3 TEXT CHARACTER SET utf8mb3, l1 VARCHAR(300) CHARACTER SET latin1,
  u2 VARCHAR(300) CHARACTER SET ucs2, u16 TEXT CHARACTER SET utf16, u32 TEXT CHARACTER SET utf32, sj TEXT CHARACTER SET sjis,
  sw TEXT CHARACTER SET swe7, gb TEXT CHARACTER SET gbk, k8 TEXT CHARACTER SET koi8r, c CHAR(10), js JSON, u UUID, i6 INET6, i4 INET4
);
SET NAMES utf8mb4;
INSERT INTO texts VALUES
 (1, '🎉 ''quoted'' "double" back\\slash % _ \0 nul \r\n \Z tab\t', 'Grüße 語', 'café €', 'ж語', '🎉語', '🎉', 'ソース表', 'Åäö', '表示', 'Привет', 'pad  ', '{"a": "é\\n\\"x\\""}', UUID(), '2001:db8::1', '192.0.2.1'),
 (2, '', '', '', '', '', '', '', '', '', '', '', '[]', '00000000-0000-0000-0000-000000000000', '::', '0.0.0.0'),
 (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
 (4, '-- not a comment; DELIMITER ;;', '/* nor this */', '#', ';', '\\', '\n', '\\N', 'NULL', '0x41', 'plain', '0', '"\\u00e9"', UUID(), '::ffff:192.0.2.1', '255.255.255.255');
-- every byte that latin1 has, also those that Windows gives no meaning
INSERT INTO texts (id, l1) SELECT 5, CONVERT(UNHEX(GROUP_CONCAT(LPAD(HEX(seq), 2, '0') ORDER BY seq SEPARATOR '')) USING latin1) FROM seq_0_to_255;

CREATE TABLE bytes (
  id INT PRIMARY KEY, b BINARY(8), vb VARBINARY(300), bl LONGBLOB, tb TINYBLOB, g GEOMETRY, p POINT, co BLOB COMPRESSED
);
INSERT INTO bytes SELECT 1, UNHEX('00FF00'), UNHEX(GROUP_CONCAT(LPAD(HEX(seq), 2, '0') ORDER BY seq SEPARATOR '')), REPEAT(UNHEX('DEADBEEF00'), 1000), '',
  ST_GeomFromText('POLYGON((0 0,0 1,1 1,0 0))', 4326), POINT(1.5, -2.25), REPEAT('compressed', 100) FROM seq_0_to_255;
INSERT INTO bytes VALUES (2, 'text', 'a:1:{s:3:"käs";}', 'line\r\nfeed\0nul', NULL, ST_GeomFromText('LINESTRING(0 0,1e-300 1)'), NULL, NULL), (3, '', '', '', '', NULL, NULL, '');

CREATE TABLE choices (
  id INT PRIMARY KEY, e ENUM('a','b''c','ü'), ee ENUM('','x'), l ENUM('é','x') CHARACTER SET latin1, s SET('x','y','ü'), se SET('','q'),
  w ENUM('ж','x') CHARACTER SET ucs2
);
INSERT INTO choices VALUES (1, 'a', '', 'é', 'x,ü', 'q', 'ж'), (2, 'b''c', 'x', 'x', '', '', 'x'), (3, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT IGNORE INTO choices VALUES (4, 'no such', 'no such', 'no such', 'y', '', 'no such'), (5, 'ü', '', 'é', 'x,y,ü', 'q', 'x');

CREATE TABLE computed (
  id INT AUTO_INCREMENT PRIMARY KEY, a INT, v INT AS (a * 2) VIRTUAL, s INT AS (a * 3) STORED, hidden INT INVISIBLE DEFAULT 7,
  u VARCHAR(36) DEFAULT UUID(), d DATETIME DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, KEY (v), CHECK (a < 1000)
) COMMENT='ein Kommentar: ''é''';
INSERT INTO computed (a, hidden) VALUES (1, 8), (2, DEFAULT), (NULL, NULL);

CREATE TABLE parent (id INT PRIMARY KEY, up INT, CONSTRAINT tree FOREIGN KEY (up) REFERENCES parent (id)) ENGINE=InnoDB;
CREATE TABLE child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent (id) ON DELETE CASCADE) ENGINE=InnoDB;
INSERT INTO parent VALUES (1, NULL), (2, 1); INSERT INTO child VALUES (1, 2);
CREATE TABLE a_child (id INT PRIMARY KEY, FOREIGN KEY (id) REFERENCES parent (id)); INSERT INTO a_child VALUES (2);
CREATE TABLE parts (id INT, y INT, PRIMARY KEY (y, id)) PARTITION BY RANGE (y) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE);
INSERT INTO parts VALUES (1, 5), (2, 50), (0, 5);
CREATE TABLE keyless (a INT, b TEXT); INSERT INTO keyless VALUES (3, 'x'), (1, 'y'), (1, 'y'), (NULL, NULL);
CREATE TABLE only_unique (a INT NOT NULL, b VARCHAR(9) NOT NULL, UNIQUE (b, a)); INSERT INTO only_unique VALUES (2, 'z'), (1, 'Z'), (1, 'a');
CREATE TABLE prefixed (url TEXT, n INT, PRIMARY KEY (url(20))); INSERT INTO prefixed VALUES ('https://b', 1), ('https://a', 2);
CREATE TABLE descending (a INT, b INT, PRIMARY KEY (a DESC, b)); INSERT INTO descending VALUES (1, 2), (2, 1), (2, 0);
CREATE TABLE empty_one (id INT PRIMARY KEY) AUTO_INCREMENT=1;
"#;

const OBJECTS: &str = r#"
CREATE SEQUENCE tickets START WITH 100 INCREMENT BY 5 CACHE 10; DO NEXTVAL(tickets); DO NEXTVAL(tickets);
CREATE TABLE base (id INT PRIMARY KEY, n INT, t TEXT, seq BIGINT DEFAULT NEXTVAL(tickets)); INSERT INTO base VALUES (1, 2, 'ä', 7);
CREATE TABLE logged (id INT AUTO_INCREMENT PRIMARY KEY, what TEXT);
DELIMITER //
CREATE FUNCTION twice(n INT) RETURNS INT DETERMINISTIC COMMENT 'zweimal; ä'
BEGIN
  DECLARE r VARCHAR(20) DEFAULT 'a;b';
  RETURN n * 2;
END //
SET sql_mode='ANSI_QUOTES,PIPES_AS_CONCAT'//
CREATE PROCEDURE odd(IN x TEXT) SQL SECURITY INVOKER
BEGIN
  SELECT x || ';;' || '$$' AS "quoted name";
END //
SET sql_mode='STRICT_TRANS_TABLES'//
CREATE TRIGGER first_one BEFORE INSERT ON base FOR EACH ROW BEGIN SET NEW.n = twice(NEW.n); INSERT INTO logged (what) VALUES ('first;'); END //
CREATE TRIGGER second_one BEFORE INSERT ON base FOR EACH ROW INSERT INTO logged (what) VALUES ('second') //
CREATE TRIGGER zeroth BEFORE INSERT ON base FOR EACH ROW PRECEDES first_one SET @zeroth = 1 //
SET time_zone='Europe/Paris'//
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 03:00:00' DISABLE COMMENT 'né' DO BEGIN DELETE FROM logged; DELETE FROM logged WHERE what = ';'; END //
SET time_zone='SYSTEM', sql_mode=''//
DELIMITER ;
CREATE VIEW z_inner AS SELECT id, twice(n) AS doubled, t FROM base WHERE t <> 'it''s; ä';
CREATE VIEW a_outer AS SELECT * FROM z_inner WITH CASCADED CHECK OPTION;
CREATE ALGORITHM=TEMPTABLE DEFINER=`nobody`@`%` SQL SECURITY INVOKER VIEW `odd view` AS SELECT 1 AS `a``b`, 'é' AS `c d`;
"#;

fn with_zones(bed: &MariaDb) {
    bed.sql("", "INSERT INTO mysql.time_zone_name VALUES ('Europe/Paris', 9001); INSERT INTO mysql.time_zone VALUES (9001, 'N'); \
        INSERT INTO mysql.time_zone_transition_type VALUES (9001, 0, 3600, 0, 'CET');");
}

#[test]
fn every_type_comes_back_to_the_bit() {
    let bed = MariaDb::start();
    bed.sql("", "CREATE DATABASE site CHARACTER SET utf8mb4");
    bed.sql("site", TYPES);
    let (dump, spool) = whole(&bed, "site");
    assert!(dump.tables > 10 && dump.rows > 30);
    assert_comes_back(&bed, "site", &dump, &spool);
    // Nothing that a pipe or an editor would change.
    let text = cat(&dump, &spool);
    assert!(!text.contains(&0) && !text.contains(&b'\r'));
    let text = String::from_utf8(text).expect("a dump of such tables is UTF-8");
    assert!(
        text.contains("`hidden`") && !text.contains("(`id`,`a`,`v`"),
        "hidden columns are named, computed ones are not"
    );
}

#[test]
fn views_triggers_routines_events_and_sequences_come_back() {
    let bed = MariaDb::start();
    with_zones(&bed);
    bed.sql("", "CREATE DATABASE site CHARACTER SET latin1");
    bed.sql("site", OBJECTS);
    let (dump, spool) = whole(&bed, "site");
    assert_comes_back(&bed, "site", &dump, &spool);
    let order = "SELECT GROUP_CONCAT(TRIGGER_NAME ORDER BY ACTION_ORDER) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()";
    assert_eq!(ask(&bed, "site_again", order).trim(), "zeroth,first_one,second_one");
    // Loading again over what is there is no error.
    load(&bed, "site_again", &cat(&dump, &spool)).expect("it loads twice");
}

#[test]
fn a_client_of_latin1_made_objects_whose_bytes_are_not_utf8() {
    let bed = MariaDb::start();
    bed.sql("", "CREATE DATABASE site");
    bed.sql(
        "site",
        "CREATE TABLE t (c TEXT); SET character_set_client=latin1, collation_connection=latin1_german1_ci;",
    );
    let latin1 =
        b"SET character_set_client=latin1, collation_connection=latin1_german1_ci, character_set_results=latin1;\n\
        CREATE VIEW v AS SELECT 'caf\xe9' AS c;\nCREATE FUNCTION f() RETURNS TEXT RETURN 'caf\xe9';\n\
        CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.c = 'caf\xe9';\n";
    load(&bed, "site", latin1).expect("it loads");
    let (dump, spool) = whole(&bed, "site");
    assert_comes_back(&bed, "site", &dump, &spool);
    for database in ["site", "site_again"] {
        assert_eq!(
            ask(&bed, database, "SELECT HEX(CONVERT(f() USING utf8mb4)), HEX(CONVERT(c USING utf8mb4)) FROM v").trim(),
            "636166C3A9\t636166C3A9"
        );
    }
}

#[test]
fn odd_names_are_files_and_tables_again() {
    let bed = MariaDb::start();
    bed.sql("", "CREATE DATABASE `odd``-. base`");
    for name in [
        "a/b",
        "..",
        "quote'\"",
        "back``tick",
        "line\nfeed",
        "ünï語",
        "semi;colon",
        "%41",
        "UPPER",
        "upper",
        "select",
        "sp ace",
        "-dash",
        "$",
        "\\",
    ] {
        bed.sql(
            "odd`-. base",
            &format!(
                "CREATE TABLE `{name}` (`c``'\n;` INT PRIMARY KEY, `ü` TEXT); INSERT INTO `{name}` VALUES (1, '{}');",
                name.len()
            ),
        );
    }
    let (dump, spool) = whole(&bed, "odd`-. base");
    for piece in &dump.pieces {
        assert!(
            piece.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.%$~".contains(&byte)),
            "{}",
            piece.name
        );
    }
    load(&bed, "again", &cat(&dump, &spool)).expect("it loads");
    let count = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()";
    assert_eq!(ask(&bed, "again", count).trim(), "15");
    assert_eq!(ask(&bed, "again", "SELECT * FROM `line\nfeed`").trim(), "1\t9");
}

#[test]
fn an_empty_database_is_a_dump_that_loads() {
    let bed = MariaDb::start();
    bed.sql("", "CREATE DATABASE nothing");
    let (dump, spool) = whole(&bed, "nothing");
    assert_eq!((dump.tables, dump.rows, dump.pieces.len()), (0, 0, 2));
    load(&bed, "nothing_again", &cat(&dump, &spool)).expect("it loads");
}
