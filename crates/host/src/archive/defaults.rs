//! What the backup of a WordPress site leaves out unless it is asked for: what WordPress or a
//! plugin makes anew, and the archives of other backup plugins, of which a backup would hold one
//! more every night. As data, so that `backup --dry-run -v` can show each with its reason.
//!
//! A pattern ends in `/**` where the empty directory is worth keeping: plugins look whether they
//! may write to it. Kept on purpose: `error_log` and other logs (a restore after an attack needs
//! them), `.git` (it may be how the site is deployed, and the only copy of somebody's commits),
//! `node_modules` (themes have shipped what is in it), `advanced-cache.php` and
//! `object-cache.php` (drop-ins are code), minified CSS and JavaScript outside of the caches.

const CACHE: &str = "a cache, made anew when it is missing";
const OTHER: &str = "the archives of another backup plugin";
const CORE: &str = "a memory image of a crashed process, which may hold secrets";
const UPGRADE: &str = "WordPress's own scratch space while it updates";

/// Pattern and reason. `{content}` stands for WP_CONTENT_DIR.
const WORDPRESS: &[(&str, &str)] = &[
    // Page and object caches. wp-content/cache is also that of WP Super Cache, WP Rocket, W3 Total
    // Cache, WP Fastest Cache, Cache Enabler, Autoptimize and Breeze.
    ("/{content}/cache/**", CACHE),
    ("/{content}/w3tc/**", CACHE),
    ("/{content}/litespeed/**", CACHE),
    ("/{content}/et-cache/**", CACHE),
    ("/{content}/wphb-cache/**", CACHE),
    ("/{content}/swift-performance/**", CACHE),
    ("/{content}/hyper-cache/**", CACHE),
    ("/{content}/endurance-page-cache/**", CACHE),
    ("/{content}/uploads/cache/**", CACHE),
    ("/{content}/uploads/*/cache/**", CACHE),
    ("/{content}/upgrade/**", UPGRADE),
    ("/{content}/upgrade-temp-backup/**", UPGRADE),
    // Archives of other backup plugins.
    ("/{content}/updraft/**", OTHER),
    ("/{content}/ai1wm-backups/**", OTHER),
    ("/{content}/plugins/all-in-one-wp-migration/storage/**", OTHER),
    ("/{content}/backwpup-*/", OTHER),
    ("/{content}/uploads/backwpup*/", OTHER),
    ("/{content}/backwpup/", OTHER),
    ("/{content}/wpvividbackups/**", OTHER),
    ("/{content}/backups-dup-lite/**", OTHER),
    ("/{content}/backups-dup-pro/**", OTHER),
    ("/wp-snapshots/**", OTHER),
    ("/{content}/uploads/backup-guard/**", OTHER),
    ("/{content}/uploads/sg_backup*/**", OTHER),
    ("/{content}/uploads/jetbackup/**", OTHER),
    ("/{content}/uploads/backupbuddy_backups/**", OTHER),
    ("/{content}/uploads/backupbuddy_temp/**", OTHER),
    ("/{content}/uploads/wp-clone/**", OTHER),
    ("/{content}/uploads/wp-migrate-db/**", OTHER),
    ("/{content}/uploads/wp-staging/**", OTHER),
    ("/{content}/uploads/wpbackitup_backups/**", OTHER),
    ("/{content}/wpbackitup_backups/**", OTHER),
    ("/{content}/backupwordpress-*-backups/**", OTHER),
    ("/{content}/backup-db/**", OTHER),
    ("/{content}/boldgrid_backup_*/", OTHER),
    ("/{content}/uploads/wp-time-capsule/**", OTHER),
    ("/{content}/uploads/tCapsule/**", OTHER),
    ("/{content}/uploads/backup-migration-*/", OTHER),
    ("/{content}/backup-migration/backups/**", OTHER),
    // The kernel's names for core dumps, by process id; `core.php` or `core.1` is not one.
    ("core.[0-9][0-9][0-9]", CORE),
    ("core.[0-9][0-9][0-9][0-9]", CORE),
    ("core.[0-9][0-9][0-9][0-9][0-9]", CORE),
    ("core.[0-9][0-9][0-9][0-9][0-9][0-9]", CORE),
    ("core.[0-9][0-9][0-9][0-9][0-9][0-9][0-9]", CORE),
    ("/{content}/holdfast-state/", "Holdfast's own state"),
];

/// The patterns for a site whose WP_CONTENT_DIR is `content`, relative to the root; without one,
/// only those that are not about it.
pub fn wordpress(content: Option<&str>) -> impl Iterator<Item = (String, &'static str)> {
    let content = content.map(escape);
    WORDPRESS.iter().filter_map(move |&(pattern, reason)| {
        let about_content = pattern.contains("{content}");
        match &content {
            Some(content) => Some((pattern.replace("{content}", content), reason)),
            None => (!about_content).then(|| (pattern.to_owned(), reason)),
        }
    })
}

/// A directory's name may hold what a pattern takes for a wildcard.
fn escape(literal: &str) -> String {
    let mut escaped = String::new();
    for c in literal.trim_matches('/').chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
