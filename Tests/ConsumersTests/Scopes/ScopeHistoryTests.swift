import EventSourcing
import TestSupport
import Testing

@testable import Consumers

@Suite struct ScopeHistoryTests {
    private let orders = EventScope(boundedContexts: ["Orders"])
    private let both = EventScope(boundedContexts: ["Orders", "Identity"])

    @Test func `what was recorded at the start and at each change decides about an event`() {
        var history = ScopeHistory()
        history.add(.init(after: 100, scope: orders), to: 0)
        history.add(.init(after: 200, scope: both), to: 0)
        func judge(_ position: Int64, _ context: String) -> ScopeHistory.Judgement {
            history.judge(position, segment: 0) {
                $0.contains(EventName(boundedContext: context, aggregateType: "User"))
            }
        }
        #expect(judge(100, "Orders") == .beforeStart)
        #expect(judge(101, "Orders") == .wanted)
        #expect(judge(200, "Identity") == .outsideScope)
        #expect(judge(201, "Identity") == .wanted)
        #expect(history.start == 100)
    }

    @Test func `without a record a consumer had to deliver everything`() {
        #expect(ScopeHistory().judge(1, segment: 3) { _ in false } == .wanted)
    }

    @Test func `of what an earlier version passed nothing is known`() {
        let updates = ScopeHistory().updates([(segment: 1, checkpoint: 50)], scope: orders)
        #expect(updates.map(\.entry.after) == [-1, 50])
        #expect(updates.allSatisfy { $0.before == nil && $0.dropsBehind == 50 })
        var history = ScopeHistory()
        for update in updates { history.add(update.entry, to: 1) }
        #expect(history.judge(50, segment: 1) { _ in true } == .unrecorded)
        #expect(history.judge(51, segment: 1) { _ in true } == .wanted)
        #expect(history.start == 0)
        #expect(history.updates([(segment: 1, checkpoint: 60)], scope: orders).isEmpty)
        // Set back, it passes them again, with a scope that is known.
        #expect(history.updates([(segment: 1, checkpoint: 20)], scope: orders).map(\.entry.after) == [20])
    }

    @Test func `scopes without a name in common count what is added alone`() {
        let stored: Set<EventName> = [
            EventName(boundedContext: "Identity", aggregateType: "User"),
            EventName(boundedContext: "Billing", aggregateType: "Bill"),
        ]
        let addition = ScopeAddition(
            from: EventScope(boundedContexts: ["Idenity"]), to: EventScope(boundedContexts: ["Identity"]),
            stored: stored)
        #expect(addition.counted == [EventScope(boundedContexts: ["Identity"])])
        #expect(addition.selections == [EventScope()])
    }

    @Test func `a context that begins with a dash is no option, and each change has a job of its own`() {
        let stored: Set<EventName> = [
            EventName(boundedContext: "-a", aggregateType: "T"), EventName(boundedContext: "b", aggregateType: "T"),
        ]
        let addition = ScopeAddition(
            from: EventScope(boundedContexts: ["b"]), to: EventScope(boundedContexts: ["b", "-a"]), stored: stored)
        let command = addition.commands("c", after: 0, through: 9)[0]
        #expect(command.contains(" '--context=-a' "))
        let other = ScopeAddition(
            from: EventScope(boundedContexts: ["b"]), to: EventScope(boundedContexts: ["-a"]), stored: stored)
        #expect(other.commands("c", after: 0, through: 9)[0] != command)
    }

    @Test func `the same names in another order are no change`() {
        var history = ScopeHistory()
        history.add(.init(after: 0, scope: both), to: 0)
        let turned = EventScope(boundedContexts: ["Identity", "Orders", "Orders"])
        #expect(history.updates([(segment: 0, checkpoint: 9)], scope: turned).isEmpty)
        #expect(history.replaced(by: turned).isEmpty)
        #expect(history.replaced(by: orders) == [both])
    }

    /// Drives the record through claims with changing scopes and set-back checkpoints, beside a model that remembers for
    /// each position which scope it was last passed with.
    @Test(arguments: 0..<200) func `every history agrees with what was passed`(seed: UInt64) {
        var random = Seeded(seed)
        let scopes = [orders, both, EventScope.all, EventScope(aggregateTypes: ["User"])]
        let names = ["Orders", "Identity", "Billing"].flatMap { context in
            ["User", "Cart"].map { EventName(boundedContext: context, aggregateType: $0) }
        }
        var history = ScopeHistory()
        let start = Int64.random(in: 0...20, using: &random)
        history.add(.init(after: start, scope: scopes[0]), to: 0)
        var passedWith: [Int64: EventScope] = [:]
        var checkpoint = start
        for _ in 0..<30 {
            let scope = scopes.randomElement(using: &random) ?? .all
            if Int.random(in: 0..<5, using: &random) == 0 {
                checkpoint = .random(in: start...checkpoint, using: &random)
            }
            for position in passedWith.keys where position > checkpoint { passedWith[position] = nil }
            for update in history.updates([(segment: 0, checkpoint: checkpoint)], scope: scope) {
                history.apply(update, to: 0)
            }
            #expect(history.updates([(segment: 0, checkpoint: checkpoint)], scope: scope).isEmpty, "seed \(seed)")
            let end = checkpoint + Int64.random(in: 0...10, using: &random)
            for position in checkpoint..<end { passedWith[position + 1] = scope }
            checkpoint = end
        }
        for position in 1...(checkpoint + 1) {
            for name in names {
                let judged = history.judge(position, segment: 0) { $0.contains(name) }
                let expected: ScopeHistory.Judgement
                if position <= start {
                    expected = .beforeStart
                } else if let scope = passedWith[position] {
                    expected = scope.contains(name) ? .wanted : .outsideScope
                } else {
                    continue
                }
                #expect(judged == expected, "seed \(seed), position \(position)")
            }
        }
    }
}

