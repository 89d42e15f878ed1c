import EventSourcing
import TestSupport
import Testing

@testable import Consumers

@Suite struct EventKindsTests {
    private typealias Event = MadeUpEvents.Event

    @Test func `a pair of context and type has one number, and no other pair has it`() throws {
        var kinds = EventKinds()
        let events = [
            Event(position: 1, context: "ab", type: "c"), Event(position: 2, context: "a", type: "bc"),
            Event(position: 3, context: "", type: "abc"), Event(position: 4, context: "abc", type: ""),
            Event(position: 5, context: "ab", type: "c", aggregate: "other"),
        ]
        let batch = try MadeUpEvents.batch(events)
        #expect(batch.map { kinds.number(of: $0) } == [0, 1, 2, 3, 0])
        #expect(kinds.kinds.count == 4)
    }

    @Test func `a number answers as its events do whether a scope wants them`() throws {
        let names = ["", "A", "B", "Ä", "AB"]
        for seed in seeds(200, of: "scopes") {
            var random = Seeded(seed)
            func some() -> [String] { names.filter { _ in Int.random(in: 0..<3, using: &random) == 0 } }
            var events: [Event] = []
            for position in 1...Int64(20) {
                events.append(
                    Event(
                        position: position, context: names.randomElement(using: &random) ?? "",
                        type: names.randomElement(using: &random) ?? ""))
            }
            let scope = EventScope(aggregateTypes: some(), boundedContexts: some())
            var kinds = EventKinds()
            for (made, event) in zip(events, try MadeUpEvents.batch(events)) {
                let number = kinds.number(of: event)
                let isWanted =
                    (scope.aggregateTypes.isEmpty || scope.aggregateTypes.contains(made.type))
                    && (scope.boundedContexts.isEmpty || scope.boundedContexts.contains(made.context))
                #expect(kinds.kinds[number].isWanted(by: scope) == isWanted, "GODWIT_SEED=\(seed)")
                #expect(scope.contains(event) == isWanted, "GODWIT_SEED=\(seed)")
            }
        }
    }

    @Test func `pairs beyond the most share a number, and those before them keep theirs`() throws {
        var kinds = EventKinds()
        let events = (0..<EventKinds.most + 2).map { Event(position: Int64($0), type: String($0, radix: 36)) }
        let batch = try MadeUpEvents.batch(events)
        let numbers = batch.map { kinds.number(of: $0) }
        #expect(numbers.suffix(3) == [EventKinds.most - 1, EventKinds.overflow, EventKinds.overflow])
        #expect(kinds.number(of: batch[7]) == 7)
        #expect(kinds.kinds.count == EventKinds.most)
    }

    @Test func `a union of scopes wants what any of them wants`() {
        let shop = EventScope(boundedContexts: ["Shop"])
        let users = EventScope(aggregateTypes: ["User"], boundedContexts: ["Identity"])
        let union = EventScope(union: [shop, users])
        #expect(union == EventScope(boundedContexts: ["Identity", "Shop"]))
        #expect(EventScope(union: [shop, .all]).isAll)
    }
}
