<?php
# Database Configuration
define( 'DB_NAME', "shop" );
define('DB_USER','shop_user');
const DB_PASSWORD = <<<'SECRET'
pa'ss\word
SECRET;
$db_host = 'db';
$db_port = 3307;
define('DB_HOST', "{$db_host}:$db_port");
define('DB_HOST_SLAVE', DB_HOST);
defined('DB_CHARSET') or define('DB_CHARSET', 'utf8' . 'mb4');
define('MYSQL_CLIENT_FLAGS', MYSQLI_CLIENT_SSL);
$table_prefix  = "wp2_";

# Security Salts, Keys, Etc
define('AUTH_KEY', "\$x\x41\"y");

# Localized Language Stuff
define( 'WP_CACHE', TRUE );
define( 'PWP_NAME', 'shop' );
define( 'FS_METHOD', 'direct' );
define( 'FS_CHMOD_DIR', 0775 );
umask(0002);
$wpe_cdn_uris=array ( );
$wpe_netdna_domains=array ( 0 => array ( 'match' => 'example.org', 'zone' => 'abc', ), );
$memcached_servers=array ( 'default' => array ( 0 => 'unix:///tmp/memcached.sock', ), );

define( 'WP_ALLOW_MULTISITE', true );
if ( true ) :
	define( 'MULTISITE', true );
	define( 'SUBDOMAIN_INSTALL', false );
else :
	define( 'MULTISITE', false );
endif;
define( 'WP_ENVIRONMENT_TYPE', 'production' );
if ( isset( $_SERVER['HTTP_X_FORWARDED_FOR'] ) ) {
	$list = explode( ',', $_SERVER['HTTP_X_FORWARDED_FOR'] );
	$_SERVER['REMOTE_ADDR'] = $list[0];
}
if ( ! empty( $_SERVER['HTTP_HOST'] ) && in_array( $_SERVER['HTTP_HOST'], [ 'a', 'b' ], true ) ) {
	define( 'COOKIE_DOMAIN', $_SERVER['HTTP_HOST'] );
}

# That's It. Pencils down
if ( !defined('ABSPATH') )
	define('ABSPATH', __DIR__ . '/');
require_once(ABSPATH . 'wp-settings.php');
