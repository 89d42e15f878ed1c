import Consumers
import EventSourcing
import FoundationEssentials
import KafkaBridge
import Postgres

/// Finds out the facts about a database, by one session and, for a pooler, a second one.
struct DatabaseExamination: Sendable {
    let database: DatabaseSection
    /// What each consumer wants, by its name.
    let scopes: [String: EventScope]
    /// Where the consumers' events go.
    var topicConsumers: [TopicCollisions.Consumer] = []
    /// Whether relays remove what is delivered.
    var prunes = false
    /// On which inserts should notify.
    var channel = Schema.defaultNotifyChannel

    private var consumers: [String] { scopes.keys.sorted() }

    private var queries: CatalogQueries { CatalogQueries(database.tables) }

    /// - Throws: when the database cannot be asked at all.
    func take() async throws -> DatabaseFacts {
        let keeping = try await database.sessionKeeping()
        // Whatever would be set to look closer would stay in a session that other clients get.
        guard keeping != .transaction else { return DatabaseFacts(pooler: .transaction) }
        var facts: DatabaseFacts = try await database.withConnection { try await self.facts($0) }
        facts.pooler = keeping == .session ? .session : .none
        if keeping == .session { facts.sessionRoom = nil }
        return facts
    }

    private func facts(_ connection: Connection) async throws(PostgresError) -> DatabaseFacts {
        var facts = DatabaseFacts()
        // Once before, so that the statement's preparation is no part of the round trip.
        _ = try await connection.query(queries.session)
        let sent = Date().timeIntervalSince1970
        let rows = try await connection.query(queries.session)
        let received = Date().timeIntervalSince1970
        guard let row = rows.first else { return facts }
        facts.serverVersion = try row.decode(0)
        facts.isStandby = try row.decode(1)
        facts.isReadOnly = try row.decode(6)
        facts.maySignal = try row.decode(7)
        facts.role = try row.decode(2)
        facts.isSuperuser = try row.decode(3)
        facts.clockSkew = Double(try row.decode(4, as: Int64.self)) / 1_000_000 - (sent + received) / 2
        facts.clockUncertainty = (received - sent) / 2
        facts.sessionRoom = try await SessionRoom.read(database.tables, on: connection)
        try await readRights(connection, &facts)
        try await readShape(connection, &facts)
        try await readSequence(connection, &facts)
        try await readWriters(connection, &facts)
        if facts.rights.contains(.init(table: database.tables.godwitTable("schema_migrations"), name: "SELECT")) {
            facts.schemaVersion = try? await Schema(database.tables).currentVersion(on: connection)
        } else if !facts.existing.contains(database.tables.godwitTable("schema_migrations")) {
            facts.schemaVersion = 0
        }
        await readSource(connection, &facts)
        await readScopes(connection, &facts)
        facts.pruned = try? await PruningsTable(database.tables).read(on: connection)
        if prunes {
            facts.guards = (try? await RowGuards.read(database.tables, on: connection)) ?? RowGuards()
            facts.others = (try? await OtherSchemas(database.tables).read(on: connection)) ?? []
        }
        if facts.rights.contains(.init(table: database.tables.consumerSegments, name: "SELECT")) {
            for row in try await connection.query(queries.segments(of: consumers)) {
                facts.segments[try row.decode(0)] = Int(try row.decode(1, as: Int32.self))
            }
        }
        return facts
    }

    private func readRights(_ connection: Connection, _ facts: inout DatabaseFacts) async throws(PostgresError) {
        let list = TableRights.all(database.tables, prunes: prunes)
        for row in try await connection.query(queries.rights(list)) {
            let table = list[Int(try row.decode(0, as: Int32.self))].table
            facts.existing.insert(table)
            if try row.decode(2) { facts.rights.insert(.init(table: table, name: try row.decode(1))) }
        }
    }

    private func readShape(_ connection: Connection, _ facts: inout DatabaseFacts) async throws(PostgresError) {
        let shape = database.tables.source
        let catalog = try await SourceCatalog(shape, on: connection)
        facts.shapeProblems = shape.problems(catalog)
        facts.hasPositionIndex = catalog.isIndexed
    }