extension ScopeHistory {
    /// As the statements of ``ScopesTable/record(_:of:owner:)`` do.
    fileprivate mutating func apply(_ update: Update, to segment: Int) {
        var kept = ScopeHistory()
        for entry in list(segment) where entry.after <= update.dropsBehind { kept.add(entry, to: segment) }
        kept.add(update.entry, to: segment)
        self = kept
    }
}

@Suite struct ScopeNameTests {
    private let stored: Set<EventName> = [
        EventName(boundedContext: "Identity", aggregateType: "User"),
        EventName(boundedContext: "Identity", aggregateType: "Role"),
        EventName(boundedContext: "Orders", aggregateType: "Order"),
    ]

    @Test func `a name that no event has is reported with the nearest one`() throws {
        let unknown = try #require(UnknownScopeNames(EventScope(boundedContexts: ["Idenity"]), stored: stored))
        #expect(unknown.description.contains("\"Idenity\"; did you mean \"Identity\"?"))
        let types = try #require(UnknownScopeNames(EventScope(aggregateTypes: ["user"]), stored: stored))
        #expect(types.description.contains("did you mean \"User\"?"))
    }

    @Test func `known names are in order, and an empty store shows nothing`() {
        #expect(UnknownScopeNames(EventScope(boundedContexts: ["Orders"]), stored: stored) == nil)
        #expect(UnknownScopeNames(EventScope(boundedContexts: ["Other"]), stored: []) == nil)
        #expect(UnknownScopeNames(.all, stored: stored) == nil)
    }

    @Test func `names that occur, but never together, are reported`() {
        let scope = EventScope(aggregateTypes: ["Order"], boundedContexts: ["Identity"])
        #expect(UnknownScopeNames(scope, stored: stored)?.isEmptyTogether == true)
    }

    @Test func `a context that is added is published by one command`() {
        let addition = ScopeAddition(
            from: EventScope(boundedContexts: ["Orders"]), to: EventScope(boundedContexts: ["Orders", "Identity"]),
            stored: stored)
        #expect(addition.selections == [EventScope(boundedContexts: ["Identity"])])
        #expect(
            addition.commands("shop", after: 0, through: 30).map { $0.replacing(/at-30-[0-9a-f]+/, with: "at-30") } == [
                "godwit republish --job added-to-shop-at-30 --consumer shop --context Identity --to-position 30"
            ])
    }

    @Test func `types that are added are named, and a start is not passed`() {
        let addition = ScopeAddition(from: EventScope(aggregateTypes: ["User"]), to: .all, stored: stored)
        #expect(
            addition.selections == [
                EventScope(aggregateTypes: ["Role"], boundedContexts: ["Identity"]),
                EventScope(boundedContexts: ["Orders"]),
            ])
        #expect(
            addition.commands("o'shop", after: 5, through: 30)[1].replacing(/at-30-[0-9a-f]+/, with: "at-30")
                == "godwit republish --job added-to-o_shop-at-30-2 --consumer 'o'\\''shop' --context Orders "
                + "--from-position 6 --to-position 30")
    }

    @Test func `a scope that became narrower adds nothing`() {
        #expect(
            ScopeAddition(from: .all, to: EventScope(boundedContexts: ["Orders"]), stored: stored).selections.isEmpty)
    }

    @Test(arguments: 0..<200) func `the selections add exactly the names that are new`(seed: UInt64) {
        var random = Seeded(seed)
        let contexts = ["A", "B", "C"]
        let types = ["x", "y", "z"]
        let stored = Set(
            contexts.flatMap { context in types.map { EventName(boundedContext: context, aggregateType: $0) } }
                .filter { _ in Bool.random(using: &random) })
        func scope() -> EventScope {
            EventScope(
                aggregateTypes: types.filter { _ in Int.random(in: 0..<3, using: &random) == 0 },
                boundedContexts: contexts.filter { _ in Int.random(in: 0..<3, using: &random) == 0 })
        }
        let (old, new) = (scope(), scope())
        let selections = ScopeAddition(from: old, to: new, stored: stored).selections
        for name in stored {
            // A republish job takes what the consumer carries, narrowed to the selection.
            let times = new.contains(name) ? selections.count { $0.contains(name) } : 0
            #expect(times == (new.contains(name) && !old.contains(name) ? 1 : 0), "seed \(seed): \(name)")
        }
    }

    @Test func `counting ends with what it has when it takes too long`() {
        let addition = ScopeAddition(from: EventScope(boundedContexts: ["Orders"]), to: .all, stored: stored)
        var count = AddedEventCount(addition, after: 0, through: 1_000_000)
        count.took(found(7, count), in: .seconds(1))
        #expect(count.text == "at least 7")
        while count.next() != nil { count.took(found(1, count), in: .milliseconds(1)) }
        #expect(Int(count.text) ?? 0 > 7)
        var slow = AddedEventCount(addition, after: 0, through: .max)
        while slow.next() != nil { slow.took(found(1, slow), in: .seconds(5)) }
        #expect(slow.text == "at least 4")
    }

    private func found(_ events: Int, _ count: AddedEventCount) -> AddedEventCount.Stretch.Found {
        .init(count: events, through: count.next()?.through ?? 0)
    }
}
