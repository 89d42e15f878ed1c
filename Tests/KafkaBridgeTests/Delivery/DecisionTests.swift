import Kafka
import Testing

@testable import KafkaBridge

@Suite struct DecisionTests {
    private func failure(_ index: Int, _ code: KafkaError.Code, alone: Bool = false) -> FailureAssessment.Failure {
        FailureAssessment.Failure(
            entry: FailureAssessment.Entry(inFlight: 1, index: index), error: KafkaError(code), wasAlone: alone)
    }

    @Test func whatPassesByItselfIsTriedAgain() {
        #expect(FailureAssessment.judge([]) == .again)
        #expect(
            FailureAssessment.judge([failure(0, .purgedInFlight), failure(1, .fatal), failure(2, .gapless)]) == .again)
    }

    @Test func poisonAmongOthersIsIsolatedFirst() {
        let verdict = FailureAssessment.judge([
            failure(0, .purgedInQueue), failure(1, .messageTooLarge), failure(2, .messageTooLarge), failure(3, .fatal),
        ])
        #expect(
            verdict
                == .isolate([
                    FailureAssessment.Entry(inFlight: 1, index: 1), FailureAssessment.Entry(inFlight: 1, index: 2),
                ]))
    }

    @Test func whatWasRejectedAloneIsPoison() {
        let verdict = FailureAssessment.judge([failure(3, .invalidRecord, alone: true), failure(4, .purgedInQueue)])
        #expect(
            verdict
                == .poison(KafkaError(.invalidRecord), entry: FailureAssessment.Entry(inFlight: 1, index: 3)))
    }

    @Test func aMissingRightIsNotPoison() {
        let verdict = FailureAssessment.judge([failure(0, .fatal), failure(1, .topicAuthorizationFailed, alone: true)])
        #expect(
            verdict
                == .mend(
                    KafkaError(.topicAuthorizationFailed), entry: FailureAssessment.Entry(inFlight: 1, index: 1)))
    }
}
