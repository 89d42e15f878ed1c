import EventSourcing
import Postgres
import TestSupport
import Testing

@testable import Consumers

/// Consumers that take some events of their contexts only.
@Suite(.timeLimit(.minutes(2))) struct FilteredConsumerTests {
    private func scope(_ types: NamePattern..., except: [NamePattern] = [], country: String? = nil) throws -> EventScope
    {
        EventScope(
            boundedContexts: ["Identity"],
            filter: EventFilter(
                eventTypes: types, exceptEventTypes: except,
                conditions: try country.map {
                    [EventCondition(.payload, try JSONPointer("/country"), oneOf: [$0])]
                } ?? []))
    }

    private func append(_ count: Int, from first: Int = 0, to test: TestStore) async throws {
        let connection = try await test.connect()
        for number in first..<(first + count) {
            let country = number.isMultiple(of: 3) ? "DE" : "FR"
            _ = try await test.append(
                [
                    .sample(
                        "a\(number % 7)", type: ["Placed", "Paid", "Draft"][number % 3],
                        payload: #"{"country":"\#(country)"}"#)
                ], on: connection)
        }
        await connection.close()
    }

    @Test
    func `each consumer gets what its filter lets pass, in order, live and behind, and the rest counts as passed`()
        async throws
    {
        try await TestStore.with { test in
            try await append(60, to: test)
            let scopes: [EventScope] = [
                try scope("P*"), try scope(except: ["P*"]), try scope(country: "DE"), try scope(country: "CH"), .all,
            ]
            let consumers = scopes.enumerated().map { RecordingConsumer("c\($0)", scope: $1) }
            let source = try test.source()
            let worker = try Worker(source, integrations: consumers, options: test.options)
            try await test.running(worker, source) {
                try await append(60, from: 60, to: test)
                for (consumer, count) in zip(consumers, [80, 40, 40, 0, 120]) { try await consumer.wait(for: count) }
                // A consumer that wants none of them records its way all the same.
                try await eventually("all checkpoints are at the end") {
                    for consumer in consumers {
                        if try await test.checkpoints(of: consumer.name).min() ?? 0 < 115 { return false }
                    }
                    return true
                }
            }
            for (consumer, scope) in zip(consumers, scopes) {
                let got = consumer.all
                let wanted = try await wanted(scope, test)
                #expect(Set(got.map(\.globalPosition)) == Set(wanted) && got.count == wanted.count)
                for aggregate in Set(got.map(\.aggregateID)) {
                    let positions = got.filter { $0.aggregateID == aggregate }.map(\.globalPosition)
                    #expect(positions == positions.sorted())
                }
            }
        }
    }

    private func wanted(_ scope: EventScope, _ test: TestStore) async throws -> [Int64] {
        let connection = try await test.connect()
        let events = try await test.store.readEvents(after: 0, limit: 1_000, in: connection)
        await connection.close()
        return events.filter { event in
            let filter = scope.filter
            let isNamed =
                filter.eventTypes.isEmpty ? true : filter.eventTypes.contains { $0.matches(event.eventType) }
            let isExcepted = filter.exceptEventTypes.contains { $0.matches(event.eventType) }
            let text = String(decoding: event.payload, as: UTF8.self)
            let isMet = filter.conditions.allSatisfy { text.contains("\"\($0.values[0])\"") }
            return isNamed && !isExcepted && isMet
        }.map(\.globalPosition)
    }

    @Test func `what waits is counted by the filter`() async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            try await append(30, to: test)
            for scope in [
                try scope("Paid"), try scope(except: ["Placed"]), try scope(country: "DE"), try scope(country: "CH"),
            ] {
                try await connection.execute(script: "DELETE FROM \(test.tables.consumerSegments.sql)")
                try await connection.query(
                    SegmentsTable(test.tables).initialize("c", totalSegments: 3, start: 0))
                let status = try await StatusReader(test.tables, scopes: ["c": scope]).read(on: connection)
                let lag = try #require(status.consumers[0].lag)
                let wanted = try await wanted(scope, test)
                #expect(lag.isExact && Int(lag.events) == wanted.count, "\(scope.text)")
            }
            await connection.close()
        }
    }

    @Test func `a filter is recorded with the checkpoints, and a change adds what it let pass before`() async throws {
        try await TestStore.with { test in
            try await append(30, to: test)
            func run(_ scope: EventScope, _ count: Int) async throws {
                let consumer = RecordingConsumer("c", scope: scope)
                let source = try test.source()
                let worker = try test.worker(consumer, source)
                try await test.running(worker, source) {
                    try await consumer.wait(for: count)
                    try await eventually("it is through") {
                        try await test.checkpoints(of: "c").min() ?? 0 >= 28
                    }
                }
            }
            let (old, new) = (try scope("Paid"), try scope("P*", country: "DE"))
            try await run(old, 10)
            let connection = try await test.connect()
            let history = try await ScopesTable(test.tables).read("c", on: connection)
            #expect(history.replaced(by: old).isEmpty)
            #expect(history.replaced(by: new) == [old])
            let addition = ScopeAddition(
                from: old, to: new, stored: [EventName(boundedContext: "Identity", aggregateType: "User")])
            var count = AddedEventCount(addition, after: 0, through: 30)
            while let stretch = count.next() {
                let found = try await stretch.count(EventsTable(test.tables.source), on: connection)
                count.took(found, in: .milliseconds(1))
            }
            // Events of Placed are all from DE.
            #expect(count.text == "10" && count.eventTypes == ["Placed"])
            #expect(!addition.repeats(count.eventTypes))
            #expect(
                addition.commands("c", after: 0, through: 30, eventTypes: count.eventTypes)[0].contains(
                    "--event-type Placed"))
            await connection.close()
            try await append(3, from: 30, to: test)
            try await run(new, 1)
        }
    }

    @Test func `events that the old filter had are added by no change`() throws {
        let (old, new) = (try scope("Placed"), try scope("Placed", "Paid"))
        let stored: Set<EventName> = [EventName(boundedContext: "Identity", aggregateType: "User")]
        #expect(ScopeAddition(from: old, to: new, stored: stored).repeats(["Paid"]) == false)
        #expect(ScopeAddition(from: old, to: new, stored: stored).repeats(["Paid", "Placed"]))
        #expect(ScopeAddition(from: old, to: try scope("Placed"), stored: stored).selections.isEmpty)
        #expect(!ScopeAddition(from: new, to: try scope(country: "DE"), stored: stored).selections.isEmpty)
    }

    @Test func `a projection has a filter too`() async throws {
        struct Projection: ScopedConsumer {
            let name = "projection"
            let aggregateTypes: [String] = []
            let boundedContexts: [String] = []
            let filter = EventFilter(eventTypes: ["Paid"])
            let seen = RecordingConsumer()

            func handle(_ event: PersistedEvent, in transaction: Transaction) async throws {
                #expect(event.eventType == "Paid")
                try await transaction.query(Statement("SELECT 1"))
            }
        }
        #expect(Projection().scope == EventScope(filter: EventFilter(eventTypes: ["Paid"])))
        try await TestStore.with { test in
            try await append(9, to: test)
            let source = try test.source()
            var options = test.options
            options.totalSegments = 1
            let worker = try Worker(source, consumers: [Projection()], options: options)
            try await test.running(worker, source) {
                try await eventually("it is through") { try await test.checkpoints(of: "projection").min() ?? 0 >= 8 }
            }
        }
    }
}
