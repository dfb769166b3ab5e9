<?php
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
wp_install( 'Client 1', 'admin', 'admin@client1.example', true, '', 'not a secret' );
