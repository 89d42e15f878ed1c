/// A statement's parameters, encoded one after the other into one buffer.
struct Parameters: Sendable {
    private(set) var types: [UInt32] = []
    private(set) var lengths: [Int32] = []
    private var bytes: [UInt8] = []
    private var offsets: [Int] = []

    init(_ values: [any PostgresEncodable]) {
        types.reserveCapacity(values.count)
        for value in values { append(value) }
    }

    private mutating func append(_ value: some PostgresEncodable) {
        types.append(type(of: value).postgresType)
        let start = bytes.count
        if value.encode(into: &bytes) {
            offsets.append(start)
            lengths.append(Int32(bytes.count - start))
            // An empty value still needs an address that is not NULL.
            bytes.append(0)
        } else {
            offsets.append(-1)
            lengths.append(0)
        }
    }

    var count: Int { types.count }

    /// Hands libpq's four parallel arrays to the body; they are valid within it.
    func withUnsafeArrays<Result>(
        _ body: (
            _ types: UnsafePointer<UInt32>?, _ values: UnsafePointer<UnsafePointer<CChar>?>?,
            _ lengths: UnsafePointer<Int32>?, _ formats: UnsafePointer<Int32>?
        ) -> Result
    ) -> Result {
        let formats = [Int32](repeating: 1, count: count)
        return unsafe bytes.withUnsafeBytes { buffer in
            let base = unsafe buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            let values = unsafe offsets.map { offset -> UnsafePointer<CChar>? in
                offset < 0 ? nil : unsafe base?.advanced(by: offset)
            }
            return unsafe types.withUnsafeBufferPointer { types in
                unsafe values.withUnsafeBufferPointer { values in
                    unsafe lengths.withUnsafeBufferPointer { lengths in
                        unsafe formats.withUnsafeBufferPointer { formats in
                            unsafe body(types.baseAddress, values.baseAddress, lengths.baseAddress, formats.baseAddress)
                        }
                    }
                }
            }
        }
    }
}
