package import EventSourcing
package import Postgres

/// What people can do about dead letters. Nothing here talks to Kafka: the relay that owns an event's segment notices
/// within seconds what was decided, and acts.
///
/// Every change is recorded in the audit log, in the transaction that makes it.
package struct DeadLetters: Sendable {
    private let table: DeadLettersTable
    private let audit: AuditLog

    package init(_ tables: TableNames) {
        table = DeadLettersTable(tables)
        audit = AuditLog(tables)
    }

    /// How many dead letters of a consumer wait for a decision.
    package struct Count: Sendable, Hashable {
        package let consumer: String
        /// All that are open.
        package let open: Int
        /// Those that could not be delivered themselves; the others wait behind one of them.
        package let causes: Int
        /// How many segments stand before an event, a part of the causes.
        package let halted: Int
    }

    /// An event that a segment halts before.
    package struct Halt: Sendable, Hashable {
        package let consumer: String
        package let segment: Int
        package let position: Int64
        /// For how long.
        package let age: Duration
        package let error: String

        package init(consumer: String, segment: Int, position: Int64, age: Duration, error: String) {
            self.consumer = consumer
            self.segment = segment
            self.position = position
            self.age = age
            self.error = error
        }
    }

    // MARK: Looking

    /// Those selected, in the order of their positions, by consumer.
    ///
    /// - Parameters:
    ///   - states: open ones by default.
    ///   - after: for the next page, the last position of the one before.
    package func list(
        _ selection: DeadLetterSelection, states: [DeadLetter.State] = DeadLetter.State.allCases.filter(\.isOpen),
        after position: Int64 = 0, limit: Int = 1_000, others: Set<String> = [], on session: some PostgresSession
    ) async throws(PostgresError) -> [DeadLetter] {
        var found: [DeadLetter] = []
        let statement = table.list(selection, states: states, after: position, limit: limit, others: others)
        for row in try await session.query(statement) {
            found.append(try DeadLetter(row))
        }
        return found
    }

    /// A dead letter, and how many events of its aggregate wait with it.
    package struct Entry: Sendable, Hashable {
        package let letter: DeadLetter
        /// Itself included, 1,000 at most.
        package let waiting: Int
    }

    /// Those selected that are open, behind a place in the order of consumers and positions.
    ///
    /// - Parameter causesOnly: whether those that only wait behind another are left out.
    package func page(
        _ selection: DeadLetterSelection, state: DeadLetter.State? = nil, causesOnly: Bool,
        after place: DeadLetterPlace,
        limit: Int, on session: some PostgresSession
    ) async throws(PostgresError) -> [Entry] {
        var found: [Entry] = []
        let statement = table.openPage(selection, state: state, causesOnly: causesOnly, after: place, limit: limit)
        for row in try await session.query(statement) {
            found.append(Entry(letter: try DeadLetter(row), waiting: try row.decode(DeadLettersTable.columnCount)))
        }
        return found
    }

    /// By consumer; those without open ones are left out.
    package func counts(on session: some PostgresSession) async throws(PostgresError) -> [Count] {
        var counts: [Count] = []
        for row in try await session.query(table.counts) {
            counts.append(
                Count(
                    consumer: try row.decode(0), open: try row.decode(1), causes: try row.decode(2),
                    halted: try row.decode(3)))
        }
        return counts
    }

    /// The events that segments stand before, as far as they are recorded.
    package func halts(on session: some PostgresSession) async throws(PostgresError) -> [Halt] {
        var halts: [Halt] = []
        for row in try await session.query(table.halts) {
            halts.append(
                Halt(
                    consumer: try row.decode(0), segment: try row.decode(1), position: try row.decode(2),
                    age: .seconds(max(0, try row.decode(3, as: Double.self))), error: try row.decode(4)))
        }
        return halts
    }

    // MARK: Deciding

    /// Asks the relay to deliver the aggregates of those selected again, in order, from the first open event on. A
    /// segment that halts at one of them tries it again at once.
    ///
    /// - Returns: the first open event of each aggregate.
    /// - Throws: ``DeadLetterError``, or `PostgresError`.
    package func requestRedrive(
        _ selection: DeadLetterSelection, of consumer: String, actor: String, on connection: Connection
    ) async throws -> [DeadLetter] {
        try await change(selection, of: consumer, "redrive", actor, on: connection) { table, selection, _ in
            table.requestRedrive(selection)
        }
    }

    /// Decides that those selected are not to be delivered. Later events of their aggregates then flow: those parked
    /// behind them, and those behind a segment's halt.
    ///
    /// - Throws: ``DeadLetterError``, or `PostgresError`.
    package func discard(
        _ selection: DeadLetterSelection, of consumer: String, actor: String, on connection: Connection
    ) async throws -> [DeadLetter] {
        try await change(selection, of: consumer, "discard", actor, on: connection) { table, selection, open in
            if let busy = open.first(where: \.isBeingRedriven) {
                throw DeadLetterError.beingRedriven(consumer: consumer, position: busy.position)
            }
            return table.discard(selection)
        }
    }

    /// Parks those of the selected that segments halt at, so that the segments go on without these aggregates.
    ///
    /// - Throws: ``DeadLetterError``, or `PostgresError`.
    package func park(
        _ selection: DeadLetterSelection, of consumer: String, actor: String, on connection: Connection
    ) async throws -> [DeadLetter] {
        try await change(selection, of: consumer, "park", actor, on: connection) { table, selection, _ in
            table.park(selection)
        }
    }

    private typealias Open = (position: Int64, isBeingRedriven: Bool)

    private func change(
        _ selection: DeadLetterSelection, of consumer: String, _ action: String, _ actor: String,
        on connection: Connection,
        _ statement: @Sendable (DeadLettersTable, DeadLetterSelection, [Open]) throws -> BoundStatement
    ) async throws -> [DeadLetter] {
        var selection = selection
        selection.consumer = consumer
        return try await connection.withTransaction { [selection] transaction in
            let open = try await transaction.query(table.lock(selection)).map { row -> Open in
                (try row.decode(0), try row.decode(1))
            }
            if open.isEmpty { throw try await reasonForNone(selection, consumer, in: transaction) }
            let changed = try await transaction.query(statement(table, selection, open)).map { try DeadLetter($0) }
                .sorted { $0.position < $1.position }
            if changed.isEmpty { throw DeadLetterError.nothingOpen(consumer: consumer) }
            let details = DeadLetters.details(changed)
            try await transaction.query(
                audit.record(
                    AuditEntry(actor: actor, action: action, subject: "consumer \(consumer)", details: details)))
            return changed
        }
    }

    /// Distinguishes a mistyped name from a position that is not there, or no longer.
    private func reasonForNone(
        _ selection: DeadLetterSelection, _ consumer: String, in transaction: Transaction
    ) async throws -> DeadLetterError {
        let known: [String] = try await transaction.query(table.consumers).map { try $0.decode(0) }
        guard known.contains(consumer) else { return .unknownConsumer(consumer, known: known) }
        guard let position = selection.position else { return .nothingOpen(consumer: consumer) }
        let past = try await list(selection, states: DeadLetter.State.allCases, limit: 1, on: transaction)
        return .notOpen(consumer: consumer, position: position, state: past.first?.state)
    }

    /// Bounded: an operator may decide about thousands at once.
    private static func details(_ letters: [DeadLetter]) -> String {
        let shown = letters.prefix(20).map { letter in
            let aggregate = letter.aggregate
            let type = (aggregate.boundedContext + "/" + aggregate.aggregateType).debugDescription
            return "position \(letter.position) of \(type) \(aggregate.aggregateID.debugDescription)"
        }
        let rest = letters.count - shown.count
        return shown.joined(separator: ", ")
            + (rest > 0 ? ", and \(rest) more up to \(letters.last?.position ?? 0)" : "")
    }
}
