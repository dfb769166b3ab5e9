import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.Charset;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Collections;
import java.util.HexFormat;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

class List {
    /** Names without the UTF-8 flag: ASCII as it is, other bytes in the private use area, so that they can be told. */
    static class Raw extends Charset {
        Raw() { super("X-Raw", null); }
        public boolean contains(Charset other) { return false; }
        public CharsetDecoder newDecoder() {
            return new CharsetDecoder(this, 1, 1) {
                protected CoderResult decodeLoop(ByteBuffer in, CharBuffer out) {
                    while (in.hasRemaining()) {
                        if (!out.hasRemaining()) return CoderResult.OVERFLOW;
                        int b = in.get() & 0xff;
                        out.put((char) (b < 0x80 ? b : 0xe000 + b));
                    }
                    return CoderResult.UNDERFLOW;
                }
            };
        }
        public CharsetEncoder newEncoder() {
            return new CharsetEncoder(this, 1, 1) {
                protected CoderResult encodeLoop(CharBuffer in, ByteBuffer out) {
                    while (in.hasRemaining()) {
                        if (!out.hasRemaining()) return CoderResult.OVERFLOW;
                        out.put((byte) in.get());
                    }
                    return CoderResult.UNDERFLOW;
                }
            };
        }
    }

    static byte[] bytes(String name) {
        boolean raw = name.chars().anyMatch(c -> c >= 0xe080 && c <= 0xe0ff);
        if (!raw) return name.getBytes(StandardCharsets.UTF_8);
        byte[] bytes = new byte[name.length()];
        for (int i = 0; i < bytes.length; i++) bytes[i] = (byte) name.charAt(i);
        return bytes;
    }

    public static void main(String[] args) throws Exception {
        StringBuilder out = new StringBuilder();
        try (ZipFile zip = new ZipFile(new java.io.File(args[0]), new Raw())) {
            for (ZipEntry entry : Collections.list(zip.entries())) {
                MessageDigest digest = MessageDigest.getInstance("SHA-256");
                long size = 0;
                try (InputStream in = zip.getInputStream(entry)) {
                    byte[] buffer = new byte[1 << 18];
                    for (int n; (n = in.read(buffer)) > 0; size += n) digest.update(buffer, 0, n);
                }
                out.append(String.format("{\"name\":\"%s\",\"kind\":\"%s\",\"mode\":0,\"size\":%d,\"mtime\":%d,\"sha256\":\"%s\"}\n",
                    HexFormat.of().formatHex(bytes(entry.getName())), entry.isDirectory() ? "d" : "f", size,
                    Math.floorDiv(entry.getLastModifiedTime().toMillis(), 1000L), HexFormat.of().formatHex(digest.digest())));
            }
        }
        System.out.print(out);
    }
}
