import TestSupport
import Testing

@testable import Torture

@Suite struct DeliveryJudgeTests {
    private let events: [String: DeliveryJudge.Committed] = [
        "a1": .init(position: 1, aggregate: "a"), "a2": .init(position: 2, aggregate: "a"),
        "b3": .init(position: 3, aggregate: "b"),
    ]

    private func judge(_ records: (String, Int32)...) -> DeliveryJudge.Result {
        DeliveryJudge.judge(events, records.map { DeliveryJudge.Seen(eventID: $0.0, partition: $0.1) })
    }

    @Test func `each event once and in order is right`() {
        let result = judge(("b3", 1), ("a1", 0), ("a2", 0))
        #expect(result.isRight(allowsDuplicates: false) && result.events == 3 && result.records == 3)
    }

    @Test func `what is missing, unknown or out of order is wrong whatever is allowed`() {
        #expect(judge(("a1", 0), ("a2", 0)).missing == [3])
        #expect(judge(("x", 0), ("a1", 0), ("a2", 0), ("b3", 0)).unknown == ["x"])
        #expect(judge(("a2", 0), ("a1", 0), ("b3", 0)).disordered == [1])
        for result in [
            judge(("a1", 0), ("a2", 0)), judge(("x", 0), ("a1", 0), ("a2", 0), ("b3", 0)),
            judge(("a2", 0), ("a1", 0), ("b3", 0)),
        ] { #expect(!result.isRight(allowsDuplicates: true)) }
    }

    @Test func `a repetition is no disorder, and is wrong where none is allowed`() {
        let result = judge(("a1", 0), ("a2", 0), ("a1", 0), ("b3", 0))
        #expect(result.doubled == [1] && result.disordered.isEmpty)
        #expect(result.isRight(allowsDuplicates: true) && !result.isRight(allowsDuplicates: false))
    }
}

@Suite struct ScheduleTests {
    @Test func `a seed makes the same schedule, another one another`() {
        func schedule(_ seed: UInt64) -> [String] {
            var schedule = Schedule(seed: seed, isEmbedded: true)
            return (0..<200).map { _ in "\(schedule.next())" }
        }
        for seed in seeds(20, of: "schedules") {
            #expect(schedule(seed) == schedule(seed))
            #expect(schedule(seed) != schedule(seed &+ 1))
        }
    }

    @Test func `each disruption comes once before any comes again, and those of an embedded broker nowhere else`() {
        for isEmbedded in [true, false] {
            var schedule = Schedule(seed: 1, isEmbedded: isEmbedded)
            let all = Disruption.allCases.filter { isEmbedded || !$0.needsEmbeddedBroker }
            for _ in 0..<5 {
                let turn = (0..<all.count).map { _ in schedule.next() }
                #expect(Set(turn.map(\.disruption)) == Set(all))
                #expect(turn.allSatisfy { $0.pause > .zero && $0.duration >= .zero })
            }
        }
    }
}