    private func readSequence(_ connection: Connection, _ facts: inout DatabaseFacts) async throws(PostgresError) {
        guard let row = try await connection.query(queries.sequence).first else { return }
        facts.sequence = .init(
            name: try row.decode(0), cache: try row.decode(1), increment: try row.decode(2), cycles: try row.decode(3),
            isReadable: try row.decode(4))
        do {
            let trigger = try await Schema(database.tables).notifyTrigger(channel: channel, on: connection)
            facts.sequence?.hasNotifyTrigger = trigger.isInstalled
            facts.allowsPreparing = trigger.allowsPreparing
            facts.hasPartitions = trigger.hasPartitions
        } catch {
            throw PostgresError(.cancelled, "\(error)")
        }
    }

    /// What relays would find: the same look, and the same comparison with what is recorded.
    private func readSource(_ connection: Connection, _ facts: inout DatabaseFacts) async {
        guard facts.existing.contains(database.tables.events), !facts.isStandby else { return }
        do {
            let settings = EventsTable.readingSettings
            try await connection.execute(script: settings)
            let log = try await LogState(database.tables, consumers, on: connection)
            let problems = [log.problem].compactMap(\.self) + log.problems.values
            facts.sourceProblems = Set(problems.map(\.text)).sorted()
        } catch {
            // Missing tables and rights are findings of their own.
        }
    }

    /// What is odd about scopes: names that no event has, and earlier events that a changed scope adds.
    private func readScopes(_ connection: Connection, _ facts: inout DatabaseFacts) async {
        let table = EventsTable(database.tables.source)
        guard facts.rights.contains(.init(table: database.tables.events, name: "SELECT")),
            let stored = try? await table.readNames(on: connection)
        else { return }
        facts.topicCollisions = TopicCollisions(topicConsumers, stored).texts
        let looksAtTypes = scopes.values.contains { $0.filter.looksAtTypes }
        let recent = looksAtTypes ? (try? await table.readRecentTypes(on: connection)) ?? [] : []
        for (name, scope) in scopes {
            let unknown = UnknownScopeNames(scope, stored: stored)?.description
            let mistyped = MistypedEventTypes(scope.filter, recent: recent)?.description
            let texts = [unknown, mistyped].compactMap { $0 }
            if !texts.isEmpty { facts.unknownScopeNames[name] = texts.joined(separator: "; ") }
            // An older schema has no such record, and a role may lack the right to it: findings of their own.
            guard let history = try? await ScopesTable(database.tables).read(name, on: connection),
                let rows = try? await connection.query(SegmentsTable(database.tables).checkpoints(name)),
                let through = try? rows.map({ try $0.decode(1, as: Int64.self) }).max()
            else { continue }
            for before in history.replaced(by: scope) {
                let addition = ScopeAddition(from: before, to: scope, stored: stored)
                var count = AddedEventCount(addition, after: history.start ?? 0, through: through)
                while let stretch = count.next(), !addition.selections.isEmpty {
                    let began = ContinuousClock.now
                    guard let found = try? await stretch.count(table, on: connection) else { break }
                    count.took(found, in: .now - began)
                }
                let commands = addition.commands(
                    name, after: history.start ?? 0, through: through, eventTypes: count.eventTypes)
                facts.scopeChanges.append(
                    .init(
                        consumer: name, before: before.text, now: scope.text, events: count.text,
                        commands: count.count > 0 ? commands : []))
            }
        }
    }

    private func readWriters(_ connection: Connection, _ facts: inout DatabaseFacts) async throws(PostgresError) {
        var writers = try await writers(connection)
        if writers.values.contains(where: { $0.age == nil }) {
            // Without the right to see another's age, what is still there after a while is told.
            try? await Task.sleep(for: .seconds(3))
            let later = try await self.writers(connection)
            for (transaction, writer) in writers where writer.age == nil {
                writers[transaction]?.isLasting = later[transaction] != nil
            }
        }
        facts.writers = writers.sorted { $0.key < $1.key }.map(\.value)
    }

    /// By their virtual transactions, which tell one transaction of a session from its next.
    private func writers(
        _ connection: Connection
    ) async throws(PostgresError) -> [String: DatabaseFacts.Writer] {
        var writers: [String: DatabaseFacts.Writer] = [:]
        for row in try await connection.query(queries.openWriters(olderThan: 1)) {
            writers[try row.decode(5)] = .init(
                processID: try row.decodeIfPresent(0), application: try row.decodeIfPresent(1) ?? "",
                state: try row.decodeIfPresent(2), age: try row.decodeIfPresent(3),
                preparedTransaction: try row.decodeIfPresent(4))
        }
        return writers
    }
}
