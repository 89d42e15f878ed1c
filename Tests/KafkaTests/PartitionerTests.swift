import Testing

@testable import Kafka

@Suite struct PartitionerTests {
    /// Kafka's own `UtilsTest.testMurmur2`, and two more of the same function.
    @Test(arguments: [
        ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971), ("abc", 479_470_107),
    ])
    func `murmur2 leads to the partition of the Java client`(_ key: String, _ hash: Int) {
        for count in [1, 2, 3, 12, 100, 1_000_000] {
            let key = Array(key.utf8)
            #expect(
                Partitioner.murmur2.partition(forKey: key.span.bytes, of: Int32(count))
                    == Int32((hash & 0x7fff_ffff) % count))
        }
    }

    /// The check value of CRC-32 (ISO-HDLC, zlib), and others made with zlib.
    @Test(arguments: [
        ("123456789", 0xcbf4_3926), ("", 0), ("a", 0xe8b7_be43), ("abc", 0x3524_41c2),
        ("The quick brown fox jumps over the lazy dog", 0x414f_a339),
    ])
    func `crc32 leads to the partition of librdkafka's consistent`(_ key: String, _ hash: Int) {
        for count in [1, 2, 3, 12, 100, 1_000_000] {
            let key = Array(key.utf8)
            #expect(Partitioner.crc32.partition(forKey: key.span.bytes, of: Int32(count)) == Int32(hash % count))
        }
    }

    /// RFC 4231, test cases 1, 2 and 6.
    @Test(arguments: [
        (
            [UInt8](repeating: 0x0b, count: 20), "Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        (
            Array("Jefe".utf8), "what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        (
            [UInt8](repeating: 0xaa, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
    ])
    func `a keyed hash is HMAC-SHA-256`(_ key: [UInt8], _ text: String, _ expected: String) {
        let text = Array(text.utf8)
        let digest = KeyedHash(key: key).digest(of: text.span.bytes)
        #expect(digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == expected)
    }

    @Test func `a key of hashes is never shown`() {
        let hash = KeyedHash(key: Array("secret".utf8))
        var dumped = ""
        dump(hash, to: &dumped)
        for text in ["\(hash)", String(reflecting: hash), dumped, "\(Optional(hash) as Any)"] {
            #expect(!text.contains("secret") && !text.contains("115"), "\(text)")
        }
    }
}
