import Glibc
import TestSupport

@testable import EventSourcing
@testable import Postgres

/// Makes values that few writers think of, all of which PostgreSQL can hold.
struct HostileValues {
    var random: Seeded
    /// Whether texts may be other bytes than UTF-8, as a database without an encoding holds them.
    let anyBytes: Bool
    /// Whether some values are large.
    var longest = 20_000

    init(_ seed: UInt64, anyBytes: Bool) {
        random = Seeded(seed)
        self.anyBytes = anyBytes
    }

    mutating func pick<Value>(_ values: [Value]) -> Value { values[Int.random(in: 0..<values.count, using: &random)] }
    mutating func isOne(in count: Int) -> Bool { Int.random(in: 0..<count, using: &random) == 0 }

    private static let texts = [
        "", " ", ".", "..", "/", "user-1", "Order Line", "a.b", "a_b", "{event_type}", "\"", "\\", "\\u0000", "'", "%",
        "%00",
        "\t", "\n", "\r\n", "\u{1}", "\u{1b}[2J", "\u{7f}", "\u{80}", "\u{85}", "\u{9b}31m", "\u{202e}", "\u{2028}",
        "\u{feff}", "\u{fffd}", "\u{ffff}", "\u{10ffff}", "e\u{301}", "👩‍👩‍👧‍👧", "漢字", "ﬀ", "İ", "ß", "null", "NaN", "true",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-0000000000000000-00", "\",\"id\":\"forged", "HTTPRequest", "__", "-",
    ]

    /// A text without NUL.
    mutating func text() -> [UInt8] {
        switch Int.random(in: 0..<12, using: &random) {
        case 0 where anyBytes: return bytes(most: 40).map { $0 == 0 ? 1 : $0 }
        case 1 where anyBytes:
            // Cut within a character, and what follows it.
            return Array("漢".utf8.prefix(2)) + Array(pick(Self.texts).utf8)
        case 2: return Array(String(repeating: pick(Self.texts), count: Int.random(in: 0...300, using: &random)).utf8)
        case 3 where isOne(in: 40):
            return Array(repeating: pick([1, 0x22, 0x61]), count: Int.random(in: 0...longest, using: &random))
        case 4:
            let scalars = (0..<Int.random(in: 0...20, using: &random)).map { _ in scalar() }
            return Array(String(String.UnicodeScalarView(scalars)).utf8)
        case 5, 6: return Array((pick(Self.texts) + pick(Self.texts)).utf8)
        default: return Array(pick(Self.texts).utf8)
        }
    }

    private mutating func scalar() -> Unicode.Scalar {
        let value = UInt32.random(in: 1...pick([0x1f, 0x7f, 0xff, 0x7ff, 0xffff, 0x10ffff]), using: &random)
        return Unicode.Scalar(value) ?? "?"
    }

