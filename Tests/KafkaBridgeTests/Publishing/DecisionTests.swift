import Kafka
import Testing

@testable import KafkaBridge

@Suite struct DecisionTests {
    private func failure(
        _ index: Int, _ code: KafkaError.Code, topic: Int = 0, alone: Bool = false
    ) -> FailureAssessment.Failure {
        FailureAssessment.Failure(entry: entry(index), topic: topic, error: KafkaError(code), wasAlone: alone)
    }

    private func entry(_ index: Int) -> FailureAssessment.Entry { FailureAssessment.Entry(inFlight: 1, index: index) }

    @Test func `what passes by itself is tried again`() {
        #expect(FailureAssessment.judge([]) == .again)
        #expect(
            FailureAssessment.judge([failure(0, .purgedInFlight), failure(1, .fatal), failure(2, .gapless)]) == .again)
    }

    @Test func `poison among others is isolated first`() {
        let assessment = FailureAssessment.judge([
            failure(0, .purgedInQueue), failure(1, .messageTooLarge), failure(2, .messageTooLarge), failure(3, .fatal),
        ])
        #expect(assessment == .isolate([entry(1), entry(2)]))
    }

    @Test func `what was rejected alone is poison`() {
        let assessment = FailureAssessment.judge([failure(3, .invalidRecord, alone: true), failure(4, .purgedInQueue)])
        #expect(assessment == .poison(KafkaError(.invalidRecord), entry: entry(3)))
    }

    @Test func `of topics that refuse records one each is tried alone`() {
        let assessment = FailureAssessment.judge([
            failure(0, .fatal), failure(1, .topicAuthorizationFailed, topic: 4),
            failure(2, .topicAuthorizationFailed, topic: 4), failure(3, .unknownTopicOrPartition, topic: 5),
        ])
        #expect(assessment == .isolate([entry(1), entry(3)]))
    }

    @Test func `a topic that refuses a record alone is not poison`() {
        let assessment = FailureAssessment.judge([
            failure(0, .fatal), failure(1, .topicAuthorizationFailed, alone: true),
        ])
        #expect(assessment == .topic(KafkaError(.topicAuthorizationFailed), entry: entry(1)))
    }

    @Test func `what brokers refuse as a whole concerns no topic`() {
        let assessment = FailureAssessment.judge([failure(0, .clusterAuthorizationFailed, alone: true)])
        #expect(assessment == .refused(KafkaError(.clusterAuthorizationFailed), entry: entry(0)))
    }

    @Test func `a topic is looked for every two seconds at least, however long it is absent`() throws {
        var topics = TopicReadiness(longestPause: .seconds(15))
        var now = ContinuousClock.now
        for attempt in 1...50 {
            _ = topics.answered(
                0, .refused(KafkaError(.localUnknownTopic)), settings: nil, found: nil, now: now, time: 0)
            if attempt < TopicReadiness.patience { continue }
            let next = try #require(topics.nextLook)
            #expect(next - now <= .seconds(2))
            now = next
        }
    }

    @Test func `a topic that refuses records is tried more and more seldom`() throws {
        var topics = TopicReadiness(longestPause: .seconds(15))
        let now = ContinuousClock.now
        for _ in 0..<10 {
            _ = topics.refusedRecord(0, KafkaError(.topicAuthorizationFailed), now: now, time: 0)
        }
        #expect(try #require(topics.refusal(of: 0)).nextLook - now > .seconds(5))
    }
}
