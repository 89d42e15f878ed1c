import EventSourcing
import Testing

@testable import KafkaBridge

@Suite struct PoisonDecisionTests {
    private let flaw = Rejection(reason: .tooLarge, error: "too large", topic: "meant")

    private func note(omitting bytes: Int? = nil, isMinimal: Bool = false) -> DeadLetterNote {
        DeadLetterNote(
            reason: .tooLarge, error: "too large", consumer: "c", segment: 0, position: 1, topic: "meant", time: 0,
            prefix: "", omittedBytes: bytes, isMinimal: isMinimal)
    }

    private func decide(
        _ policy: PoisonPolicy, _ flaw: Rejection, note: DeadLetterNote? = nil, parked: Int? = 0
    ) -> PoisonFate { PoisonFate.decide(flaw, policy: policy, note: note, parked: parked, most: 3) }

    @Test func `each policy has its fate`() throws {
        let dead = try TopicName(sanitizing: "dead")
        #expect(decide(.halt, flaw) == .halt(flaw))
        #expect(decide(.park, flaw) == .park)
        #expect(decide(.deadLetterTopic(dead), flaw) == .deadLetter(dead, omitting: .nothing))
    }

    @Test func `without a table nothing is parked`() {
        #expect(decide(.park, flaw, parked: nil) == .halt(flaw))
    }

    @Test func `too many parked aggregates halt`() {
        #expect(decide(.park, flaw, parked: 2) == .park)
        guard case .halt(let flaw) = decide(.park, flaw, parked: 3) else {
            Issue.record("parked")
            return
        }
        #expect(flaw.reason == .tooMany && flaw.error.contains("3 aggregates"))
    }

    @Test
    func `the dead-letter topic is tried with the value then without then with the id alone then the segment halts`()
        throws
    {
        let dead = try TopicName(sanitizing: "dead")
        #expect(decide(.deadLetterTopic(dead), flaw, note: note()) == .deadLetter(dead, omitting: .value))
        #expect(
            decide(.deadLetterTopic(dead), flaw, note: note(omitting: 9))
                == .deadLetter(dead, omitting: .allButIdentity))
        for (flaw, note) in [
            (flaw, note(omitting: 9, isMinimal: true)),
            (Rejection(reason: .rejected, error: "no", topic: "dead"), note()),
        ] {
            guard case .halt(let halt) = decide(.deadLetterTopic(dead), flaw, note: note) else {
                Issue.record("not halted")
                continue
            }
            #expect(halt.error == "too large; and the dead-letter topic does not take it either: \(flaw.error)")
        }
    }

    @Test func `a redrive ends before an event that is missing`() {
        let whole = RedrivePlan(taken: [3, 5, 8], read: [3, 5, 8])
        #expect(whole.deliver == [3, 5, 8] && whole.missing == nil && whole.left.isEmpty)
        let bounded = RedrivePlan(taken: [3, 5, 8], read: [3, 5])
        #expect(bounded.deliver == [3, 5] && bounded.missing == nil && bounded.left == [8])
        let hole = RedrivePlan(taken: [3, 5, 8], read: [3, 8])
        #expect(hole.deliver == [3] && hole.missing == 5 && hole.left == [8])
        let first = RedrivePlan(taken: [3, 5], read: [5])
        #expect(first.deliver.isEmpty && first.missing == 3 && first.left == [5])
        let none = RedrivePlan(taken: [3, 5], read: [])
        #expect(none.deliver.isEmpty && none.missing == 3 && none.left == [5])
        #expect(RedrivePlan(taken: [], read: []).deliver.isEmpty)
    }

    @Test func `what the table knows is done until the segment has passed it`() {
        let aggregate = AggregateIdentity(boundedContext: "c", aggregateType: "t", aggregateID: "a")
        let states = DeadLetter.State.allCases
        var parked = ParkedAggregates()
        let known = Dictionary(uniqueKeysWithValues: zip(Int64(1)..., states))
        parked.begin(0, [], known: known, from: 7)
        func fates() -> [ParkedAggregates.Fate] { known.keys.sorted().map { parked.fate(of: $0, aggregate, in: 0) } }
        // An event that its segment halted at is tried again; all others were noted or decided about.
        let expected: [ParkedAggregates.Fate] = states.map { state in
            state == .halted ? .deliver : .settled(isDelivered: state == .redriven)
        }
        #expect(fates() == expected)
        // What was under way before the segment began says nothing of it.
        parked.passed(100, inFlight: 6)
        #expect(fates() == expected)
        parked.passed(2, inFlight: 7)
        #expect(fates() == [.deliver, .deliver] + expected.dropFirst(2))
        parked.passed(100, inFlight: 8)
        #expect(!parked.concerns(0))
    }

    @Test func `an aggregate is ready unless its first event is a cause that nobody asked for`() {
        func isReady(_ isCause: Bool, _ state: DeadLetter.State = .parked, asked: Bool = false) -> Bool {
            WaitingAggregate(
                segment: 0,
                aggregate: AggregateIdentity(boundedContext: "c", aggregateType: "t", aggregateID: "a"), position: 1,
                isCause: isCause, state: state, isRedriveRequested: asked, size: 1
            ).isReady
        }
        #expect(!isReady(true))
        #expect(isReady(true, asked: true) && isReady(true, .redriving) && isReady(false))
    }
}
