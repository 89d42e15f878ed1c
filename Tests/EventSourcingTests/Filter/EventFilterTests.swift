import FoundationEssentials
import Postgres
import TestSupport
import Testing

@testable import EventSourcing

@Suite struct EventFilterTests {
    private func event(type: String = "Happened", payload: String = "{}", metadata: String? = nil) throws -> EventView {
        try EventBatch([
            PersistedEvent(
                globalPosition: 1, boundedContext: "Shop", aggregateType: "Order", aggregateID: "1",
                aggregateVersion: 1,
                eventID: UUID(), eventType: type, eventVersion: 1, payload: Array(payload.utf8), traceID: nil,
                correlationID: nil, causationID: nil, metadata: metadata, createdAt: Date(timeIntervalSince1970: 0))
        ])[0]
    }

    private func decision(
        _ condition: EventCondition, payload: String = "{}", metadata: String? = nil
    ) throws -> EventFilter.Decision {
        EventFilter(conditions: [condition]).decide(try event(payload: payload, metadata: metadata))
    }

    // MARK: Event types

    @Test(arguments: [
        ("OrderPlaced", "OrderPlaced", true), ("OrderPlaced", "orderplaced", false), ("Order*", "OrderPlaced", true),
        ("Order*", "Order", true), ("Order*", "BackOrder", false), ("*Order", "BackOrder", true), ("*", "", true),
        ("a*b*c", "abcbc", true), ("a*b*c", "ab", false), ("", "", true), ("", "a", false), ("a_c", "abc", false),
        ("a%", "ab", false), ("*.v1", "order.v1", true),
    ])
    func `a pattern stands for names`(pattern: String, name: String, matches: Bool) {
        #expect(NamePattern(pattern).matches(name) == matches)
    }

    @Test func `an event has one of the types and none of the exceptions`() throws {
        let filter = EventFilter(eventTypes: ["Order*", "Paid"], exceptEventTypes: ["*Draft"])
        func wants(_ type: String) throws -> Bool { filter.decide(try event(type: type)) == .wanted }
        let types = ["OrderPlaced", "Paid", "OrderDraft", "Shipped"]
        #expect(try types.filter(wants) == ["OrderPlaced", "Paid"])
        #expect(EventFilter(exceptEventTypes: ["A"]).decide(try event(type: "B")) == .wanted)
    }

    // MARK: Conditions

    private static func one(_ pointer: String, _ values: String...) throws -> EventCondition {
        EventCondition(.payload, try JSONPointer(pointer), oneOf: values)
    }

