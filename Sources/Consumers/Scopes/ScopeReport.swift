package import EventSourcing
import Logging
package import Postgres
import Synchronization

/// Reports what is odd about a consumer's scope: names that no stored event has, and earlier events that a changed scope
/// adds and that were passed over.
///
/// It uses the control connection in short statements, so that heartbeats are not kept waiting.
final class ScopeReport: Sendable {
    private let consumer: String
    private let scope: EventScope
    private let table: EventsTable
    private let membership: Membership
    private let logger: Logger
    private let pending = Mutex<[Change]?>(nil)
    private let signal = WakeSignal()

    private struct Change: Sendable {
        let before: EventScope
        /// The segments' old scope held up to here at most.
        var through: Int64
    }

    init(consumer: String, scope: EventScope, source: EventSource, membership: Membership, logger: Logger) {
        self.consumer = consumer
        self.scope = scope
        table = EventsTable(source.tables.source)
        self.membership = membership
        self.logger = logger
    }

    /// Takes in what was recorded at a claim.
    func changed(_ updates: [ScopeHistory.Update]) {
        pending.withLock { pending in
            var changes = pending ?? []
            for update in updates {
                guard let before = update.before else { continue }
                if let index = changes.firstIndex(where: { $0.before.isEquivalent(to: before) }) {
                    changes[index].through = max(changes[index].through, update.entry.after)
                } else {
                    changes.append(Change(before: before, through: update.entry.after))
                }
            }
            pending = changes
        }
        signal.wake()
    }

    /// Reports until cancelled.
    func run() async throws {
        var areNamesChecked = scope.isAll
        while true {
            _ = await signal.wait(atMost: .seconds(3600))
            try Task.checkCancellation()
            guard let changes = pending.withLock({ $0.take() }), !areNamesChecked || !changes.isEmpty else { continue }
            do {
                let table = table
                let stored = try await membership.control.perform { try await table.readNames(on: $0) }
                if !areNamesChecked, let unknown = UnknownScopeNames(scope, stored: stored) {
                    logger.warning("\(unknown); the events that are stored now are passed over")
                }
                if !areNamesChecked, scope.filter.looksAtTypes,
                    let recent = try? await membership.control.perform({ try await table.readRecentTypes(on: $0) }),
                    let mistyped = MistypedEventTypes(scope.filter, recent: recent)
                {
                    logger.warning("\(mistyped)")
                }
                areNamesChecked = true
                for change in changes { try await report(change, stored) }
            } catch {
                try Task.checkCancellation()
                for change in changes {
                    logger.warning(
                        "the scope has changed; earlier events that it adds were passed over, and could not be counted: \(error)",
                        metadata: ["through": "\(change.through)", "before": "\(change.before.text)"])
                }
                areNamesChecked = true
            }
        }
    }

    private func report(_ change: Change, _ stored: Set<EventName>) async throws {
        let addition = ScopeAddition(from: change.before, to: scope, stored: stored)
        let metadata: Logger.Metadata = ["before": "\(change.before.text)", "now": "\(scope.text)"]
        guard !addition.selections.isEmpty, change.through > 0 else {
            logger.notice("the scope has changed; it adds no earlier event", metadata: metadata)
            return
        }
        let (consumer, tables) = (consumer, membership.tables)
        let start = try await membership.control.perform {
            try await ScopesTable(tables).read(consumer, on: $0).start ?? 0
        }
        var count = AddedEventCount(addition, after: start, through: change.through)
        while let stretch = count.next() {
            let began = ContinuousClock.now
            let found = try await membership.control.perform { [table] in try await stretch.count(table, on: $0) }
            count.took(found, in: .now - began)
            try Task.checkCancellation()
        }
        guard count.count > 0 else {
            logger.notice("the scope has changed; it adds no earlier event", metadata: metadata)
            return
        }
        let commands = addition.commands(
            consumer, after: start, through: change.through, eventTypes: count.eventTypes)
        let pruned = try await membership.control.perform { try await PruningsTable(tables).read(on: $0)?.through ?? 0 }
        let removed =
            pruned > start ? "; what was there up to position \(pruned) is removed by retention, and not counted" : ""
        let repeats = addition.repeats(count.eventTypes) ? " (with others that were published before)" : ""
        logger.warning(
            """
            the scope has changed, and adds \(count.text) earlier events, up to position \(change.through), that were passed \
            over\(removed); to publish them\(repeats): \(commands.map { "`\($0)`" }.joined(separator: "; "))
            """, metadata: metadata)
    }
}

