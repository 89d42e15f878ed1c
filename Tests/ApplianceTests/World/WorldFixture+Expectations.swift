import Kafka
import TestSupport
import Testing

/// What holds of topic, log, checkpoint and `status`, each waited for with a deadline.
extension WorldFixture {
    /// Every committed event is in the topic within the time, in the order of its aggregate; the relay lives, and `status`
    /// finds nothing wrong.
    func expectEverythingDelivered(
        in tables: String..., where condition: String = "true", within limit: Duration = .seconds(30),
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let tables = tables.isEmpty ? ["events"] : tables
        let events = try await committed(in: tables, where: condition)
        try await expectDelivered(events, within: limit, sourceLocation)
        guard try await !recovers(within: limit) else { return }
        let status = try await godwit("status")
        Issue.record(
            "all is delivered, and status says:\n\(status.standardOutput)\(status.standardError)",
            sourceLocation: sourceLocation)
    }

    private func expectDelivered(
        _ events: [String: Int64], within limit: Duration, _ sourceLocation: SourceLocation
    ) async throws {
        let records: [ConsumedRecord]
        do {
            records = try await kafka.read([topic], within: limit) { records in
                Set(events.keys).isSubset(of: records.compactMap { $0.header("event_id") })
            }
        } catch is TestKafka.Overdue {
            records = try await kafka.readAll([topic])
        }
        let missing = events.filter { id, _ in !records.contains { $0.header("event_id") == id } }.values.sorted()
        let (checkpoint, log, isAlive) = (try await checkpoint(), String(try log.suffix(2_000)), try relayIsAlive)
        try #require(
            missing.isEmpty,
            """
            \(missing.count) of \(events.count) committed events are not in the topic: positions \
            \(missing.prefix(20)), the checkpoint is at \(checkpoint); the log says:
            \(log)
            """, sourceLocation: sourceLocation)
        #expect(Self.isInOrder(records), "an aggregate's events are out of order", sourceLocation: sourceLocation)
        #expect(isAlive, "the relay has ended: \(log)", sourceLocation: sourceLocation)
    }

    /// The ids of the events in the topic.
    func received() async throws -> Set<String> {
        Set(try await kafka.readAll([topic]).compactMap { $0.header("event_id") })
    }

    /// Whether the events of each aggregate came first in the order of their versions.
    private static func isInOrder(_ records: [ConsumedRecord]) -> Bool {
        var last: [String: Int] = [:]
        var seen: Set<String> = []
        for record in records {
            guard let id = record.header("event_id"), seen.insert(id).inserted else { continue }
            guard let aggregate = record.header("aggregate_id"),
                let version = record.header("aggregate_version").flatMap({ Int($0) }),
                version > last[aggregate, default: 0]
            else { return false }
            last[aggregate] = version
        }
        return true
    }

    /// The relay's log and `status` both hold one of the words, whatever their case, `status` does not end with 0, the relay
    /// lives, and the checkpoint never passes the position.
    func expectRefusal(
        naming words: String..., checkpointAtMost limit: Int64, within time: Duration = .seconds(30),
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        func isNamed(_ text: String) -> Bool {
            let text = text.lowercased()
            return words.contains { text.contains($0.lowercased()) }
        }
        let end = ContinuousClock.now + time
        var reported = ""
        var missing: [String] = ["a look"]
        while !missing.isEmpty {
            try #require(
                ContinuousClock.now < end, "not refused by name (\(words)): \(missing)\n\(reported)",
                sourceLocation: sourceLocation)
            try await Task.sleep(for: Self.pause)
            let checkpoint = try await checkpoint()
            try #require(
                checkpoint <= limit, "the checkpoint is at \(checkpoint), which is past the change behind \(limit)",
                sourceLocation: sourceLocation)
            let status = try await godwit("status")
            let (text, log) = (status.standardOutput + status.standardError, try log)
            reported = "the log:\n\(log.suffix(2_000))\nstatus (\(status.exitCode)):\n\(text)"
            missing = []
            if !isNamed(log) { missing.append("the log does not name it") }
            if !isNamed(text) { missing.append("status does not name it") }
            if status.exitCode == 0 { missing.append("status ends with 0") }
            if try !relayIsAlive { missing.append("the relay has ended") }
        }
        let checkpoint = try await checkpoint()
        #expect(checkpoint <= limit, "the checkpoint is past the change: \(reported)", sourceLocation: sourceLocation)
    }

    /// Every event up to the checkpoint is in the topic.
    func expectNothingPassedOver(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let checkpoint = try await checkpoint()
        let events = try await committed(in: ["events"], where: "global_position <= \(checkpoint)")
        try await expectDelivered(events, within: .seconds(5), sourceLocation)
    }

    /// Whether `status` comes to end with 0 within the time.
    func recovers(within time: Duration) async throws -> Bool {
        let end = ContinuousClock.now + time
        while ContinuousClock.now < end {
            if try await godwit("status").exitCode == 0 { return true }
            try await Task.sleep(for: Self.pause)
        }
        return false
    }

    /// `status` comes to hold all of the words, and does not end with 0.
    func expectStatus(
        naming words: String..., within time: Duration = .seconds(60), sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let end = ContinuousClock.now + time
        while true {
            let status = try await godwit("status")
            let text = status.standardOutput + status.standardError
            if status.exitCode != 0, words.allSatisfy({ text.contains($0) }) { return }
            try #require(
                ContinuousClock.now < end, "status (\(status.exitCode)) does not name \(words):\n\(text)",
                sourceLocation: sourceLocation)
            try await Task.sleep(for: Self.pause)
        }
    }

    /// The relay's log since the change comes to hold one of the words, whatever their case.
    func expectLog(naming words: String..., sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let end = ContinuousClock.now + .seconds(30)
        while true {
            let log = try log.lowercased()
            if words.contains(where: { log.contains($0.lowercased()) }) { return }
            try #require(
                ContinuousClock.now < end, "the log names none of \(words):\n\(log.suffix(2_000))",
                sourceLocation: sourceLocation)
            try await Task.sleep(for: Self.pause)
        }
    }
}
