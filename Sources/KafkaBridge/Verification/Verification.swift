import Consumers
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
        /// Whether the records' values are compared with the events'.
        package var comparesValues = false
        /// Whether events are due although the consumer was never started: nothing says how far it should be in another topic than
        /// its own.
        package var expectsEverything = false
        /// How long an open transaction is waited for before an event counts as hidden by it.
        package var transactionPatience: Duration = .seconds(10)
        /// How long brokers may answer a question with errors that pass by themselves.
        package var answerPatience: Duration = .seconds(30)
        /// How long brokers may give no record while there are more.
        package var silence: Duration = .seconds(300)
        /// Whether the range was asked for by its first position, so that what is missing of it is to be told apart from what was
        /// never asked for.
        package var isBeginningAsked = false
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
    ///   - observe: told now and then what part is done, 0 to 1.
    /// - Throws: `PostgresError` or `KafkaError`.
    package func run(
        _ selection: EventSelection, after: Int64, through: Int64, observe: (Double) -> Void = { _ in }
    ) async throws -> Result {
        let connection = try await Connection.open(database, logger: logger)
        do {
            let result = try await compare(selection, after, through, connection, observe)
            await connection.close()
            return result
        } catch {
            await connection.close()
            throw error
        }
    }

    private func compare(
        _ selection: EventSelection, _ after: Int64, _ through: Int64, _ connection: Connection,
        _ observe: (Double) -> Void
    ) async throws -> Result {
        var report = VerificationReport(consumer: consumer, after: after, through: through)
        report.comparesValues = options.comparesValues
        // No row goes while it is compared; the session ends that.
        try await connection.query(RetentionLock(tables).shareForSession)
        let pruned = try await PruningsTable(tables).read(on: connection)
        if let pruned, pruned.through > after {
            report.pruned = pruned
            report.isPrunedAsked = options.isBeginningAsked
        }
        // Another schema of Godwit's tables may have removed rows too. In another topic than its own nothing is expected of the
        // consumer.
        if !options.expectsEverything {
            report.missed = try await MissedRows.read(tables, pruned, on: connection).missed[consumer]?
                .within(after: after, through: through)
        }
        // Before the topics: what is behind a checkpoint now is in its topic by the time that is read.
        let due = try await DuePositions(
            consumer, tables: tables, expectsEverything: options.expectsEverything, on: connection)
        report.hasCheckpoints = due.isKnown
        let table = try await EventsTable.checked(tables.source, on: connection)
        report.topics = try await SelectionCount.take(
            selection, after: after, through: through, route: route, table: table, on: connection
        ).topics
        let windows = CommittedWindows(
            selection, after: after, through: through, size: options.windowSize,
            expected: report.topics.reduce(0) { $0 + $1.events }, route: route,
            comparesValues: options.comparesValues, table: table)
        let topics = report.topics.map(\.name)
        let letters = topics.isEmpty ? [] : options.deadLetterTopic.map { [$0.description] } ?? []
        let reading = try await TopicReading(
            Set(topics + letters).sorted(), client: client, extract: extract, patience: options.answerPatience,
            silence: options.silence, logger: logger)
        do {
            // What lies behind a transaction that is open now is compared once it has ended, or not at all.
            let open = try await reading.openTransactions(waiting: options.transactionPatience)
            report.openTransactions = open.map { .init(partition: "\($0)", offset: $1) }
                .sorted { $0.partition < $1.partition }
            let missing = try await compare(windows, reading, due, &report, connection, observe)
            await reading.close()
            try await describe(&report, table, on: connection)
            return Result(report: report, missing: missing)
        } catch {
            await reading.close()
            throw error
        }
    }

    /// Keys matter where topics are compacted.
    private var extract: RecordExtract {
        if options.comparesValues { return .everything }
        return RecordNames.extract(
            [RecordNames(consumer, route: route, deadLetterTopic: options.deadLetterTopic)], key: true)
    }

    /// - Returns: the positions of what is missing.
    private func compare(
        _ windows: CommittedWindows, _ reading: TopicReading, _ due: DuePositions, _ report: inout VerificationReport,
        _ connection: Connection, _ observe: (Double) -> Void
    ) async throws -> [Int64] {
        var windows = windows
        var missing: [Int64] = []
        var order = OrderCheck()
        var judge = AbsenceJudge(consumer: consumer, route: route, tables: tables, due: due)
        let length = Double(max(1, report.through - report.after))
        var used: DeliveryLedger?
        while let window = try await windows.next(reusing: used.take(), on: connection) {
            let start: ReadStart = options.fromBeginning ? .beginning : .timestamp(window.firstTime)
            // The window is large, and not kept twice.
            var pass = Pass(window: consume window, numbers: windows.topics, options: options, route: route, consumer)
            let (first, last) = (Double(pass.firstPosition - 1 - report.after), Double(windows.position - report.after))
            let absences = try await read(
                &pass, from: start, reading, &judge, connection
            ) { observe((first + (last - first) * $0) / length) }
            report.recordsRead += pass.recordsRead
            // Windows read the same records again.
            report.unnamedRecords = max(report.unnamedRecords, pass.unnamedRecords)
            report.take(pass.ledger, absences, disordered: pass.ledger.outOfOrder(&order))
            missing += absences.filter { $0.kind == .missing }.map(\.position)
            used = pass.ledger
        }
        report.isOrderPartial = order.isPartial
        report.unseenSettings = judge.deletions?.unseenSettings ?? []
        return missing
    }

    /// Reads the topics for a window. An event is called missing only once it was looked for from the beginnings, behind what
    /// was open, and where nothing can have deleted it.
    private func read(
        _ pass: inout Pass, from start: ReadStart, _ reading: TopicReading, _ judge: inout AbsenceJudge,
        _ connection: Connection, observe: (Double) -> Void
    ) async throws -> [Absence] {
        try await reading.read(from: start, observe: observe) { pass.take($0) }
        if pass.ledger.absent.isEmpty { return [] }
        if judge.deletions == nil { judge.deletions = try await .find(reading.topics, client: client, logger: logger) }
        var absences = try await judge.judge(pass.ledger, reading.partitions, on: connection)
        guard absences.contains(where: { $0.kind == .missing }) else { return absences }
        pass.traces = KeyTraces(keys: Set(absences.filter { $0.kind == .missing }.map(\.key)))
        try await reading.read(from: .beginning, observe: observe) { pass.take($0) }
        absences = try await judge.judge(pass.ledger, reading.partitions, on: connection)
        let open = try await reading.openTransactions()
        judge.settle(&absences, traces: pass.traces, holed: reading.holed, open: Set(open.keys))
        return absences
    }

    /// Says of the examples which events they are.
    private func describe(
        _ report: inout VerificationReport, _ table: EventsTable, on connection: Connection
    ) async throws(PostgresError) {
        let positions = Set(report.findings.values.flatMap { $0.examples.map(\.position) }).sorted()
        if positions.isEmpty { return }
        let events = try table.batch(await connection.query(table.readIdentities(at: positions)))
        for row in events.indices {
            let event = events[row]
            let aggregate = [
                String(copying: event.boundedContext), String(copying: event.aggregateType),
                String(copying: event.aggregateID),
            ].joined(separator: " ")
            let type = String(copying: event.eventType)
            for kind in report.findings.keys {
                for index in report[kind].examples.indices
                where report[kind].examples[index].position == event.globalPosition {
                    report.findings[kind]?.examples[index].aggregate = aggregate
                    report.findings[kind]?.examples[index].eventType = type
                }
            }
        }
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
