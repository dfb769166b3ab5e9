<?php
$archive = new ZipArchive();
if ( true !== $archive->open( $argv[1], ZipArchive::RDONLY ) ) {
	fwrite( STDERR, 'no zip' );
	exit( 1 );
}
for ( $index = 0; $index < $archive->numFiles; $index++ ) {
	$stat = $archive->statIndex( $index, ZipArchive::FL_ENC_RAW );
	$archive->getExternalAttributesIndex( $index, $system, $attributes );
	$mode  = $attributes >> 16;
	$kind  = 0120000 === ( $mode & 0170000 ) ? 'l' : ( str_ends_with( $stat['name'], '/' ) ? 'd' : 'f' );
	$facts = array(
		'name'  => bin2hex( $stat['name'] ),
		'kind'  => $kind,
		'mode'  => $mode & 07777,
		'size'  => $stat['size'],
		'mtime' => $stat['mtime'],
	);
	if ( 'l' === $kind ) {
		$facts['target'] = bin2hex( $archive->getFromIndex( $index ) );
	} elseif ( 'f' === $kind ) {
		$digest = hash_init( 'sha256' );
		$stream = $archive->getStreamIndex( $index );
		while ( $stream && ! feof( $stream ) ) {
			hash_update( $digest, fread( $stream, 1 << 18 ) );
		}
		$facts['sha256'] = hash_final( $digest );
	}
	echo json_encode( $facts ), "\n";
}
