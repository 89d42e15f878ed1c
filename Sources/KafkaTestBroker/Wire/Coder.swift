import NIOCore

/// Reads or writes one message, in either of the protocol's two encodings. A message lists its fields once:
///
/// ```swift
/// mutating func fields(_ wire: inout Coder) {
///     wire(&transactionalID)
///     wire(&producerID, &producerEpoch, 3...)
/// }
/// ```
///
/// Every length that is read is checked against what is left, so that no claim of a frame makes the broker allocate. The first flaw
/// ends the reading: the fields after it keep their defaults, and ``finishReading()`` throws it.
struct Coder {
    /// What decides which fields a message has, and in which encoding.
    struct Format {
        var version: Int16 = 0
        /// The compact encoding with tagged fields at the end of each structure.
        var isFlexible = false
        /// Topics are named by their ids.
        var hasTopicIDs = false
        /// Responses begin, or nearly begin, with the time for which the client is to slow down.
        var hasThrottleTime = false
    }

    /// Changes only behind a header, which has an encoding of its own.
    var format: Format
    let isReading: Bool
    /// Told to the client in the response.
    var throttleMilliseconds: Int32 = 0
    private(set) var flaw: WireError?
    private var input: ByteBuffer
    private var output: WirePieces

    init(reading input: ByteBuffer, _ format: Format = Format()) {
        self.format = format
        self.input = input
        output = WirePieces(capacity: 0)
        isReading = true
    }

    init(writing format: Format) {
        self.format = format
        input = ByteBuffer()
        output = WirePieces(capacity: 256)
        isReading = false
    }

    // MARK: Fields

    // Always inlined, so that a field costs no more than the one line that it stands for.

    @inline(__always)
    mutating func callAsFunction(_ field: inout some Field) { field.code(&self) }

    /// A field of some versions only.
    @inline(__always)
    mutating func callAsFunction(_ field: inout some Field, _ versions: some RangeExpression<Int16>) {
        if versions.contains(format.version) { field.code(&self) }
    }

    /// Fields that follow each other.
    @inline(__always)
    mutating func callAsFunction<R: RangeExpression>(
        _ first: inout some Field, _ second: inout some Field, _ versions: R = 0...
    ) where R.Bound == Int16 {
        guard versions.contains(format.version) else { return }
        first.code(&self)
        second.code(&self)
    }

    /// Fields that follow each other.
    @inline(__always)
    mutating func callAsFunction<R: RangeExpression>(
        _ first: inout some Field, _ second: inout some Field, _ third: inout some Field, _ versions: R = 0...
    ) where R.Bound == Int16 {
        guard versions.contains(format.version) else { return }
        first.code(&self)
        second.code(&self)
        third.code(&self)
    }

    /// A field that the broker does not look at when it is read, and always writes so.
    mutating func unused<R: RangeExpression>(
        _ name: StaticString, _ value: some Field, _ versions: R = 0...
    ) where R.Bound == Int16 {
        var value = value
        if versions.contains(format.version) { value.code(&self) }
    }

    /// The time for which the client is to slow down, in the versions that have it.
    mutating func throttleTime() {
        if format.hasThrottleTime { unused("throttle_time_ms", throttleMilliseconds) }
    }

    /// A tagged field, if it has a value. Tags come after all other fields, in ascending order. Reading skips them.
    mutating func tagged(_ tag: UInt32, _ value: (some Field)?, _ versions: some RangeExpression<Int16>) {
        guard !isReading, versions.contains(format.version), var value else { return }
        var body = Coder(writing: format)
        value.code(&body)
        output.addTag(tag, body.finish())
    }

    /// The tagged fields at the end of a structure.
    mutating func tags() {
        guard format.isFlexible else { return }
        guard isReading else { return output.closeTags() }
        let count = unsignedVarint()
        guard Int(count) <= remaining else { return fail(.badLength) }
        for _ in 0..<count {
            _ = unsignedVarint()
            skip(Int(unsignedVarint()))
            if flaw != nil { return }
        }
    }

    // MARK: What fields are made of

    var remaining: Int { input.readableBytes }

    @inline(__always)
    mutating func integer<T: FixedWidthInteger>(_ value: inout T) {
        guard isReading else { return output.write(value) }
        guard flaw == nil else { return }
        if let read = input.readInteger(as: T.self) { value = read } else { fail(.truncated) }
    }

    /// A zigzag-encoded number of at most 64 bits, as records use it.
    mutating func varlong(_ value: inout Int64) {
        guard isReading else {
            return output.writeVarint(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
        }
        let bits = varint(maxShift: 63)
        value = Int64(bitPattern: bits >> 1) ^ -Int64(bitPattern: bits & 1)
    }

    private mutating func unsignedVarint() -> UInt32 { UInt32(truncatingIfNeeded: varint(maxShift: 28)) }

    private mutating func varint(maxShift: UInt64) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0, through: maxShift, by: 7) {
            var byte: UInt8 = 0
            integer(&byte)
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
        }
        fail(.badVarint)
        return 0
    }

    /// The length in front of a string, bytes or an array: takes what is to be written, and gives what was read; nil means null.
    mutating func length(_ length: Int?, isShort: Bool = false) -> Int? {
        guard isReading else {
            output.writeLength(length ?? -1, isFlexible: format.isFlexible, isShort: isShort)
            return length
        }
        var read = 0
        if format.isFlexible {
            read = Int(unsignedVarint()) - 1
        } else if isShort {
            var short: Int16 = 0
            integer(&short)
            read = Int(short)
        } else {
            var long: Int32 = 0
            integer(&long)
            read = Int(long)
        }
        if read == -1 || flaw != nil { return nil }
        guard read >= 0, read <= remaining else {
            fail(.badLength)
            return nil
        }
        return read
    }

    mutating func text(_ value: inout String, length: Int) {
        guard isReading else { return output.write(value) }
        value = input.readString(length: length) ?? ""
    }

    /// A run of bytes of this length, as a slice of the message.
    mutating func raw(_ value: inout ByteBuffer, length: Int) {
        guard isReading else { return output.write(value) }
        guard flaw == nil else { return }
        guard length >= 0, let slice = input.readSlice(length: length) else { return fail(.badLength) }
        value = slice
    }

    private mutating func skip(_ count: Int) {
        var skipped = ByteBuffer()
        raw(&skipped, length: count)
    }

    mutating func fail(_ flaw: WireError) {
        if self.flaw == nil { self.flaw = flaw }
    }

    // MARK: The end

    /// Throws the flaw that ended the reading, if there is one.
    func finishReading() throws(WireError) {
        if let flaw { throw flaw }
    }

    /// The written pieces, in order.
    consuming func finish() -> [ByteBuffer] { output.finish() }

    /// The written pieces in one.
    consuming func joined() -> ByteBuffer {
        finish().reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) }
    }
}

/// Why bytes could not be read as the message they claim to be.
struct WireError: Error, Hashable, CustomStringConvertible {
    let description: String

    static let truncated = WireError(description: "the message ends before its last field")
    static let badLength = WireError(description: "a length is negative or longer than the message")
    static let unexpectedNull = WireError(description: "a field that must have a value is null")
    static let badVarint = WireError(description: "a variable-length number is too long")
    static let badCompression = WireError(description: "compressed records cannot be decompressed")
    static let badRecord = WireError(description: "a record is malformed")
}
