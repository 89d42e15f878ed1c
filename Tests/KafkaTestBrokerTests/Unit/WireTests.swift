import CCRC32C
import NIOCore
import TestSupport
import Testing

@testable import KafkaTestBroker

@Suite("Wire")
struct WireTests {
    @Test func `the checksum is that of its published check value`() {
        let bytes = Array("123456789".utf8)
        #expect(godwit_crc32c(0, bytes, bytes.count) == 0xE306_9283)
    }

    @Test(arguments: [false, true])
    func `what is written is read again, in both encodings`(_ flexible: Bool) throws {
        var random = Seeded(3)
        for _ in 0..<200 {
            let text = String(repeating: "ü", count: Int.random(in: 0...300, using: &random))
            let numbers = (0..<Int.random(in: 0...300, using: &random)).map { _ in
                Int32.random(in: .min ... .max, using: &random)
            }
            let number = Int64.random(in: .min ... .max, using: &random) >> Int64.random(in: 0...60, using: &random)
            let sent = Everything(
                text: text, numbers: numbers, varint: .init(value: number),
                bytes: ByteBuffer(repeating: 7, count: 5000),
                nested: numbers.prefix(3).map { Everything.Nested(number: $0, since: $0) })
            for version: Int16 in [0, 1] {
                let format = Coder.Format(version: version, isFlexible: flexible)
                var (written, received) = (sent, Everything())
                var writer = Coder(writing: format)
                writer(&written)
                var reader = Coder(reading: writer.joined(), format)
                reader(&received)
                try reader.finishReading()
                #expect(reader.remaining == 0)
                if version == 0 { written.nested = written.nested.map { .init(number: $0.number) } }
                #expect(received == written)
            }
        }
    }

    /// A message with fields of all kinds.
    private struct Everything: Message, Equatable {
        struct Nested: Message, Equatable {
            var number: Int32 = 0
            var since: Int32 = -1

            mutating func fields(_ wire: inout Coder) {
                wire(&number)
                wire(&since, 1...)
            }
        }

        var text = ""
        var null: String?
        var numbers: [Int32]? = []
        var varint = Varint()
        var bytes = ByteBuffer()
        var code = KafkaErrorCode.invalidRecord
        var id = KafkaUUID(high: 1, low: 2)
        var nested: [Nested] = []

        mutating func fields(_ wire: inout Coder) {
            wire(&text, &null, &numbers)
            wire(&varint, &bytes)
            wire(&code, &id, &nested)
            wire.unused("unused", Int64(7))
            wire.tagged(3, Int64(1), 1...)
        }
    }

    @Test(arguments: [false, true])
    func `a message that ends too early, or has a null where none may be, is refused`(_ flexible: Bool) throws {
        let format = Coder.Format(isFlexible: flexible)
        var message = Everything(text: "text", numbers: [1, 2, 3])
        var writer = Coder(writing: format)
        writer(&message)
        let whole = writer.joined()
        for count in 0..<whole.readableBytes {
            var reader = Coder(reading: try #require(whole.getSlice(at: 0, length: count)), format)
            reader(&message)
            #expect(throws: WireError.self) { try reader.finishReading() }
        }
        var null = Coder(reading: ByteBuffer(bytes: flexible ? [0] : [0xFF, 0xFF]), format)
        var text = ""
        null(&text)
        #expect(throws: WireError.unexpectedNull) { try null.finishReading() }
    }

    @Test(arguments: [false, true])
    func `a length beyond the message is refused before anything is reserved`(_ flexible: Bool) {
        let claim: [UInt8] = flexible ? [0xFF, 0xFF, 0xFF, 0xFF, 0x0F] : [0x7F, 0xFF, 0xFF, 0xFF]
        func read(_ field: some Field) throws(WireError) {
            var field = field
            var reader = Coder(reading: ByteBuffer(bytes: claim), .init(isFlexible: flexible))
            reader(&field)
            try reader.finishReading()
        }
        #expect(throws: WireError.badLength) { try read([Int32]()) }
        #expect(throws: WireError.badLength) { try read(ByteBuffer()) }
    }

    @Test func `Snappy copies may overlap, and may not reach before the beginning`() throws {
        // "ab", then 6 bytes from 2 back.
        let good = ByteBuffer(bytes: [8, 0x04, 0x61, 0x62, 0x09, 0x02])
        #expect(String(buffer: try Snappy.decompress(good)) == "abababab")
        #expect(throws: WireError.badCompression) {
            _ = try Snappy.decompress(ByteBuffer(bytes: [8, 0x04, 0x61, 0x62, 0x09, 0x03]))
        }
    }

    @Test func `every kind of request has its place in the table, once`() {
        #expect(Set(API.all.map(\.kind)) == Set(RequestKind.allCases))
        #expect(API.all.count == RequestKind.allCases.count)
        #expect(Set(API.all.map(\.number)).count == API.all.count)
        #expect(API.all.map(\.number) == API.all.map(\.number).sorted())
    }

    @Test func `error codes are found by the protocol's names`() {
        #expect(KafkaErrorCode(name: "UNKNOWN_SERVER_ERROR") == .unknownServerError)
        #expect(KafkaErrorCode(name: "not_leader_or_follower") == .notLeaderOrFollower)
        #expect(KafkaErrorCode(name: "TRANSACTION_ABORTABLE") == .transactionAbortable)
        #expect(KafkaErrorCode(name: "INVALID_REGULAR_EXPRESSION")?.rawValue == 128)
        #expect(KafkaErrorCode(name: "NO_SUCH_ERROR") == nil)
    }

    @Test func `topic names are those of Kafka`() {
        for name in ["a", "a.b_c-D9", String(repeating: "x", count: 249)] { #expect(Topic.isValidName(name)) }
        for name in ["", ".", "..", "a b", "ä", "a/b", String(repeating: "x", count: 250)] {
            #expect(!Topic.isValidName(name))
        }
    }
}
