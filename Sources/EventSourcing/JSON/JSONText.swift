/// Looks through JSON text (RFC 8259) in place, without building anything from it.
package struct JSONText {
    /// Deeper nesting counts as invalid, so that no text can use up the stack of its reader.
    package static let maximumDepth = 200

    private let bytes: UnsafeRawBufferPointer
    private var index = 0

    private init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Whether the bytes are one JSON value and nothing else.
    ///
    /// - Parameter depth: how deep the value is to be in another, which then is as deep as it may be.
    package static func isValid(_ bytes: RawSpan, depth: Int = 0) -> Bool {
        bytes.withUnsafeBytes { bytes in
            guard UTF8Check.isValid(bytes) else { return false }
            var text = JSONText(bytes)
            text.skipSpace()
            guard text.skipValue(depth: depth) else { return false }
            text.skipSpace()
            return text.index == bytes.count
        }
    }

    /// Hands out the members of a JSON object, with the range of each value in the bytes. False when it is none.
    package static func forEachMember(of bytes: RawSpan, _ body: (_ name: String, _ value: Range<Int>) -> Void) -> Bool
    {
        bytes.withUnsafeBytes { bytes in
            var text = JSONText(bytes)
            text.skipSpace()
            guard text.take(UInt8(ascii: "{")) else { return false }
            text.skipSpace()
            if text.take(UInt8(ascii: "}")) { return true }
            while true {
                text.skipSpace()
                let start = text.index
                guard text.skipString() else { return false }
                let name = JSONText.unescaped(UnsafeRawBufferPointer(rebasing: bytes[(start + 1)..<(text.index - 1)]))
                text.skipSpace()
                guard text.take(UInt8(ascii: ":")) else { return false }
                text.skipSpace()
                let value = text.index
                guard text.skipValue(depth: 1) else { return false }
                body(name, value..<text.index)
                text.skipSpace()
                if text.take(UInt8(ascii: "}")) { return true }
                guard text.take(UInt8(ascii: ",")) else { return false }
            }
        }
    }

    /// The text of a string's inside.
    package static func unescaped(_ bytes: UnsafeRawBufferPointer) -> String {
        guard bytes.contains(UInt8(ascii: "\\")) else { return String(decoding: bytes, as: UTF8.self) }
        var units: [UInt16] = []
        var result = ""
        func flush() {
            result += String(decoding: units, as: UTF16.self)
            units.removeAll()
        }
        var index = 0
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "\\"), index + 1 < bytes.count else {
                var end = index + 1
                while end < bytes.count, bytes[end] != UInt8(ascii: "\\") { end += 1 }
                flush()
                result += String(decoding: bytes[index..<end], as: UTF8.self)
                index = end
                continue
            }
            switch bytes[index + 1] {
            case UInt8(ascii: "n"): units.append(10)
            case UInt8(ascii: "t"): units.append(9)
            case UInt8(ascii: "r"): units.append(13)
            case UInt8(ascii: "b"): units.append(8)
            case UInt8(ascii: "f"): units.append(12)
            case UInt8(ascii: "u") where index + 5 < bytes.count:
                let digits = String(decoding: bytes[(index + 2)..<(index + 6)], as: UTF8.self)
                // Halves of a surrogate pair meet in `units`.
                units.append(UInt16(digits, radix: 16) ?? 0xfffd)
                index += 4
            case let other: units.append(UInt16(other))
            }
            index += 2
        }
        flush()
        return result
    }

    /// The value at a place, which is the last one where a name is there several times, as in `jsonb` and most parsers.
    ///
    /// The whole text is looked at, so that a value is found in valid JSON only.
    package static func value(at pointer: JSONPointer, in bytes: RawSpan) -> Lookup {
        bytes.withUnsafeBytes { bytes in
            guard UTF8Check.isValid(bytes) else { return .notJSON }
            var text = JSONText(bytes)
            text.skipSpace()
            var found: Range<Int>?
            guard text.find(pointer.tokens[...], depth: 0, &found) else { return .notJSON }
            text.skipSpace()
            guard text.index == bytes.count else { return .notJSON }
            return found.map { .found($0) } ?? .absent
        }
    }

    /// What there is at a place.
    package enum Lookup: Sendable, Equatable {
        /// The value's bytes.
        case found(Range<Int>)
        case absent
        case notJSON
    }

    // MARK: Scanning

    /// Skips a value, and notes where in it the place is.
    private mutating func find(_ tokens: ArraySlice<String>, depth: Int, _ found: inout Range<Int>?) -> Bool {
        let start = index
        found = nil
        guard let token = tokens.first else {
            guard skipValue(depth: depth) else { return false }
            found = start..<index
            return true
        }
        guard index < bytes.count, depth <= Self.maximumDepth else { return false }
        let close: UInt8
        switch bytes[index] {
        case UInt8(ascii: "{"): close = UInt8(ascii: "}")
        case UInt8(ascii: "["): close = UInt8(ascii: "]")
        default: return skipValue(depth: depth)
        }
        let isObject = close == UInt8(ascii: "}")
        index += 1
        skipSpace()
        if take(close) { return true }
        var number = 0
        while true {
            skipSpace()
            var isMeant = !isObject && token == String(number)
            if isObject {
                let start = index
                guard skipString() else { return false }
                isMeant = Self.equals(
                    UnsafeRawBufferPointer(rebasing: bytes[(start + 1)..<(index - 1)]), token)
                skipSpace()
                guard take(UInt8(ascii: ":")) else { return false }
                skipSpace()
            }
            if isMeant {
                guard find(tokens.dropFirst(), depth: depth + 1, &found) else { return false }
            } else {
                guard skipValue(depth: depth + 1) else { return false }
            }
            number += 1
            skipSpace()
            if take(close) { return true }
            guard take(UInt8(ascii: ",")) else { return false }
        }
    }

    /// Whether a string's inside is the text.
    private static func equals(_ inside: UnsafeRawBufferPointer, _ text: String) -> Bool {
        if inside.contains(UInt8(ascii: "\\")) { return unescaped(inside).utf8.elementsEqual(text.utf8) }
        return inside.elementsEqual(text.utf8)
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard index < bytes.count, bytes[index] == byte else { return false }
        index += 1
        return true
    }

    private mutating func skipSpace() {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x09, 0x0a, 0x0d: index += 1
            default: return
            }
        }
    }

    private mutating func skipValue(depth: Int) -> Bool {
        guard index < bytes.count, depth <= Self.maximumDepth else { return false }
        return switch bytes[index] {
        case UInt8(ascii: "{"): skipObject(depth: depth)
        case UInt8(ascii: "["): skipArray(depth: depth)
        case UInt8(ascii: "\""): skipString()
        case UInt8(ascii: "t"): skipWord("true")
        case UInt8(ascii: "f"): skipWord("false")
        case UInt8(ascii: "n"): skipWord("null")
        default: skipNumber()
        }
    }

    private mutating func skipObject(depth: Int) -> Bool {
        index += 1
        skipSpace()
        if take(UInt8(ascii: "}")) { return true }
        while true {
            skipSpace()
            guard skipString() else { return false }
            skipSpace()
            guard take(UInt8(ascii: ":")) else { return false }
            skipSpace()
            guard skipValue(depth: depth + 1) else { return false }
            skipSpace()
            if take(UInt8(ascii: "}")) { return true }
            guard take(UInt8(ascii: ",")) else { return false }
        }
    }

    private mutating func skipArray(depth: Int) -> Bool {
        index += 1
        skipSpace()
        if take(UInt8(ascii: "]")) { return true }
        while true {
            skipSpace()
            guard skipValue(depth: depth + 1) else { return false }
            skipSpace()
            if take(UInt8(ascii: "]")) { return true }
            guard take(UInt8(ascii: ",")) else { return false }
        }
    }

    private mutating func skipString() -> Bool {
        guard take(UInt8(ascii: "\"")) else { return false }
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            switch byte {
            case UInt8(ascii: "\""): return true
            case 0..<0x20: return false
            case UInt8(ascii: "\\"):
                guard index < bytes.count else { return false }
                let escape = bytes[index]
                index += 1
                switch escape {
                case UInt8(ascii: "u"):
                    guard index + 4 <= bytes.count, bytes[index..<(index + 4)].allSatisfy(Self.isHexadecimal) else {
                        return false
                    }
                    index += 4
                case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
                    UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
                    break
                default: return false
                }
            default: break
            }
        }
        return false
    }

    private mutating func skipWord(_ word: StaticString) -> Bool {
        let end = index + word.utf8CodeUnitCount
        guard end <= bytes.count else { return false }
        for offset in 0..<word.utf8CodeUnitCount where bytes[index + offset] != word.utf8Start[offset] { return false }
        index = end
        return true
    }

    private mutating func skipNumber() -> Bool {
        _ = take(UInt8(ascii: "-"))
        if take(UInt8(ascii: "0")) {} else { guard skipDigits() else { return false } }
        if take(UInt8(ascii: ".")) { guard skipDigits() else { return false } }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            guard skipDigits() else { return false }
        }
        return true
    }

    private mutating func skipDigits() -> Bool {
        let start = index
        while index < bytes.count, (0x30...0x39).contains(bytes[index]) { index += 1 }
        return index > start
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
        default: false
        }
    }
}

/// Whether bytes are UTF-8.
package enum UTF8Check {
    package static func isValid(_ bytes: RawSpan) -> Bool { bytes.withUnsafeBytes { isValid($0) } }

    package static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        String(validating: bytes, as: UTF8.self) != nil
    }
}
