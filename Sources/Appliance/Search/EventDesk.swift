import Consumers
import EventSourcing
import KafkaBridge
import Postgres

/// What the console asks the databases about events, parked ones and the audit: on connections that are opened for it, a few at a
/// time, in bounded statements.
actor EventDesk {
    nonisolated let configuration: Configuration
    /// What consumers' previews need, which remembers what brokers said.
    private var contexts: [String: PreviewContext] = [:]
    private let room = AsyncSemaphore(limit: mostConnections)

    static let mostConnections = 3
    /// Consumers whose account of an event is taken.
    private static let mostAccounts = 100
    /// So long brokers are asked for one event, and so long its account takes in all.
    private static let brokersPatience: Duration = .seconds(1)
    private static let patience: Duration = .seconds(4)

    init(_ configuration: Configuration) { self.configuration = configuration }

    /// The configuration as a source has it; the only one, or the first, where none is named.
    ///
    /// - Throws: where there is no such source.
    nonisolated func source(_ name: String?) throws(Failure) -> Configuration {
        if let name, !name.isEmpty { return try configuration.choose(source: name) }
        return configuration.bySource.first ?? configuration
    }

    /// Lends a connection to the source's database.
    nonisolated func withConnection<Value: Sendable>(
        _ source: Configuration, _ body: (Connection) async throws -> Value
    ) async throws -> Value {
        try await withRoom { try await source.database.withConnection(body) }
    }

    /// Runs what opens a connection of its own, when its turn comes.
    nonisolated func withRoom<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        try await room.withRoom(body)
    }

    nonisolated func find(_ search: EventSearch) async throws -> FoundEvents {
        let source = try source(search.source)
        return try await withConnection(source) {
            try await EventFinder(source.database.tables, on: $0).find(search)
        }
    }

    /// A page of parked events.
    nonisolated func parked(_ search: ParkedSearch) async throws -> FoundParked {
        let source = try source(search.source)
        return try await withConnection(source) { connection in
            try await connection.execute(script: Self.lookingSettings)
            let letters = DeadLetters(source.database.tables)
            var found = FoundParked()
            found.counts = try await letters.counts(on: connection)
            found.entries = try await letters.page(
                search.selection, state: search.state, causesOnly: !search.includesFollowers, after: search.after,
                limit: search.limit + 1, on: connection)
            if found.entries.count > search.limit {
                found.entries.removeLast(found.entries.count - search.limit)
                found.next = found.entries.last.map {
                    DeadLetterPlace(consumer: $0.letter.consumer, position: $0.letter.position)
                }
            }
            return found
        }
    }

    /// A page of the audit.
    nonisolated func audit(_ search: AuditTrail.Search) async throws -> AuditTrail {
        let source = try source(search.source)
        return try await withConnection(source) { connection in
            try await connection.execute(script: Self.lookingSettings)
            return try await AuditTrail.read(search, source.database.tables, on: connection)
        }
    }

    /// What only looks takes no long time and changes nothing.
    private static let lookingSettings =
        "SET statement_timeout = '4s'; SET lock_timeout = '1s'; SET default_transaction_read_only = on"

    /// One event with its account; `nil` where there is none at the position.
    ///
    /// - Parameter reports: how consumers are doing.
    func inspect(
        _ position: Int64, source name: String?, reports: [ConsumerReport]
    ) async throws -> EventInspection? {
        let source = try source(name)
        let contexts = try source.consumers.prefix(Self.mostAccounts).map { try context($0, source) }
        let hidesValues = configuration.admin.hidesPayloads
        return try await withConnection(source) { connection in
            let finder = try await EventFinder(source.database.tables, on: connection)
            guard let batch = try await finder.event(at: position, largest: BytesView.largest), let event = batch.first
            else { return nil }
            var inspection = EventInspection(event)
            // Whether a scope takes it is known without a question to brokers.
            let takes = contexts.filter { $0.options.scope.contains(event) }
            let left = contexts.filter { !$0.options.scope.contains(event) }
            // Brokers that do not answer are waited for once.
            var brokersTime: Duration = .zero
            let deadline = ContinuousClock.now + Self.patience
            for (index, context) in (takes + left).enumerated() {
                if ContinuousClock.now > deadline {
                    inspection.notes.append(
                        "\(contexts.count - index) consumers were not looked at, since that took too long: load the page again"
                    )
                    break
                }
                var record = ConsumerPreview.Record(totalSegments: context.consumer.totalSegments)
                var facts: [TopicName: TopicFacts] = [:]
                if takes.contains(where: { $0.consumer.name == context.consumer.name }) {
                    let (known, notes) = try await context.record(
                        concerning: inspection.event.aggregate, on: connection)
                    record = known
                    for note in notes where !inspection.notes.contains(note) { inspection.notes.append(note) }
                    var preview = ConsumerPreview(context.options, record)
                    let began = ContinuousClock.now
                    if brokersTime < Self.brokersPatience {
                        facts = await context.survey.facts(of: preview.topics(of: batch))
                    }
                    brokersTime += .now - began
                }
                var preview = ConsumerPreview(context.options, record)
                var found = preview.preview(
                    event, mayHaveDefects: batch.mayHaveDefects, topics: facts, now: context.now)
                var held = preview.held
                held.take(&found)
                let letter = record.letters.first { $0.position == position }
                let report = reports.first { $0.consumer.name == context.consumer.name }
                let segment = FNV1aPartitionStrategy().segment(
                    of: event.aggregateID, totalSegments: record.totalSegments)
                let checkpoint = report?.consumer.segments.first { $0.id == segment }?.checkpoint
                inspection.accounts.append(
                    EventInspection.Account(
                        consumer: context.consumer.name,
                        fate: EventFate.decide(
                            found, letter: letter, checkpoint: checkpoint, state: report?.state ?? "not known here",
                            isSeen: report?.isSeen ?? false, knowsLetters: record.isRead, hidesValues: hidesValues),
                        preview: found, letter: letter))
            }
            return inspection
        }
    }

    private func context(_ consumer: ConsumerSection, _ source: Configuration) throws(Failure) -> PreviewContext {
        if let known = contexts[consumer.name] { return known }
        let made = try PreviewContext(
            PreviewConfiguration(configuration: source, consumer: consumer, problems: [], kafkaProblem: nil))
        contexts[consumer.name] = made
        return made
    }
}
