package import EventSourcing
package import Kafka
package import Logging
package import Postgres

/// Compares the events committed in a range with the records in the topics they belong to.
///
/// It goes through the range in windows. Of each it reads the events' ids, and then the topics from the time of its first
/// event to their ends, since an event may come again at any later time.
package struct Verification: Sendable {
    package struct Options: Sendable {
        /// Events of one window: what bounds the memory.
        package var windowSize = 1_000_000
        /// Whether to read topics from their beginnings, for records whose time is not the event's.
        package var fromBeginning = false
        /// Where the consumer sends what it cannot deliver, if anywhere.
        package var deadLetterTopic: TopicName?

        package init() {}
    }

    package struct Result: Sendable {
        package let report: VerificationReport
        /// The positions of all that are missing, ascending.
        package let missing: [Int64]
    }

    private let consumer: String
    private let route: Route
    private let client: ClientConfiguration
    private let database: ConnectionConfiguration
    private let tables: TableNames
    private let options: Options
    private let logger: Logger

    /// - Throws: where the route's records do not say which events they carry, so that nothing could be told.
    package init(
        consumer: String, route: Route, client: ClientConfiguration, database: ConnectionConfiguration,
        tables: TableNames, options: Options = Options(), logger: Logger
    ) throws(VerificationError) {
        guard route.namesEvents else { throw .unnamedEvents(consumer: consumer) }
        self.consumer = consumer
        self.route = route
        self.client = client
        self.database = database
        self.tables = tables
        self.options = options
        self.logger = logger
    }

    /// - Parameters:
    ///   - through: the last position, settled.
    ///   - observe: told after each window up to which position it has come.
    /// - Throws: `PostgresError` or `KafkaError`.
    package func run(
        _ selection: EventSelection, after: Int64, through: Int64, observe: (Int64) -> Void = { _ in }
    ) async throws -> Result {
        let connection = try await Connection.open(database, logger: logger)
        do {
            let reader = try Reader(client, logger: logger)
            do {
                let result = try await run(selection, after, through, connection, reader, observe)
                await reader.close()
                await connection.close()
                return result
            } catch {
                await reader.close()
                throw error
            }
        } catch {
            await connection.close()
            throw error
        }
    }

    private func run(
        _ selection: EventSelection, _ after: Int64, _ through: Int64, _ connection: Connection, _ reader: Reader,
        _ observe: (Int64) -> Void
    ) async throws -> Result {
        var report = VerificationReport(consumer: consumer, after: after, through: through)
        // Before the topics: what is behind a checkpoint now is in its topic by the time that is read.
        let due = try await DuePositions(consumer, tables: tables, on: connection)
        report.hasCheckpoints = due.isKnown
        report.topics = try await SelectionCount.take(
            selection, after: after, through: through, route: route, table: EventsTable(tables.source), on: connection
        ).topics
        let topics = report.topics.map(\.name)
        let deadLetters = options.deadLetterTopic?.description
        let all = topics.isEmpty ? [] : Set(topics + (deadLetters.map { [$0] } ?? [])).sorted()
        let partitions = all.isEmpty ? [] : try await reader.partitions(of: all)
        let places = Dictionary(
            uniqueKeysWithValues: partitions.enumerated().map { ($1, UInt16(truncatingIfNeeded: $0)) })
        var windows = CommittedWindows(
            selection, after: after, through: through, size: options.windowSize,
            table: EventsTable(tables.source))
        var order = OrderCheck()
        var edges: RetentionEdges?
        var missing: [Int64] = []
        while var window = try await windows.next(on: connection) {
            let start: ReadStart = options.fromBeginning ? .beginning : .timestamp(window.firstTime)
            try await reader.assign(Dictionary(uniqueKeysWithValues: partitions.map { ($0, start) }))
            let prefix = route.headers.prefix
            var unnamed = 0
            // A broker that goes away is waited for, so the time is bounded only by patience.
            try await reader.readToEnd(within: .seconds(86_400)) { records in
                report.recordsRead += records.count
                for record in records {
                    if record.topic == deadLetters {
                        // Others may send there too; the position is theirs to say, also where the value is left out.
                        guard record.header("\(prefix)dead_letter_consumer") == consumer else { continue }
                        let position = record.header("\(prefix)dead_letter_position").flatMap { Int64($0) }
                        if let position { window.ledger.foundDeadLetter(at: position) }
                        continue
                    }
                    guard let identity = RecordIdentity(record, header: prefix + "event_id") else {
                        unnamed += 1
                        continue
                    }
                    let place = places[TopicPartition(record.topic, record.partition)] ?? 0
                    window.ledger.found(identity, place: place, offset: record.offset)
                }
            }
            // Windows read the same records again.
            report.unnamedRecords = max(report.unnamedRecords, unnamed)
            for index in window.ledger.outOfOrder(&order) {
                report.outOfOrder.add(window.ledger.positions[index], window.ledger.id(index))
            }
            let absent = report.take(window.ledger)
            if !absent.isEmpty {
                let found: RetentionEdges
                if let edges { found = edges } else { found = try await .find(topics, client: client, logger: logger) }
                edges = found
                let judge = AbsenceJudge(
                    consumer: consumer, route: route, tables: tables, due: due, edges: found)
                missing += try await judge.judge(absent, &report, on: connection)
            }
            observe(windows.position)
        }
        return Result(report: report, missing: missing)
    }
}

extension VerificationReport {
    /// Counts what was found, and gives the positions of what was not.
    fileprivate mutating func take(_ ledger: DeliveryLedger) -> [Int64] {
        var absent: [Int64] = []
        committed += ledger.count
        for index in 0..<ledger.count {
            let (live, again) = (ledger.liveCount(index), ledger.isRepublished(index))
            if live == 0, !again {
                if ledger.isDeadLetter(index) {
                    deadLettered.add(ledger.positions[index], ledger.id(index))
                } else {
                    absent.append(ledger.positions[index])
                }
                continue
            }
            delivered += 1
            if again { republished += 1 }
            if live == 0 { mended += 1 }
            if live > 1 { doubled.add(ledger.positions[index], ledger.id(index)) }
        }
        return absent
    }
}

/// Why committed events and records cannot be compared at all.
package enum VerificationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The consumer's records do not say which events they carry.
    case unnamedEvents(consumer: String)

    package var description: String {
        switch self {
        case .unnamedEvents(let consumer):
            """
            cannot tell: records of the consumer \(consumer) do not say which events they carry, since "consumers.\(consumer).headers" \
            leaves out event_id; set it to minimal, or to a list with event_id, and start the relay anew. What was published \
            before cannot be compared: give --from-position
            """
        }
    }
}
