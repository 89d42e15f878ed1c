internal import CLibRDKafka

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// Takes the parts of one record. Lent to ``RecordSource/fill(_:_:)`` for the time of the call.
///
/// A topic is needed; everything else has a default: no key, no value (a tombstone), no headers, the time of now.
@safe package struct RecordWriter: ~Copyable {
    private let fields: UnsafeMutablePointer<rd_kafka_vu_t>
    private let topics: TopicPointers
    private var headers: OpaquePointer?
    private(set) var payloadBytes = 0
    /// The copy of a value, until librdkafka owns it.
    private var ownedValue: UnsafeMutableRawPointer?
    private var keyCopy: UnsafeMutableRawBufferPointer
    private var topic: TopicHandle?

    private enum Field: Int, CaseIterable {
        case topic, partition, value, key, slot, flags, timestamp, headers
    }

    init(topics: TopicPointers) {
        self.topics = topics
        unsafe keyCopy = .allocate(byteCount: 256, alignment: 1)
        unsafe fields = .allocate(capacity: Field.allCases.count)
        unsafe fields.initialize(repeating: rd_kafka_vu_t(), count: Field.allCases.count)
        unsafe fields[Field.topic.rawValue].vtype = RD_KAFKA_VTYPE_RKT
        unsafe fields[Field.partition.rawValue].vtype = RD_KAFKA_VTYPE_PARTITION
        unsafe fields[Field.value.rawValue].vtype = RD_KAFKA_VTYPE_VALUE
        unsafe fields[Field.key.rawValue].vtype = RD_KAFKA_VTYPE_KEY
        unsafe fields[Field.slot.rawValue].vtype = RD_KAFKA_VTYPE_OPAQUE
        unsafe fields[Field.flags.rawValue].vtype = RD_KAFKA_VTYPE_MSGFLAGS
        unsafe fields[Field.timestamp.rawValue].vtype = RD_KAFKA_VTYPE_TIMESTAMP
        unsafe fields[Field.headers.rawValue].vtype = RD_KAFKA_VTYPE_HEADERS
    }

    deinit {
        if let headers = unsafe headers { unsafe rd_kafka_headers_destroy(headers) }
        unsafe free(ownedValue)
        unsafe keyCopy.deallocate()
        unsafe fields.deallocate()
    }

    // MARK: For the source

    package mutating func topic(_ topic: TopicHandle) {
        unsafe fields[Field.topic.rawValue].u.rkt = topics[topic]
        self.topic = topic
    }

    /// Sets the partition; without, the key decides, among the partitions the topic has for this producer.
    package mutating func partition(_ partition: Int32) {
        unsafe fields[Field.partition.rawValue].u.i32 = partition
    }

    /// Copies the key. An empty key is a key; a record without a key is made by not calling this.
    package mutating func key(_ bytes: RawSpan) {
        if unsafe bytes.byteCount > keyCopy.count {
            unsafe keyCopy.deallocate()
            unsafe keyCopy = .allocate(byteCount: bytes.byteCount * 2, alignment: 1)
        }
        unsafe bytes.withUnsafeBytes { unsafe keyCopy.copyMemory(from: $0) }
        unsafe set(.key, UnsafeRawBufferPointer(rebasing: keyCopy[..<bytes.byteCount]))
    }

    /// The value, **not copied**: the bytes have to stay where they are until the batch has let go of its source.
    package mutating func value(retained bytes: RawSpan) {
        dropOwnedValue()
        unsafe bytes.withUnsafeBytes { unsafe set(.value, $0) }
    }

    /// The value, copied.
    package mutating func value(copying bytes: RawSpan) {
        dropOwnedValue()
        // By malloc, because librdkafka frees it.
        guard let copy = unsafe malloc(max(bytes.byteCount, 1)) else { return }
        unsafe bytes.withUnsafeBytes { source in
            let target = unsafe UnsafeMutableRawBufferPointer(start: copy, count: source.count)
            unsafe target.copyMemory(from: source)
            unsafe set(.value, UnsafeRawBufferPointer(target))
        }
        unsafe ownedValue = copy
    }

    /// Takes the value back: the record is a tombstone.
    package mutating func withoutValue() {
        dropOwnedValue()
        unsafe payloadBytes -= fields[Field.value.rawValue].u.mem.size
        unsafe fields[Field.value.rawValue].u.mem = .init()
    }

    /// Milliseconds since 1970.
    package mutating func timestamp(milliseconds: Int64) {
        unsafe fields[Field.timestamp.rawValue].u.i64 = milliseconds
    }

    /// Adds a header; the bytes are copied.
    package mutating func header(_ name: HeaderName, _ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { unsafe addHeader(name, $0.baseAddress ?? Self.emptyBytes, $0.count) }
    }

    package mutating func header(_ name: HeaderName, _ text: String) {
        var text = text
        text.withUTF8 { unsafe addHeader(name, UnsafeRawPointer($0.baseAddress) ?? Self.emptyBytes, $0.count) }
    }

    /// Adds a header without a value, which is not the same as an empty one.
    package mutating func headerWithoutValue(_ name: HeaderName) { unsafe addHeader(name, nil, 0) }

    /// Adds a number as decimal text.
    package mutating func header(_ name: HeaderName, decimal number: Int64) {
        unsafe withUnsafeTemporaryAllocation(byteCount: 20, alignment: 1) { digits in
            var rest = number.magnitude
            var start = 20
            repeat {
                start -= 1
                unsafe digits[start] = UInt8(truncatingIfNeeded: rest % 10) + 0x30
                rest /= 10
            } while rest > 0
            if number < 0 {
                start -= 1
                unsafe digits[start] = 0x2d
            }
            unsafe addHeader(name, digits.baseAddress.map { unsafe UnsafeRawPointer($0 + start) }, 20 - start)
        }
    }

    // MARK: For the producer

    /// What the record's report will carry.
    var opaque: UInt { unsafe UInt(bitPattern: fields[Field.slot.rawValue].u.ptr) }

    mutating func begin(slot: UInt) {
        unsafe fields[Field.partition.rawValue].u.i32 = RD_KAFKA_PARTITION_UA
        unsafe fields[Field.value.rawValue].u.mem = .init()
        unsafe fields[Field.key.rawValue].u.mem = .init()
        unsafe fields[Field.slot.rawValue].u.ptr = UnsafeMutableRawPointer(bitPattern: slot)
        unsafe fields[Field.timestamp.rawValue].u.i64 = 0
        payloadBytes = 0
        dropOwnedValue()
        topic = nil
        if let headers = unsafe headers {
            // Left over from a record that was not taken.
            unsafe rd_kafka_headers_destroy(headers)
            unsafe self.headers = nil
        }
    }

    /// Hands the record to librdkafka. Header list and copied value change owner only when that succeeds.
    mutating func send(to client: OpaquePointer) -> KafkaError? {
        guard let topic else { return KafkaError(.invalidArgument, message: "The record has no topic") }
        // librdkafka would choose among the partitions the topic has now.
        if unsafe fields[Field.partition.rawValue].u.i32 == RD_KAFKA_PARTITION_UA,
            let key = unsafe fields[Field.key.rawValue].u.mem.ptr
        {
            let bytes = unsafe RawSpan(
                _unsafeStart: UnsafeRawPointer(key), byteCount: fields[Field.key.rawValue].u.mem.size)
            unsafe fields[Field.partition.rawValue].u.i32 = topic.partition(forKey: bytes)
        }
        unsafe fields[Field.flags.rawValue].u.i = ownedValue == nil ? 0 : RD_KAFKA_MSG_F_FREE
        unsafe fields[Field.headers.rawValue].u.headers = headers
        if let error = unsafe rd_kafka_produceva(client, fields, Field.allCases.count) {
            return unsafe KafkaError(consuming: error)
        }
        unsafe headers = nil
        unsafe ownedValue = nil
        return nil
    }

    private mutating func dropOwnedValue() {
        unsafe free(ownedValue)
        unsafe ownedValue = nil
    }

    private mutating func set(_ field: Field, _ bytes: UnsafeRawBufferPointer) {
        // librdkafka takes a null pointer for an absent key or value, so an empty one needs an address.
        unsafe fields[field.rawValue].u.mem.ptr = UnsafeMutableRawPointer(
            mutating: bytes.baseAddress ?? Self.emptyBytes)
        unsafe fields[field.rawValue].u.mem.size = bytes.count
        payloadBytes += bytes.count
    }

    private mutating func addHeader(_ name: HeaderName, _ value: UnsafeRawPointer?, _ count: Int) {
        let list: OpaquePointer
        if let headers = unsafe headers {
            unsafe list = headers
        } else {
            unsafe list = rd_kafka_headers_new(16)
            unsafe headers = list
        }
        unsafe name.bytes.withUnsafeBytes { name in
            _ = unsafe rd_kafka_header_add(
                list, name.baseAddress?.assumingMemoryBound(to: CChar.self), name.count - 1, value, count)
        }
    }

    /// Somewhere to point at for zero bytes. Never written, never freed: that is why it may be shared.
    nonisolated(unsafe) private static let emptyBytes: UnsafeRawPointer = UnsafeRawPointer(
        UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1))
}
