/// The account at the end of a demo.
package struct DemoReport: Sendable, Equatable {
    package var committed: Int
    package var transactions: Int
    /// Events of transactions that were rolled back on purpose.
    package var rolledBack: Int
    package var delivered: Int
    /// Committed, but not received.
    package var lost: Int
    /// Records beyond the first of their event.
    package var doubled: Int
    /// Received, though never committed.
    package var uncommitted: Int
    package var orderViolations: Int
    package var eventsPerSecond: Double
    /// From the sending of COMMIT to the receipt of the record.
    package var median: Duration?
    package var percentile99: Duration?

    /// Whether everything held that was promised. Nothing failed here, so that doubling is a fault too.
    package var isClean: Bool {
        committed > 0 && lost == 0 && doubled == 0 && uncommitted == 0 && orderViolations == 0
    }

    package var json: JSONValue {
        [
            "clean": .boolean(isClean), "committed": .number(committed), "transactions": .number(transactions),
            "rolled_back": .number(rolledBack), "delivered": .number(delivered), "lost": .number(lost),
            "doubled": .number(doubled), "uncommitted": .number(uncommitted),
            "order_violations": .number(orderViolations), "events_per_second": .number(eventsPerSecond, digits: 0),
            "commit_to_receipt_ms": ["p50": Self.milliseconds(median), "p99": Self.milliseconds(percentile99)],
        ]
    }

    package var text: String {
        let latency = [median, percentile99].map { time in
            time.map { "\(JSONValue.number($0 / .milliseconds(1), digits: 1).text) ms" } ?? "–"
        }
        let rows: [(String, String)] = [
            ("committed", "\(committed) events in \(transactions) transactions"),
            ("rolled back", "\(rolledBack) events, of which \(uncommitted) delivered"),
            ("delivered", "\(delivered)"), ("lost", "\(lost)"), ("doubled", "\(doubled)"),
            ("order violations", "\(orderViolations)"), ("rate", "\(Int(eventsPerSecond)) events/s"),
            ("commit to receipt", "p50 \(latency[0]), p99 \(latency[1])"),
        ]
        return rows.map { name, value in
            "  " + name + String(repeating: " ", count: 20 - name.count) + value
        }.joined(separator: "\n")
    }

    private static func milliseconds(_ time: Duration?) -> JSONValue {
        time.map { .number($0 / .milliseconds(1), digits: 2) } ?? .null
    }
}
