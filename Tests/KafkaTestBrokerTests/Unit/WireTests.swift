import CCRC32C
import NIOCore
import Testing

@testable import KafkaTestBroker

@Suite("Wire")
struct WireTests {
    @Test("The checksum is that of its published check value")
    func checksum() {
        let bytes = Array("123456789".utf8)
        #expect(godwit_crc32c(0, bytes, bytes.count) == 0xE306_9283)
    }

    @Test("What is written is read again, in both encodings", arguments: [false, true])
    func roundTrip(_ flexible: Bool) throws {
        var random = SplitMix(state: 3)
        for _ in 0..<200 {
            let text = String(repeating: "ü", count: Int.random(in: 0...300, using: &random))
            let numbers = (0..<Int.random(in: 0...300, using: &random)).map { _ in
                Int32.random(in: .min ... .max, using: &random)
            }
            let number = Int64.random(in: .min ... .max, using: &random) >> Int64.random(in: 0...60, using: &random)
            var writer = WireWriter(flexible: flexible)
            writer.string(text)
            writer.string(nil)
            writer.int32Array(numbers)
            writer.varlong(number)
            writer.bytes(ByteBuffer(repeating: 7, count: 5000))
            writer.tags([(tag: 3, write: { (writer: inout WireWriter) in writer.int64(1) })])
            var buffer = ByteBuffer()
            for piece in writer.finish() { buffer.writeImmutableBuffer(piece) }
            var reader = WireReader(buffer, flexible: flexible)
            #expect(try reader.string() == text)
            #expect(try reader.nullableString() == nil)
            #expect(try reader.int32Array() == numbers)
            #expect(try reader.varlong() == number)
            #expect(try reader.bytes().readableBytes == 5000)
            try reader.tags()
            #expect(reader.remaining == 0)
        }
    }

    @Test("A length beyond the message is refused before anything is reserved", arguments: [false, true])
    func impossibleLengths(_ flexible: Bool) {
        let claim: [UInt8] = flexible ? [0xFF, 0xFF, 0xFF, 0xFF, 0x0F] : [0x7F, 0xFF, 0xFF, 0xFF]
        var reader = WireReader(ByteBuffer(bytes: claim), flexible: flexible)
        #expect(throws: WireError.badLength) { _ = try reader.int32Array() }
        var other = WireReader(ByteBuffer(bytes: claim), flexible: flexible)
        #expect(throws: WireError.badLength) { _ = try other.bytes() }
    }

    @Test("Snappy copies may overlap, and may not reach before the beginning")
    func snappy() throws {
        // "ab", then 6 bytes from 2 back.
        let good = ByteBuffer(bytes: [8, 0x04, 0x61, 0x62, 0x09, 0x02])
        #expect(String(buffer: try Snappy.decompress(good)) == "abababab")
        #expect(throws: WireError.badCompression) {
            _ = try Snappy.decompress(ByteBuffer(bytes: [8, 0x04, 0x61, 0x62, 0x09, 0x03]))
        }
    }

    @Test("Topic names are those of Kafka")
    func topicNames() {
        for name in ["a", "a.b_c-D9", String(repeating: "x", count: 249)] { #expect(Topic.isValidName(name)) }
        for name in ["", ".", "..", "a b", "ä", "a/b", String(repeating: "x", count: 250)] {
            #expect(!Topic.isValidName(name))
        }
    }
}
