import FoundationEssentials
import Kafka
import Postgres
import TestSupport

/// What holds once everything is well again: each consumer's topic against the database, and what the commands say.
struct Inspection {
    let world: World
    let account: Writers.Account
    let allowsDuplicates: Bool

    private(set) var violations: [String] = []
    private(set) var lines: [String] = []

    init(_ world: World, _ account: Writers.Account, allowsDuplicates: Bool) {
        self.world = world
        self.account = account
        self.allowsDuplicates = allowsDuplicates
    }

    private struct Event {
        let id: String
        let position: Int64
        let aggregate: String
        let context: String
        let type: String
    }

    /// So long it takes at most where nothing is wrong.
    private static let usual: Duration = .seconds(10)

    /// - Parameter patience: within this time all has to be caught up (I9).
    mutating func run(patience: Duration) async throws {
        try await endPrepared()
        try await waitForCheckpoints(patience)
        let events = try await events()
        checkAccount(Set(events.map(\.id)))
        for consumer in TorturedConsumer.allCases { try await inspect(consumer, events) }
        try await inspectProgress()
        try await askCommands()
        await inspectLogs()
    }

    /// Transactions that were left prepared when the connection of who prepared them was lost: nobody was told that they are committed.
    private func endPrepared() async throws {
        let connection = try await world.connect()
        for row in try await connection.query(Statement("SELECT gid FROM pg_prepared_xacts")) {
            try await connection.execute(script: "ROLLBACK PREPARED '\(try row.decode(0, as: String.self))'")
        }
        await connection.close()
    }

    private mutating func waitForCheckpoints(_ patience: Duration) async throws {
        let start = ContinuousClock.now
        let connection = try await world.connect()
        let sql = """
            SELECT count(*), count(*) FILTER (WHERE checkpoint < (SELECT max(global_position) FROM events))
            FROM consumer_segments
            """
        let all = TorturedConsumer.allCases.count * world.options.segments
        var isAsked = false
        while true {
            let row = try await connection.query(Statement(sql)).first
            let (count, behind): (Int, Int) = (try row?.decode(0) ?? 0, try row?.decode(1) ?? 0)
            if count == all, behind == 0 { break }
            guard ContinuousClock.now - start < patience else {
                violations.append("I9: \(behind) of \(count) segments are behind after \(patience)")
                break
            }
            // Why it takes so long shows while it does.
            if !isAsked, ContinuousClock.now - start > Self.usual {
                isAsked = true
                let status = try await world.command(["status", "--why"], url: world.url).run()
                lines.append("behind after \(Self.usual):\n\(status.standardOutput)\(status.standardError)")
                lines.append("what relays wrote last:\n\(await world.lastLines(30))")
            }
            try await world.restartEnded()
            try await Task.sleep(for: .milliseconds(100))
        }
        let seconds = Int((ContinuousClock.now - start) / .milliseconds(100))
        lines.append("caught up \(seconds / 10).\(seconds % 10) s after the last fault was healed")
        await connection.close()
    }

    private func events() async throws -> [Event] {
        let connection = try await world.connect()
        let rows = try await connection.query(
            Statement(
                """
                SELECT event_id::text, global_position, aggregate_id, bounded_context, event_type FROM events
                ORDER BY global_position
                """))
        let events = try rows.map { row in
            Event(
                id: try row.decode(0), position: try row.decode(1), aggregate: try row.decode(2),
                context: try row.decode(3), type: try row.decode(4))
        }
        await connection.close()
        return events
    }

    /// The database has what writers were told is committed, and nothing that was rolled back: else the judge is wrong.
    private mutating func checkAccount(_ stored: Set<String>) {
        let lost = account.committed.subtracting(stored).count
        let risen = account.rolledBack.intersection(stored).count
        if lost > 0 { violations.append("the database has lost \(lost) events whose commits it had acknowledged") }
        if risen > 0 { violations.append("the database has \(risen) events that were rolled back") }
    }

    private mutating func inspect(_ consumer: TorturedConsumer, _ events: [Event]) async throws {
        var committed: [String: DeliveryJudge.Committed] = [:]
        for event in events where consumer.wants(context: event.context, eventType: event.type) {
            committed[event.id] = DeliveryJudge.Committed(position: event.position, aggregate: event.aggregate)
        }
        let records = try await world.kafka.readAll([consumer.topic(world.stem)], within: .seconds(60))
        let result = DeliveryJudge.judge(
            committed,
            records.map { DeliveryJudge.Seen(eventID: $0.header("event_id") ?? "", partition: $0.partition) })
        lines.append(
            "\(consumer.rawValue): \(result.events) events, \(result.records) records, missing \(result.missing.count), "
                + "unknown \(result.unknown.count), out of order \(result.disordered.count), doubled \(result.doubled.count)"
        )
        if !result.isRight(allowsDuplicates: allowsDuplicates && !consumer.isExactlyOnce) {
            violations.append(
                "\(consumer.rawValue): missing \(result.missing.prefix(5)), unknown \(result.unknown.prefix(5)), out of order "
                    + "\(result.disordered.prefix(5)), doubled \(result.doubled.prefix(5))")
        }
    }

    /// I7: what is committed of a segment's progress never goes back to an earlier claim.
    private mutating func inspectProgress() async throws {
        struct Progress: Decodable {
            let consumer: String
            let segment: Int
            let epoch: Int64
        }
        var epochs: [String: Int64] = [:]
        for record in try await world.kafka.readAll(["\(world.stem).progress"], within: .seconds(60)) {
            guard let value = record.value,
                let progress = try? JSONDecoder().decode(Progress.self, from: Data(value))
            else { continue }
            let place = "\(progress.consumer) segment \(progress.segment)"
            if let before = epochs[place], before > progress.epoch {
                violations.append("I7: the epoch of \(place) went from \(before) to \(progress.epoch)")
            }
            epochs[place] = progress.epoch
        }
        if epochs.isEmpty { violations.append("I7: no progress was read") }
    }

    /// I12 and I9: all is well, and every surface says so.
    private mutating func askCommands() async throws {
        for arguments in [["status"]] + TorturedConsumer.allCases.map({ ["verify", "--consumer", $0.rawValue] }) {
            let result = try await world.command(arguments, url: world.url).run()
            let isRepetition =
                result.exitCode == 1 && allowsDuplicates && Self.findings(result.standardOutput) == ["more than once"]
            if result.exitCode != 0, !isRepetition {
                violations.append(
                    "I12: `\(arguments.joined(separator: " "))` ends with \(result.exitCode): \(result.standardOutput.suffix(800))"
                        + result.standardError.suffix(400))
            }
        }
    }

    /// What `verify` has found, each of a line such as `  37 more than once`.
    private static func findings(_ text: String) -> Set<String> {
        Set(
            text.split(separator: "\n").compactMap { line in
                guard line.hasPrefix("  "), !line.hasPrefix("   ") else { return nil }
                let words = line.dropFirst(2).split(separator: " ", maxSplits: 1)
                guard let count = words.first, count.allSatisfy({ $0.isNumber || $0 == "," }), words.count == 2 else {
                    return nil
                }
                return String(words[1])
            })
    }

    private mutating func inspectLogs() async {
        await world.stopRelays()
        for crash in await world.crashes { violations.append(crash) }
        let logs = await world.logs
        if logs.contains(where: { $0.contains(World.secret) }) { violations.append("I11: the password is in a log") }
    }
}
