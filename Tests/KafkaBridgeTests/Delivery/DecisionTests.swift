import Kafka
import Testing

@testable import KafkaBridge

@Suite struct DecisionTests {
    private func failure(_ index: Int, _ code: KafkaError.Code, alone: Bool = false) -> FailureVerdict.Failure {
        FailureVerdict.Failure(
            entry: FailureVerdict.Entry(consignment: 1, index: index), error: KafkaError(code), wasAlone: alone)
    }

    @Test func whatPassesByItselfIsTriedAgain() {
        #expect(FailureVerdict.judge([]) == .again)
        #expect(
            FailureVerdict.judge([failure(0, .purgedInFlight), failure(1, .fatal), failure(2, .gapless)]) == .again)
    }

    @Test func poisonAmongOthersIsIsolatedFirst() {
        let verdict = FailureVerdict.judge([
            failure(0, .purgedInQueue), failure(1, .messageTooLarge), failure(2, .messageTooLarge), failure(3, .fatal),
        ])
        #expect(
            verdict
                == .isolate([
                    FailureVerdict.Entry(consignment: 1, index: 1), FailureVerdict.Entry(consignment: 1, index: 2),
                ]))
    }

    @Test func whatWasRejectedAloneIsPoison() {
        let verdict = FailureVerdict.judge([failure(3, .invalidRecord, alone: true), failure(4, .purgedInQueue)])
        #expect(
            verdict
                == .poison(KafkaError(.invalidRecord), entry: FailureVerdict.Entry(consignment: 1, index: 3)))
    }

    @Test func aMissingRightIsNotPoison() {
        let verdict = FailureVerdict.judge([failure(0, .fatal), failure(1, .topicAuthorizationFailed, alone: true)])
        #expect(
            verdict
                == .mend(
                    KafkaError(.topicAuthorizationFailed), entry: FailureVerdict.Entry(consignment: 1, index: 1)))
    }
}
