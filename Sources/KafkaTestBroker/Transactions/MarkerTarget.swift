/// What a marker is written to when a transaction ends.
enum MarkerTarget: Hashable {
    case partition(TopicPartition)
    /// The offsets of a consumer group.
    case group(String)
    /// Nothing: the transaction was empty.
    case none

    /// All that a transaction has touched, in a fixed order.
    static func all(of transaction: Transaction) -> [MarkerTarget] {
        let targets =
            transaction.partitions.sorted().map(MarkerTarget.partition)
            + transaction.groups.sorted().map(MarkerTarget.group)
        return targets.isEmpty ? [.none] : targets
    }

    var partition: TopicPartition? {
        if case .partition(let partition) = self { partition } else { nil }
    }
}
