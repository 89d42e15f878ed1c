/// How a consumer's aggregates are spread over its segments.
///
/// The answer for an aggregate must never change while a consumer lives: its checkpoints are kept by segment.
public protocol PartitionStrategy: Sendable {
    /// The segment of an aggregate, from 0.
    ///
    /// - Parameters:
    ///   - aggregateID: the aggregate's id, UTF-8.
    ///   - totalSegments: at least 1.
    func segment(of aggregateID: RawSpan, totalSegments: Int) -> Int
}

/// FNV-1a with 32 bits over the UTF-8 of the aggregate id, modulo the number of segments.
///
/// The same as in pupsourcing/core, so that either can take over the other's checkpoints. Source: Fowler, Noll, Vo,
/// draft-eastlake-fnv.
public struct FNV1aPartitionStrategy: PartitionStrategy {
    /// The strategy.
    public init() {}

    /// The segment of an aggregate, from 0.
    public func segment(of aggregateID: RawSpan, totalSegments: Int) -> Int {
        Int(Self.hash(aggregateID) % UInt32(max(1, totalSegments)))
    }

    /// The hash of the bytes.
    static func hash(_ bytes: RawSpan) -> UInt32 {
        bytes.withUnsafeBytes { buffer in
            var hash: UInt32 = 2_166_136_261
            for byte in buffer { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
            return hash
        }
    }
}
