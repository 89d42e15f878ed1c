/// A header's name in the form librdkafka takes it, made once and used for every record.
package struct HeaderName: Sendable, Hashable, CustomStringConvertible {
    /// UTF-8 with a terminating NUL.
    let bytes: ContiguousArray<UInt8>

    package init(_ name: String) {
        bytes = ContiguousArray(name.utf8.filter { $0 != 0 } + [0])
    }

    /// The bytes of the name in a record.
    package var byteCount: Int { bytes.count - 1 }

    package var description: String { String(decoding: bytes.dropLast(), as: UTF8.self) }
}
