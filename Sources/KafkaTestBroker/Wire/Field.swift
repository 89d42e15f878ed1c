import NIOCore

/// A value in a message. One function reads and writes it.
protocol Field {
    init()
    mutating func code(_ wire: inout Coder)
}

/// A structure of fields, with tagged fields at its end in flexible versions.
protocol Message: Field {
    mutating func fields(_ wire: inout Coder)
}

extension Message {
    mutating func code(_ wire: inout Coder) {
        fields(&wire)
        wire.tags()
    }
}

// MARK: Numbers

extension FixedWidthInteger {
    mutating func code(_ wire: inout Coder) { wire.integer(&self) }
}

extension Int8: Field {}
extension Int16: Field {}
extension Int32: Field {}
extension Int64: Field {}
extension UInt32: Field {}

extension Bool: Field {
    mutating func code(_ wire: inout Coder) {
        var byte: Int8 = self ? 1 : 0
        wire(&byte)
        self = byte != 0
    }
}

extension KafkaErrorCode: Field {
    init() { self = .none }

    mutating func code(_ wire: inout Coder) {
        var number = rawValue
        wire(&number)
        self = KafkaErrorCode(rawValue: number)
    }
}

extension KafkaUUID: Field {
    init() { self = .zero }

    mutating func code(_ wire: inout Coder) {
        wire.integer(&high)
        wire.integer(&low)
    }
}

// MARK: What has a length in front

/// A field with a length, which can be null: then it is optional.
protocol LengthField: Field {
    /// Its length is two bytes long in the classic encoding, not four.
    static var hasShortLength: Bool { get }
    var wireLength: Int { get }
    /// Reads so many, or writes all.
    mutating func content(_ wire: inout Coder, length: Int)
}

extension LengthField {
    static var hasShortLength: Bool { false }

    mutating func code(_ wire: inout Coder) {
        guard let length = wire.length(wireLength, isShort: Self.hasShortLength) else {
            return wire.fail(.unexpectedNull)
        }
        content(&wire, length: length)
    }
}

extension Optional: Field where Wrapped: LengthField {
    init() { self = nil }

    mutating func code(_ wire: inout Coder) {
        guard let length = wire.length(self?.wireLength, isShort: Wrapped.hasShortLength) else { return self = nil }
        var value = self ?? Wrapped()
        value.content(&wire, length: length)
        if wire.isReading { self = value }
    }
}

extension String: LengthField {
    static var hasShortLength: Bool { true }
    var wireLength: Int { utf8.count }
    mutating func content(_ wire: inout Coder, length: Int) { wire.text(&self, length: length) }
}

extension ByteBuffer: LengthField {
    var wireLength: Int { readableBytes }
    mutating func content(_ wire: inout Coder, length: Int) { wire.raw(&self, length: length) }
}

extension Array: Field, LengthField where Element: Field {
    var wireLength: Int { count }

    mutating func content(_ wire: inout Coder, length: Int) {
        if wire.isReading {
            self = []
            reserveCapacity(Swift.min(length, 64))
            while count < length, wire.flaw == nil {
                var item = Element()
                item.code(&wire)
                append(item)
            }
        } else {
            for item in self {
                var item = item
                item.code(&wire)
            }
        }
    }
}

/// Consecutive record batches as one field.
struct Records: LengthField {
    var batches: [ByteBuffer] = []

    var wireLength: Int { batches.reduce(0) { $0 + $1.readableBytes } }

    mutating func content(_ wire: inout Coder, length: Int) {
        if wire.isReading {
            var all = ByteBuffer()
            wire.raw(&all, length: length)
            batches = [all]
        } else {
            for batch in batches {
                var batch = batch
                wire.raw(&batch, length: batch.readableBytes)
            }
        }
    }
}
