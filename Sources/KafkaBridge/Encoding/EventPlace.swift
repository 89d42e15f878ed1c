package import EventSourcing

/// A place in the metadata or in the payload of events, such as `metadata./user/tenant`.
package struct EventPlace: Sendable, Hashable, CustomStringConvertible {
    package enum Document: String, Sendable, CaseIterable {
        case metadata
        case payload
    }

    /// Why a place has no text.
    package enum Flaw: Error, Sendable, Hashable {
        case absent
        case null
        case object
        case array
        /// A string with half of a surrogate pair, which no text in UTF-8 holds.
        case surrogate
        /// The document is not JSON.
        case notJSON
    }

    /// A place of an event that has no text.
    package struct Gap: Error, Sendable, Hashable {
        package let place: EventPlace
        package let flaw: Flaw
    }

    package let document: Document
    package let pointer: JSONPointer

    package init(_ document: Document, _ pointer: JSONPointer) {
        self.document = document
        self.pointer = pointer
    }

    package var description: String { "\(document.rawValue).\(pointer.description)" }

    /// The string's text, or the JSON text of a number, `true` or `false`.
    func text(in event: EventView) -> Result<[UInt8], Flaw> {
        let bytes = document == .metadata ? event.metadata : event.payload
        // An event without metadata has nothing anywhere.
        if document == .metadata, bytes.byteCount == 0 { return .failure(.absent) }
        switch JSONText.value(at: pointer, in: bytes) {
        case .notJSON: return .failure(.notJSON)
        case .absent: return .failure(.absent)
        case .found(let range): return JSONScalar.text(of: range, in: bytes)
        }
    }

    /// The bytes of the value as JSON; `nil` where there is none.
    func value(in event: EventView) -> Result<Range<Int>, Flaw> {
        let bytes = document == .metadata ? event.metadata : event.payload
        if document == .metadata, bytes.byteCount == 0 { return .failure(.absent) }
        return switch JSONText.value(at: pointer, in: bytes) {
        case .notJSON: .failure(.notJSON)
        case .absent: .failure(.absent)
        case .found(let range): .success(range)
        }
    }
}

/// The text of a JSON value that is no object and no array.
enum JSONScalar {
    /// - Parameter range: a value of valid JSON.
    static func text(of range: Range<Int>, in document: RawSpan) -> Result<[UInt8], EventPlace.Flaw> {
        document.withUnsafeBytes { bytes in
            let value = UnsafeRawBufferPointer(rebasing: bytes[range])
            switch value.first {
            case UInt8(ascii: "{"): return .failure(.object)
            case UInt8(ascii: "["): return .failure(.array)
            case UInt8(ascii: "n"): return .failure(.null)
            case UInt8(ascii: "\""):
                let inside = UnsafeRawBufferPointer(rebasing: value[1..<(value.count - 1)])
                guard let text = unescaped(inside) else { return .failure(.surrogate) }
                return .success(text)
            default: return .success(Array(value))
            }
        }
    }

    /// The UTF-8 of a valid string's inside; `nil` where half of a surrogate pair is in it.
    static func unescaped(_ inside: UnsafeRawBufferPointer) -> [UInt8]? {
        guard inside.contains(UInt8(ascii: "\\")) else { return Array(inside) }
        var result: [UInt8] = []
        result.reserveCapacity(inside.count)
        var index = 0
        while index < inside.count {
            let byte = inside[index]
            guard byte == UInt8(ascii: "\\"), index + 1 < inside.count else {
                result.append(byte)
                index += 1
                continue
            }
            let escape = inside[index + 1]
            index += 2
            switch escape {
            case UInt8(ascii: "n"): result.append(10)
            case UInt8(ascii: "t"): result.append(9)
            case UInt8(ascii: "r"): result.append(13)
            case UInt8(ascii: "b"): result.append(8)
            case UInt8(ascii: "f"): result.append(12)
            case UInt8(ascii: "u"):
                guard var value = unit(inside, at: index) else { return nil }
                index += 4
                if (0xd800...0xdbff).contains(value) {
                    guard index + 6 <= inside.count, inside[index] == UInt8(ascii: "\\"),
                        inside[index + 1] == UInt8(ascii: "u"), let low = unit(inside, at: index + 2),
                        (0xdc00...0xdfff).contains(low)
                    else { return nil }
                    index += 6
                    value = 0x1_0000 + (value - 0xd800) << 10 + (low - 0xdc00)
                }
                guard let scalar = Unicode.Scalar(value) else { return nil }
                result += Array(String(Character(scalar)).utf8)
            default: result.append(escape)
            }
        }
        return result
    }

    /// Four hexadecimal digits.
    private static func unit(_ bytes: UnsafeRawBufferPointer, at index: Int) -> UInt32? {
        guard index + 4 <= bytes.count else { return nil }
        return UInt32(String(decoding: bytes[index..<(index + 4)], as: UTF8.self), radix: 16)
    }
}
