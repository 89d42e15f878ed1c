package import FoundationEssentials

/// What was committed against what was received: a pure account, fed from both ends in any order.
package struct DemoAccount: Sendable {
    /// An aggregate as its events' records name it.
    package struct Aggregate: Sendable, Hashable {
        package var boundedContext: String
        package var type: String
        package var id: String

        package init(boundedContext: String, type: String, id: String) {
            self.boundedContext = boundedContext
            self.type = type
            self.id = id
        }
    }

    /// Times are since any common start.
    private var committed: [UUID: Duration] = [:]
    private var received: [UUID: Duration] = [:]
    private var rolledBack: Set<UUID> = []
    private var lastVersion: [Aggregate: Int64] = [:]
    private var doubled = 0
    private var orderViolations = 0
    private var transactions = 0
    private var firstCommit: Duration?
    private var lastReceipt: Duration?

    package init() {}

    package var committedCount: Int { committed.count }
    package var receivedCount: Int { received.count }

    /// Whether everything committed has been received.
    package var isComplete: Bool {
        received.count >= committed.count && committed.keys.allSatisfy { received[$0] != nil }
    }

    /// One transaction was committed; the time is when its COMMIT was sent.
    package mutating func commit(_ events: [UUID], at time: Duration) {
        transactions += 1
        firstCommit = min(firstCommit ?? time, time)
        for event in events { committed[event] = time }
    }

    /// One transaction was rolled back: its events must never be seen.
    package mutating func rollBack(_ events: [UUID]) {
        rolledBack.formUnion(events)
    }

    /// One record was read. Order is judged by first occurrences, as a repetition repeats the past.
    package mutating func receive(_ event: UUID, of aggregate: Aggregate, version: Int64, at time: Duration) {
        lastReceipt = time
        guard received[event] == nil else {
            doubled += 1
            return
        }
        received[event] = time
        if version < lastVersion[aggregate] ?? 0 { orderViolations += 1 }
        lastVersion[aggregate] = max(version, lastVersion[aggregate] ?? 0)
    }

    /// The account up to now.
    package var report: DemoReport {
        let latencies = committed.compactMap { event, sent in received[event].map { max(.zero, $0 - sent) } }.sorted()
        let span = (lastReceipt ?? .zero) - (firstCommit ?? .zero)
        let delivered = committed.keys.count { received[$0] != nil }
        return DemoReport(
            committed: committed.count, transactions: transactions, rolledBack: rolledBack.count, delivered: delivered,
            lost: committed.count - delivered, doubled: doubled,
            uncommitted: received.keys.count { committed[$0] == nil },
            orderViolations: orderViolations,
            eventsPerSecond: span > .zero ? Double(delivered) / (span / .seconds(1)) : 0,
            median: Self.quantile(0.5, of: latencies), percentile99: Self.quantile(0.99, of: latencies))
    }

    /// The smallest value that so large a part of all does not exceed.
    static func quantile(_ part: Double, of sorted: [Duration]) -> Duration? {
        guard !sorted.isEmpty else { return nil }
        let rank = Int((part * Double(sorted.count)).rounded(.up))
        return sorted[min(max(rank, 1), sorted.count) - 1]
    }
}
