<?php
/**
 * The base configuration for WordPress: define( 'DB_NAME', 'not this one' );
 *
 * @package WordPress
 */

// ** Database settings - You can get this info from your web host ** //
/** The name of the database for WordPress */
define( 'DB_NAME', 'shop' );

/** Database username */
define( 'DB_USER', 'shop_user' );

/** Database password */
define( 'DB_PASSWORD', 'pa\'ss\\word' );

/** Database hostname */
define( 'DB_HOST', 'db:3307' );

/** Database charset to use in creating database tables. */
define( 'DB_CHARSET', 'utf8mb4' );

/** The database collate type. Don't change this if in doubt. */
define( 'DB_COLLATE', '' );

/**#@+
 * Authentication unique keys and salts.
 */
define( 'AUTH_KEY',         'w(J$x#;)>"{?}//\\');
define( 'SECURE_AUTH_KEY',  '/* <?php ?> $table_prefix = \'no\';' );
define( 'LOGGED_IN_KEY',    '<<<EOT' );
define( 'NONCE_KEY',        ' # ' );

$table_prefix = 'wp2_';

define( 'WP_DEBUG', false );

/* Add any custom values between this line and the "stop editing" line. */

/* That's all, stop editing! Happy publishing. */

/** Absolute path to the WordPress directory. */
if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}

/** Sets up WordPress vars and included files. */
require_once ABSPATH . 'wp-settings.php';
