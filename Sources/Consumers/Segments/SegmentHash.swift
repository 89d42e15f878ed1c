/// How aggregates are spread over segments.
///
/// FNV-1a with 32 bits over the UTF-8 of the aggregate id, modulo the number of segments: the same as in
/// pupsourcing/core, so that either can take over the other's checkpoints. Source: Fowler, Noll, Vo,
/// draft-eastlake-fnv.
public enum SegmentHash {
    /// The segment, from 0, of an aggregate.
    ///
    /// - Parameter totalSegments: at least 1.
    public static func segment(of aggregateID: String, totalSegments: Int) -> Int {
        var hash = offsetBasis
        for byte in aggregateID.utf8 { hash = (hash ^ UInt32(byte)) &* prime }
        return Int(hash % UInt32(max(1, totalSegments)))
    }

    /// The segment, from 0, of an aggregate whose id is given as UTF-8.
    package static func segment(of aggregateID: RawSpan, totalSegments: Int) -> Int {
        Int(hash(aggregateID) % UInt32(max(1, totalSegments)))
    }

    /// The hash of the bytes.
    package static func hash(_ bytes: RawSpan) -> UInt32 {
        bytes.withUnsafeBytes { buffer in
            var hash = offsetBasis
            for byte in buffer { hash = (hash ^ UInt32(byte)) &* prime }
            return hash
        }
    }

    private static let offsetBasis: UInt32 = 2_166_136_261
    private static let prime: UInt32 = 16_777_619
}
