/// A condition on a value in an event's payload or metadata.
public struct EventCondition: Sendable, Hashable {
    /// What of the event holds the value.
    public enum Part: String, Sendable, CaseIterable {
        /// The content, if it is JSON.
        case payload
        /// The metadata.
        case metadata
    }

    /// What of the event holds the value.
    public let part: Part
    /// Where in it the value is.
    public let pointer: JSONPointer
    /// Any of these: a text as it is, a number as decimal text, `true`, `false` or `null`. What could be more than a text is only
    /// that in double quotes, as JSON writes it: `10` is the number and the text, `"10"` the text.
    public let values: [String]
    /// Of the values the texts, without quotes.
    private let texts: [String]
    /// Whether events that have such a value are left out; the others are, otherwise.
    public let isExclusion: Bool

    /// - Parameter isExclusion: whether events that have such a value are left out.
    public init(_ part: Part, _ pointer: JSONPointer, oneOf values: [String], isExclusion: Bool = false) {
        self.part = part
        self.pointer = pointer
        self.values = values
        texts = values.map { Self.quoted($0) ?? $0 }
        self.isExclusion = isExclusion
    }

    /// The text that a value in double quotes is; `nil` for another one.
    private static func quoted(_ value: String) -> String? {
        let bytes = Array(value.utf8)
        guard bytes.count >= 2, bytes.first == UInt8(ascii: "\""), JSONText.isValid(bytes.span.bytes) else {
            return nil
        }
        return bytes.withUnsafeBytes {
            JSONText.unescaped(UnsafeRawBufferPointer(rebasing: $0[1..<(bytes.count - 1)]))
        }
    }

    /// A text as a value that means nothing else.
    package static func value(ofText text: String) -> String {
        let isPlain =
            !["true", "false", "null"].contains(text) && DecimalText(text) == nil
            && text.utf8.first != UInt8(ascii: "\"")
        return isPlain ? text : "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    enum Outcome: Sendable, Equatable {
        /// The value is one of those named.
        case met
        /// It is another, or there is none.
        case unmet
        /// The payload is not JSON, or did not come.
        case undecidable
    }

    func outcome(for event: EventView) -> Outcome {
        if part == .payload, event.withheldBytes != nil { return .undecidable }
        let bytes = part == .payload ? event.payload : event.metadata
        if bytes.byteCount == 0 { return .unmet }
        switch JSONText.value(at: pointer, in: bytes) {
        case .notJSON: return .undecidable
        case .absent: return .unmet
        case .found(let range):
            return bytes.withUnsafeBytes { bytes in
                isNamed(UnsafeRawBufferPointer(rebasing: bytes[range])) ? .met : .unmet
            }
        }
    }

    /// Whether the condition, alone, leaves an event out.
    package func leavesOut(_ event: EventView) -> Bool { outcome(for: event) == (isExclusion ? .met : .unmet) }

    /// The value's JSON text; `nil` where there is none.
    package func value(in event: EventView) -> String? {
        let bytes = part == .payload ? event.payload : event.metadata
        guard case .found(let range) = JSONText.value(at: pointer, in: bytes) else { return nil }
        return bytes.withUnsafeBytes { String(decoding: $0[range], as: UTF8.self) }
    }

    /// As the configuration calls it.
    package var key: String { (isExclusion ? "except_where" : "where") + (part == .metadata ? "_metadata" : "") }

    private func isNamed(_ value: UnsafeRawBufferPointer) -> Bool {
        switch value.first {
        case UInt8(ascii: "\""):
            let text = JSONText.unescaped(UnsafeRawBufferPointer(rebasing: value[1..<(value.count - 1)]))
            // By bytes: to `String`, letters are equal that are written in different ways.
            return texts.contains { $0.utf8.elementsEqual(text.utf8) }
        case UInt8(ascii: "{"), UInt8(ascii: "["), nil: return false
        case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"):
            return values.contains { $0.utf8.elementsEqual(value) }
        default:
            let text = String(decoding: value, as: UTF8.self)
            guard let number = DecimalText(text) else { return values.contains(text) }
            return values.contains { $0 == text || DecimalText($0) == number }
        }
    }
}

/// A JSON number as exact decimal digits, so that `10`, `10.0` and `1e1` are equal, and numbers that no `Double` can tell apart are
/// not.
struct DecimalText: Equatable {
    private let isNegative: Bool
    /// Without zeros at either end; empty for zero.
    private let digits: [UInt8]
    /// The number is `0.digits` times ten to this power.
    private let exponent: Int

    /// - Returns: `nil` for what is no number as JSON writes it, or has an exponent of more than nine digits.
    init?(_ text: String) {
        var rest = Array(text.utf8)[...]
        var isNegative = false
        if rest.first == UInt8(ascii: "-") {
            isNegative = true
            rest.removeFirst()
        }
        func takeDigits() -> [UInt8] {
            let digits = rest.prefix { (0x30...0x39).contains($0) }
            rest.removeFirst(digits.count)
            return Array(digits)
        }
        let whole = takeDigits()
        if whole.isEmpty { return nil }
        var fraction: [UInt8] = []
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            fraction = takeDigits()
            if fraction.isEmpty { return nil }
        }
        var power = 0
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest.removeFirst()
            let sign = rest.first == UInt8(ascii: "-") ? -1 : 1
            if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
            let digits = takeDigits().drop { $0 == 0x30 }
            if digits.count > 9 { return nil }
            power = sign * digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
            if text.utf8.last.map({ !(0x30...0x39).contains($0) }) ?? true { return nil }
        }
        guard rest.isEmpty else { return nil }
        let all = whole + fraction
        let leading = all.prefix { $0 == 0x30 }.count
        let significant = all.dropFirst(leading)
        digits = Array(significant.reversed().drop { $0 == 0x30 }.reversed())
        exponent = digits.isEmpty ? 0 : power + whole.count - leading
        self.isNegative = isNegative && !digits.isEmpty
    }
}
