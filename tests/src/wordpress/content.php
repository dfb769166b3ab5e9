<?php
function holdfast_words( $count ) {
	$words = explode( ' ', 'castle harbour morning garden kettle lantern river market window winter summer bread letter story bridge tower silver copper quiet early' );
	$text  = array();
	for ( $n = 0; $n < $count; $n++ ) {
		$text[] = $words[ mt_rand( 0, count( $words ) - 1 ) ];
	}
	return implode( ' ', $text );
}

function holdfast_posts( $count, $seed ) {
	mt_srand( $seed );
	for ( $n = 1; $n <= $count; $n++ ) {
		$post = array(
			'post_title'   => ucfirst( holdfast_words( 4 ) ),
			'post_content' => "<!-- wp:paragraph -->\n<p>" . holdfast_words( mt_rand( 100, 900 ) ) . "</p>\n<!-- /wp:paragraph -->",
			'post_status'  => 'publish',
			'post_author'  => 1,
			'meta_input'   => array( 'mood' => array( 'word' => holdfast_words( 1 ), 'count' => $n ) ),
		);
		$id = wp_insert_post( $post, true );
		if ( is_wp_error( $id ) ) {
			exit( 1 );
		}
	}
}

// A picture of noise: as incompressible as a photograph, and a real PNG.
function holdfast_png( $width, $height ) {
	$pixels = '';
	for ( $y = 0; $y < $height; $y++ ) {
		$pixels .= "\0";
		for ( $x = 0; $x < $width; $x++ ) {
			$pixels .= substr( pack( 'V', mt_rand() ), 0, 3 );
		}
	}
	$chunk = function ( $type, $data ) {
		return pack( 'N', strlen( $data ) ) . $type . $data . pack( 'N', crc32( $type . $data ) );
	};
	$header = pack( 'NNCCCCC', $width, $height, 8, 2, 0, 0, 0 );
	return "\x89PNG\r\n\x1a\n" . $chunk( 'IHDR', $header ) . $chunk( 'IDAT', gzcompress( $pixels, 1 ) ) . $chunk( 'IEND', '' );
}

function holdfast_image( $seed, $width, $height ) {
	mt_srand( $seed );
	$upload = wp_upload_bits( "picture-$seed.png", null, holdfast_png( $width, $height ) );
	if ( $upload['error'] ) {
		fwrite( STDERR, $upload['error'] );
		exit( 1 );
	}
	$attachment = array(
		'post_title'     => "Picture $seed",
		'post_mime_type' => 'image/png',
		'post_status'    => 'inherit',
	);
	$id = wp_insert_attachment( $attachment, $upload['file'], 0, true );
	if ( is_wp_error( $id ) ) {
		exit( 1 );
	}
	wp_update_attachment_metadata( $id, array( 'width' => $width, 'height' => $height, 'file' => _wp_relative_upload_path( $upload['file'] ) ) );
	return $upload['file'];
}

function holdfast_day( $day ) {
	mt_srand( 1000 + $day );
	$posts = get_posts( array( 'numberposts' => -1, 'orderby' => 'ID', 'order' => 'ASC' ) );
	$post  = $posts[ $day % count( $posts ) ];
	wp_update_post( array( 'ID' => $post->ID, 'post_content' => $post->post_content . "\n<p>" . holdfast_words( 30 ) . '</p>' ) );
	$file = holdfast_image( 1000 + $day, 640, 480 );
	echo $post->post_title, "\n", $file, "\n", filesize( $file ), "\n";
}