/// How many events a changed scope adds, counted in stretches of positions whose length follows the time they take, for
/// a while at most. A pure value.
package struct AddedEventCount {
    package struct Stretch: Sendable {
        let selections: [EventScope]
        let filtered: (old: EventScope, new: EventScope)?
        let after: Int64
        let through: Int64

        package struct Found: Sendable, Equatable {
            package var count = 0
            /// Of the events, where the filter has changed.
            package var eventTypes: Set<String> = []
            /// Everything up to here was looked at.
            package var through: Int64

            package init(count: Int, eventTypes: Set<String> = [], through: Int64) {
                self.count = count
                self.eventTypes = eventTypes
                self.through = through
            }
        }

        package func count(_ table: EventsTable, on connection: Connection) async throws(PostgresError) -> Found {
            if let filtered { return try await read(filtered.old, filtered.new, table, on: connection) }
            var sum = 0
            for selection in selections {
                let statement = table.count(
                    EventSelection(scope: selection), after: after, through: through, largerThan: 0)
                for row in try await connection.query(statement) { sum += try row.decode(4, as: Int.self) }
            }
            return Found(count: sum, through: through)
        }

        /// Compares event by event what the scopes want.
        private func read(
            _ old: EventScope, _ new: EventScope, _ table: EventsTable, on connection: Connection
        ) async throws(PostgresError) -> Found {
            var scope = new
            // What either looks into has to come along.
            scope.filter.conditions += old.filter.conditions
            let limit = 5_000
            let events = try table.batch(
                await connection.query(
                    table.readIdentities(EventSelection(scope: scope), after: after, through: through, limit: limit)))
            let isComplete = events.count < limit && !events.isCut
            var found = Found(count: 0, through: isComplete ? through : events.last?.globalPosition ?? through)
            for event in events where new.contains(event) && !old.contains(event) {
                found.count += 1
                found.eventTypes.insert(event.event.eventType)
            }
            return found
        }
    }

    package private(set) var count = 0
    private var types: Set<String> = []
    private let selections: [EventScope]
    private let filtered: (old: EventScope, new: EventScope)?
    private var position: Int64
    private let end: Int64
    private var length: Int64 = 10_000
    private var spent: Duration = .zero

    /// How long a stretch should take, so that nothing else waits for it.
    static let aim: Duration = .milliseconds(50)
    /// How long all of them may take.
    static let patience: Duration = .seconds(20)

    package init(_ addition: ScopeAddition, after: Int64, through: Int64) {
        selections = addition.counted
        filtered = addition.filtered
        position = after
        end = through
    }

    /// The next stretch; `nil` when everything is counted, or it took too long.
    package func next() -> Stretch? {
        guard position < end, spent < Self.patience else { return nil }
        let (sum, overflows) = position.addingReportingOverflow(length)
        return Stretch(
            selections: selections, filtered: filtered, after: position, through: overflows ? end : min(end, sum))
    }

    /// More event types than these are not listed in a command.
    private static let mostTypes = 20

    /// The types of the events that are added, where the filter has changed and all are known; else empty.
    package var eventTypes: [String] {
        position < end || types.count > Self.mostTypes ? [] : types.sorted()
    }

    package mutating func took(_ found: Stretch.Found, in time: Duration) {
        guard next() != nil else { return }
        count += found.count
        if types.count <= Self.mostTypes { types.formUnion(found.eventTypes) }
        position = max(position, found.through)
        spent += time
        if time < Self.aim / 2 {
            length = min(length * 2, 10_000_000)
        } else if time > Self.aim {
            length = max(length / 2, 1_000)
        }
    }

    /// The count, or that there are more.
    package var text: String { position < end ? "at least \(count)" : "\(count)" }
}

extension EventScope {
    /// In the words of the configuration.
    package var text: String {
        if isAll { return "all events" }
        let lists = [("bounded_contexts", boundedContexts), ("aggregate_types", aggregateTypes)]
        let names = lists.filter { !$0.1.isEmpty }.map { "\($0.0): [\($0.1.joined(separator: ", "))]" }
        return (names + filter.words).joined(separator: ", ")
    }
}