    mutating func bytes(most: Int) -> [UInt8] {
        (0..<Int.random(in: 0...most, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type) -> Value {
        pick([.min, .min + 1, .max, .max - 1, 0, 1, 2, 0 &- 1, Value.random(in: .min ... .max, using: &random)])
    }

    /// Microseconds since 2000, with PostgreSQL's ends and infinities.
    mutating func time() -> Int64 {
        pick([
            .min, .max, -211_813_488_000_000_000, 9_223_371_331_199_999_999, 0, -946_684_800_000_000,
            -946_684_800_000_001,
            252_455_615_999_999_999, 252_455_616_000_000_000, -63_082_281_600_000_000, -63_082_281_600_000_001,
            Int64.random(in: -211_813_488_000_000_000...9_223_371_331_199_999_999, using: &random),
            Int64.random(in: 0...900_000_000_000_000, using: &random),
        ])
    }

    /// A JSON text; now and then no object, or nothing that JSON is, which no `jsonb` holds but a reader must survive.
    mutating func json(depth: Int = 0) -> [UInt8] {
        switch Int.random(in: 0..<(depth > 4 ? 5 : 9), using: &random) {
        case 0:
            return Array(
                pick(["null", "true", "false", "0", "-0.0", "1e131071", "-1E-999", "12345678901234567890"]).utf8)
        case 1:
            let digits = String(repeating: "9", count: Int.random(in: 1...400, using: &random))
            return Array(digits.utf8)
        case 2, 3: return string()
        case 4:
            return string(
                pick([
                    #"\u0000"#, #"\ud800"#, #"\udc00\ud800"#, #"\ud83d\udc26"#, #"\"\\\/\b\f\n\r\t"#, #"\u12"#, #"\x"#,
                    #"\"#,
                ]))
        case 5 where depth == 0 && isOne(in: 20):
            let nesting = pick([199, 200, 201, 5_000])
            return Array(repeating: 0x5b, count: nesting) + Array(repeating: 0x5d, count: nesting)
        case 5, 6:
            var text: [UInt8] = [0x5b]
            for index in 0..<Int.random(in: 0...4, using: &random) {
                if index > 0 { text += [0x2c, 0x20] }
                text += json(depth: depth + 1)
            }
            return text + [0x5d]
        default: return object(depth: depth)
        }
    }

    mutating func object(depth: Int = 0) -> [UInt8] {
        var text: [UInt8] = [0x7b]
        for index in 0..<Int.random(in: 0...5, using: &random) {
            if index > 0 { text += [0x2c, 0x20] }
            text += isOne(in: 2) ? Array(pick([#""tenant""#, #""user""#, #""ten\u0061nt""#, #""""#]).utf8) : string()
            text += [0x3a, 0x20] + json(depth: depth + 1)
        }
        return text + [0x7d]
    }

    private mutating func string(_ inside: String = "") -> [UInt8] {
        var text: [UInt8] = [0x22]
        for byte in self.text() {
            if byte == 0x22 || byte == 0x5c { text.append(0x5c) }
            text.append(byte < 0x20 ? 0x20 : byte)
        }
        return text + Array(inside.utf8) + [0x22]
    }

    mutating func payload() -> [UInt8] {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: return json()
        case 1 where isOne(in: 20): return bytes(most: longest)
        case 2: return bytes(most: 100)
        default: return Array(#"{"a":1}"#.utf8)
        }
    }
}

/// Rows as a read gives them, made without a server.
struct HostileRows {
    private static let types: [UInt32] = [20, 25, 25, 25, 20, 2950, 25, 23, 17, 25, 25, 25, 3802, 1184]

    var rows: [[[UInt8]?]] = []

    init(_ values: inout HostileValues, count: Int) {
        for _ in 0..<count {
            func bigEndian(_ number: some FixedWidthInteger) -> [UInt8] {
                withUnsafeBytes(of: number.bigEndian) { Array($0) }
            }
            func rarelyNull(_ value: [UInt8]) -> [UInt8]? { values.isOne(in: 200) ? nil : value }
            func oftenNull(_ value: [UInt8]) -> [UInt8]? { values.isOne(in: 3) ? nil : value }
            let uuid = (0..<16).map { _ in values.pick([0, 0xff, UInt8.random(in: 0...255, using: &values.random)]) }
            let metadata = values.isOne(in: 4) ? values.json() : values.object()
            rows.append([
                bigEndian(values.integer(Int64.self)), rarelyNull(values.text()), rarelyNull(values.text()),
                rarelyNull(values.text()), rarelyNull(bigEndian(values.integer(Int64.self))), rarelyNull(uuid),
                rarelyNull(values.text()), rarelyNull(bigEndian(values.integer(Int32.self))),
                rarelyNull(values.payload()), oftenNull(values.text()), oftenNull(values.text()),
                oftenNull(values.text()), oftenNull([1] + metadata), rarelyNull(bigEndian(values.time())),
            ])
        }
    }

    /// Freed by the batch.
    private static func memory(_ size: Int) throws -> UnsafeMutableRawPointer {
        guard let bytes = malloc(max(size, 1)) else { throw PostgresError(.decoding, "no memory") }
        return bytes
    }

    func batch(anyBytes: Bool) throws -> EventBatch {
        let size = rows.reduce(0) { $0 + $1.reduce(0) { $0 + 4 + ($1?.count ?? 0) } }
        let bytes = try Self.memory(size)
        let offsetBytes = try Self.memory(rows.count * Self.types.count * 4)
        let offsets = offsetBytes.assumingMemoryBound(to: UInt32.self)
        var (place, cell) = (0, 0)
        for row in rows {
            for value in row {
                let length = value.map { Int32($0.count) } ?? -1
                bytes.storeBytes(of: length.bigEndian, toByteOffset: place, as: Int32.self)
                place += 4
                offsets[cell] = UInt32(place)
                for byte in value ?? [] {
                    bytes.storeBytes(of: byte, toByteOffset: place, as: UInt8.self)
                    place += 1
                }
                cell += 1
            }
        }
        return try EventBatch(
            ResultCells(
                taking: bytes, byteCount: size, offsets: offsets, rowCount: rows.count, types: Self.types,
                isTextUnchecked: anyBytes))
    }
}