    @Test(arguments: [
        (#"{"country":"DE"}"#, "DE", true), (#"{"country":"\u0044E"}"#, "DE", true),
        (#"{"country":"FR"}"#, "DE", false),
        (#"{"country":["DE"]}"#, "DE", false), (#"{"other":"DE"}"#, "DE", false), (#"{"country":10}"#, "10", true),
        (#"{"country":10.0}"#, "10", true), (#"{"country":1e1}"#, "10", true), (#"{"country":-0}"#, "0", true),
        (#"{"country":9007199254740993}"#, "9007199254740992", false),
        (#"{"country":9007199254740993}"#, "9007199254740993", true),
        (#"{"country":1e400}"#, "1e400", true), (#"{"country":10e399}"#, "1e400", true),
        (#"{"country":"10"}"#, "10", true),
        (#"{"country":"10.0"}"#, "10", false), (#"{"country":true}"#, "true", true),
        (#"{"country":null}"#, "null", true),
        (#"{"country":"10"}"#, #""10""#, true), (#"{"country":10}"#, #""10""#, false),
        (#"{"country":null}"#, #""null""#, false), (#"{"country":"null"}"#, #""null""#, true),
        (#"{"country":"\"x"}"#, #""\"x""#, true), (#"{"country":"\"x"}"#, #""x"#, true),
        (#"{"country":"a","country":"DE"}"#, "DE", true), (#"{"country":"DE","country":"a"}"#, "DE", false),
        (#"{"country":"é"}"#, "e\u{301}", false), (#"{"country":1e99999999999}"#, "1", false),
    ])
    func `a value is compared exactly`(payload: String, value: String, isMet: Bool) throws {
        #expect(try decision(Self.one("/country", value), payload: payload) == (isMet ? .wanted : .unwanted))
    }

    @Test func `several values are alternatives, several conditions all have to hold`() throws {
        let filter = EventFilter(conditions: [
            try Self.one("/country", "DE", "AT"),
            EventCondition(.metadata, try JSONPointer("/test"), oneOf: ["true"], isExclusion: true),
        ])
        func decide(_ payload: String, _ metadata: String?) throws -> EventFilter.Decision {
            filter.decide(try event(payload: payload, metadata: metadata))
        }
        #expect(try decide(#"{"country":"AT"}"#, nil) == .wanted)
        #expect(try decide(#"{"country":"AT"}"#, #"{"test":false}"#) == .wanted)
        #expect(try decide(#"{"country":"AT"}"#, #"{"test":true}"#) == .unwanted)
        #expect(try decide(#"{"country":"CH"}"#, nil) == .unwanted)
    }

    @Test(arguments: ["not JSON", #"{"country":"DE""#, #"{"country":"DE"} {}"#, "{'country':'DE'}"])
    func `of a payload that is not JSON nothing can be decided, and the event is not passed over`(payload: String)
        throws
    {
        for isExclusion in [false, true] {
            let condition = EventCondition(
                .payload, try JSONPointer("/country"), oneOf: ["DE"], isExclusion: isExclusion)
            #expect(try decision(condition, payload: payload) == .undecidable)
            let scope = EventScope(filter: EventFilter(conditions: [condition]))
            let event = try event(payload: payload)
            #expect(scope.contains(event) && scope.wants(event))
        }
    }

    @Test func `an empty payload has no value, and another condition can still decide`() throws {
        #expect(try decision(Self.one("/country", "DE"), payload: "") == .unwanted)
        let filter = EventFilter(conditions: [
            try Self.one("/country", "DE"), EventCondition(.metadata, try JSONPointer("/tenant"), oneOf: ["a"]),
        ])
        #expect(filter.decide(try event(payload: "no", metadata: #"{"tenant":"b"}"#)) == .unwanted)
        #expect(filter.decide(try event(payload: "no", metadata: #"{"tenant":"a"}"#)) == .undecidable)
    }

    // MARK: As text

    @Test func `a filter is the same after it was recorded`() throws {
        let filter = EventFilter(
            eventTypes: ["A/b \"c\"", "x*"], exceptEventTypes: ["é"],
            conditions: [
                try Self.one("/a~1b/0", "x", "null"),
                EventCondition(.metadata, try JSONPointer(""), oneOf: ["1"], isExclusion: true),
            ])
        #expect(try EventFilter(text: filter.text) == filter)
        #expect(EventFilter.none.text.isEmpty)
        #expect(try EventFilter(text: "") == .none)
        #expect(throws: EventFilterError.self) { try EventFilter(text: "{") }
    }

    @Test func `filters are equivalent however they are ordered`() throws {
        let one = EventFilter(
            eventTypes: ["A", "B"], conditions: [try Self.one("/a", "1", "2"), try Self.one("/b", "3")])
        let other = EventFilter(
            eventTypes: ["B", "A", "A"], conditions: [try Self.one("/b", "3"), try Self.one("/a", "2", "1")])
        #expect(one.isEquivalent(to: other))
        for filter in [
            EventFilter(eventTypes: ["A", "B"]),
            EventFilter(eventTypes: ["A", "B"], conditions: [try Self.one("/a", "1"), try Self.one("/b", "3")]),
            EventFilter(exceptEventTypes: ["A", "B"], conditions: one.conditions),
        ] { #expect(!one.isEquivalent(to: filter)) }
    }

    // MARK: In SQL

    private func append(_ events: [Event], to test: TestStore, on connection: Connection) async throws {
        for event in events {
            try await connection.withTransaction {
                _ = try await test.store.append([event], expecting: .any, in: $0)
            }
        }
    }

    /// What PostgreSQL leaves out must be what this process leaves out.
    @Test func `PostgreSQL finds the same events by their types as the filter`() async throws {
        let alphabet = ["a", "B", "_", "%", "\\", "*", ".", "é", "'"]
        for seed in seeds(3, of: "event types") {
            var random = Seeded(seed)
            func text() -> String {
                (0..<Int.random(in: 1...4, using: &random)).map { _ in
                    alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
                }.joined()
            }
            try await TestStore.with { test in
                let connection = try await test.connect()
                let types = (0..<60).map { _ in text() }
                let events = types.enumerated().map { Event.sample("a\($0)", type: $1) }
                try await append(events, to: test, on: connection)
                let all = try await test.store.readEvents(after: 0, limit: 1_000, in: connection)
                for _ in 0..<60 {
                    func patterns() -> [NamePattern] {
                        (0..<Int.random(in: 0...2, using: &random)).map { _ in NamePattern(text()) }
                    }
                    let scope = EventScope(filter: EventFilter(eventTypes: patterns(), exceptEventTypes: patterns()))
                    let found = try await test.store.readEvents(after: 0, limit: 1_000, scope: scope, in: connection)
                    let wanted = try all.filter { scope.contains(try event(type: $0.eventType)) }
                    #expect(
                        found.map(\.eventType) == wanted.map(\.eventType), "seed \(seed): \(scope.filter.words)")
                }
                await connection.close()
            }
        }
    }

    @Test func `a reader with conditions gets what it asked for, however much lies between`() async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            let events = (0..<100).map { number in
                Event.sample("a\(number)", payload: #"{"n":\#(number),"last":\#(number % 50 == 49)}"#)
            }
            try await append(events, to: test, on: connection)
            let scope = EventScope(filter: EventFilter(conditions: [try Self.one("/last", "true")]))
            let found = try await test.store.readEvents(after: 0, limit: 2, scope: scope, in: connection)
            #expect(found.map(\.aggregateID) == ["a49", "a99"])
            await connection.close()
        }
    }

    // MARK: Unions

    @Test func `a union wants whatever one of the scopes wants`() throws {
        let words = ["A", "AB", "B", "C"]
        for seed in seeds(500, of: "unions") {
            var random = Seeded(seed)
            func patterns() -> [NamePattern] {
                (0..<Int.random(in: 0...2, using: &random)).map { _ in
                    NamePattern(["A", "A*", "*B", "C", "*"][Int.random(in: 0..<5, using: &random)])
                }
            }
            let scopes = (0..<Int.random(in: 1...3, using: &random)).map { _ in
                EventScope(filter: EventFilter(eventTypes: patterns(), exceptEventTypes: patterns()))
            }
            let union = EventScope(union: scopes)
            for word in words {
                let event = try event(type: word)
                let isWanted = scopes.contains { $0.contains(event) }
                #expect(!isWanted || union.contains(event), "seed \(seed): \(word)")
                if scopes.count == 1 { #expect(isWanted == union.contains(event)) }
            }
        }
    }
}
