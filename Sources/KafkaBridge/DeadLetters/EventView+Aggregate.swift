import EventSourcing

extension EventView {
    /// The aggregate, with text of its own. A text that the index of the table of dead letters has no room for is cut, and a
    /// hash of it keeps it apart from others.
    var aggregate: AggregateIdentity {
        AggregateIdentity(
            boundedContext: Self.indexed(boundedContext), aggregateType: Self.indexed(aggregateType),
            aggregateID: Self.indexed(aggregateID))
    }

    /// Three of these and a consumer's name fit into the 2,704 bytes of an index's row.
    private static let longestIndexed = 600

    private static func indexed(_ bytes: RawSpan) -> String {
        let text = String(copying: bytes)
        if text.utf8.count <= longestIndexed { return text }
        // FNV-1a with 64 bits.
        let hash = text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return text.cut(toBytes: longestIndexed - 40) + String(hash, radix: 16)
    }
}
