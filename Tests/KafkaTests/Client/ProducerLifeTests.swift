import TestSupport
import Testing

@testable import Kafka

@Suite struct ProducerLifeTests {
    private let failure = KafkaError(.invalidRecord)

    @Test func `the first failure stays`() {
        var life = ProducerLife()
        #expect(life.failure == nil)
        let (first, second) = (life.fail(failure), life.fail(KafkaError(.transport)))
        #expect(first && !second)
        #expect(life.phase == .failing(failure))
        let refusal = life.beginTaking()
        #expect(refusal == failure)
        let mayCall = life.beginCall()
        #expect(mayCall, "what is under way is still to be asked about")
    }

    @Test func `the end of the client is news unless something else says it`() {
        let error = KafkaError(.outOfOrderSequence, isFatal: true)
        var life = ProducerLife()
        let (first, second) = (life.endsItself(error), life.endsItself(error))
        #expect(first && !second)
        #expect(life.phase == .failing(error) && life.fatalError == error)

        life = ProducerLife()
        _ = life.fail(failure)
        let afterFailure = life.endsItself(error)
        #expect(!afterFailure)
        #expect(life.failure == failure && life.fatalError == error)

        life = ProducerLife()
        let forAGap = life.endsItself(KafkaError(.gapless, isFatal: true))
        #expect(!forAGap)
        #expect(life.failure?.code == .gapless)

        life = ProducerLife()
        _ = life.close()
        let whileClosing = life.endsItself(error)
        #expect(!whileClosing)
        #expect(life.failure == nil && life.fatalError == nil)
    }

    /// Calls begin and end, something fails, the producer is closed, in any order.
    @Test(arguments: seeds(200, of: "producers' lives")) func `the client ends exactly once and never during a call`(
        _ seed: UInt64
    ) {
        var random = Seeded(seed)
        var life = ProducerLife()
        var calls = 0
        var mayEnd = 0
        var isClosing = false
        for _ in 0..<60 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4:
                let begins = Bool.random(using: &random) ? life.beginCall() : life.beginTaking() == nil
                #expect(!(begins && isClosing))
                if begins { calls += 1 }
            case 4..<8 where calls > 0:
                calls -= 1
                let isLast = life.endCall()
                #expect(isLast == (isClosing && calls == 0))
                if isLast { mayEnd += 1 }
            case 8:
                let isFirst = life.fail(failure)
                #expect(!(isFirst && isClosing))
            case 9 where Int.random(in: 0..<5, using: &random) == 0:
                let closing = life.close()
                #expect((closing == .isUnderWay) == isClosing)
                if closing == .endsNow { mayEnd += 1 }
                isClosing = true
            default: break
            }
            #expect(mayEnd == (isClosing && calls == 0 ? 1 : 0))
        }
        if mayEnd == 1 {
            let known = life.failure
            life.ended()
            #expect(life.phase == .closed(after: known))
        }
    }
}
