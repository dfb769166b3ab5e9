<?php
error_reporting( E_ALL & ~E_DEPRECATED );
$_SERVER['HTTP_HOST']       = 'client1.example';
$_SERVER['SERVER_PROTOCOL'] = 'HTTP/1.1';
$_SERVER['REQUEST_METHOD']  = 'GET';
$_SERVER['REQUEST_URI']     = '/';

// Pluggable: WordPress takes ours, and no mail leaves.
function wp_mail() {
	return true;
}
