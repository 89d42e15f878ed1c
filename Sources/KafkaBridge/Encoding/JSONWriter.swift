/// Writes a flat JSON object into bytes.
struct JSONWriter {
    private(set) var bytes: [UInt8]
    private var isFirst = true
    private let repairs: Bool

    /// - Parameter repairs: whether texts may not be UTF-8, which JSON must be; what is not is replaced then.
    init(capacity: Int, repairs: Bool = false) {
        self.repairs = repairs
        bytes = []
        bytes.reserveCapacity(capacity)
        bytes.append(UInt8(ascii: "{"))
    }

    mutating func member(_ name: StaticString, _ text: RawSpan) {
        self.name(name)
        if repairs {
            string(Array(text.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }.utf8).span.bytes)
        } else {
            string(text)
        }
    }

    mutating func member(_ name: StaticString, _ text: [UInt8]) { member(name, text.span.bytes) }

    /// - Parameter name: letters and digits.
    mutating func member(named name: String, _ text: String) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        bytes += Array(name.utf8)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
        string(Array(text.utf8).span.bytes)
    }

    /// A text as a JSON string.
    static func text(of text: String) -> [UInt8] {
        var writer = JSONWriter(capacity: text.utf8.count + 8)
        writer.string(Array(text.utf8).span.bytes)
        return Array(writer.bytes.dropFirst())
    }

    mutating func member(_ name: StaticString, number: Int64) {
        self.name(name)
        bytes += Array("\(number)".utf8)
    }

    /// A value that is JSON already.
    mutating func member(_ name: StaticString, json: RawSpan) {
        self.name(name)
        json.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    mutating func member(_ name: StaticString, base64 data: RawSpan) {
        self.name(name)
        bytes.append(UInt8(ascii: "\""))
        data.withUnsafeBytes { Base64.append($0, to: &bytes) }
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func end() { bytes.append(UInt8(ascii: "}")) }

    private mutating func separate() {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        isFirst = false
    }

    private mutating func name(_ name: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    private mutating func string(_ text: RawSpan) {
        bytes.append(UInt8(ascii: "\""))
        text.withUnsafeBytes { text in
            for byte in text {
                switch byte {
                case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                    bytes.append(UInt8(ascii: "\\"))
                    bytes.append(byte)
                case 0..<0x20, 0x7f:
                    bytes += Array("\\u00".utf8)
                    bytes.append(Self.digit(byte >> 4))
                    bytes.append(Self.digit(byte & 15))
                default: bytes.append(byte)
                }
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}

/// RFC 4648 with padding.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func append(_ data: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
        bytes.reserveCapacity(bytes.count + (data.count + 2) / 3 * 4)
        var index = 0
        while index < data.count {
            let count = min(3, data.count - index)
            var group = UInt32(data[index]) << 16
            if count > 1 { group |= UInt32(data[index + 1]) << 8 }
            if count > 2 { group |= UInt32(data[index + 2]) }
            bytes.append(alphabet[Int(group >> 18)])
            bytes.append(alphabet[Int(group >> 12 & 63)])
            bytes.append(count > 1 ? alphabet[Int(group >> 6 & 63)] : UInt8(ascii: "="))
            bytes.append(count > 2 ? alphabet[Int(group & 63)] : UInt8(ascii: "="))
            index += 3
        }
    }
}
