import Testing

@testable import Kafka
@testable import KafkaBridge

@Suite struct TopicReadinessTests {
    private let start = DeliveryState.Moment(instant: .now, microseconds: 1_000_000_000_000)
    private let absent = KafkaError(.unknownTopicOrPartition)

    private func at(_ seconds: Double) -> DeliveryState.Moment {
        DeliveryState.Moment(
            instant: start.instant + .seconds(seconds), microseconds: start.microseconds + Int64(seconds * 1_000_000))
    }

    private func readiness() -> TopicReadiness { TopicReadiness(longestPause: .seconds(4)) { _ in .seconds(1) } }

    private func ready(_ partitions: Int32 = 3) -> TopicReadiness.Answer {
        .ready(TopicHandle(index: 0, partitionCount: partitions))
    }

    @discardableResult
    private func answer(
        _ topics: inout TopicReadiness, _ answer: TopicReadiness.Answer, settings: TopicSettings? = TopicSettings(),
        found: Int32? = nil, at seconds: Double = 0
    ) -> TopicReadiness.Change {
        topics.answered(
            0, answer, settings: settings, found: found, now: at(seconds).instant, time: at(seconds).microseconds)
    }

    @Test func `a topic counts as absent once it was asked for several times, and is looked for from then on`() {
        var topics = readiness()
        for _ in 1..<TopicReadiness.patience {
            #expect(answer(&topics, .refused(absent)) == .none)
            #expect(topics.isUnknown(0) && topics.patience(for: 0) != nil)
        }
        #expect(answer(&topics, .refused(absent)) == .refused(absent))
        #expect(topics.refusal(of: 0)?.since == start.microseconds && topics.due(start.instant).isEmpty)
        #expect(topics.due(at(1).instant) == [0])
        // The same again is no news, and the time stays.
        #expect(answer(&topics, .refused(absent), at: 1) == .none)
        #expect(topics.refusal(of: 0)?.since == start.microseconds)
        #expect(answer(&topics, ready(), at: 2) == .ready)
        #expect(topics.ready == [0] && topics.refused.isEmpty)
    }

    @Test func `a topic without a leader is neither absent nor forgotten`() {
        var topics = readiness()
        for _ in 0..<10 { #expect(answer(&topics, .refused(KafkaError(.leaderNotAvailable))) == .none) }
        #expect(topics.isUnknown(0) && topics.refused.isEmpty)
        answer(&topics, ready())
        #expect(answer(&topics, .refused(KafkaError(.leaderNotAvailable))) == .none)
        #expect(topics.handle(of: 0) != nil)
    }

    @Test func `a topic that refuses records is tried with one segment's record at a time`() {
        var topics = readiness()
        answer(&topics, ready())
        let forbidden = KafkaError(.topicAuthorizationFailed)
        #expect(topics.refusedRecord(0, forbidden, now: start.instant, time: 1) == .refused(forbidden))
        // Metadata does not show the right to write.
        #expect(answer(&topics, ready()) == .none)
        #expect(!topics.probe(0, segment: 5, now: start.instant) && topics.dueForProbe(start.instant).isEmpty)
        #expect(topics.dueForProbe(at(1).instant) == [0])
        let (isFirst, isSecond, isFirstStill) = (
            topics.probe(0, segment: 5, now: at(1).instant), topics.probe(0, segment: 6, now: at(1).instant),
            topics.probe(0, segment: 5, now: at(1).instant)
        )
        #expect(isFirst && !isSecond && isFirstStill)
        #expect(topics.refusedRecord(0, forbidden, now: at(1).instant, time: 2) == .none)
        #expect(topics.dueForProbe(at(1).instant).isEmpty && topics.dueForProbe(at(2).instant) == [0])
        #expect(topics.tookRecord(0) == .ready && topics.refused.isEmpty)
    }

    @Test func `the number of partitions is fixed for a producer's life, and another is reported once`() {
        var topics = readiness()
        answer(&topics, ready(3))
        #expect(answer(&topics, ready(3), found: 8) == .partitionsFound(8, used: 3))
        #expect(answer(&topics, ready(8), found: 8) == .none)
        #expect(topics.handle(of: 0)?.partitionCount == 3)
        topics.beginProducer()
        #expect(topics.isUnknown(0))
        #expect(answer(&topics, ready(8)) == .partitionsChanged(from: 3, to: 8))
        #expect(topics.handle(of: 0)?.partitionCount == 8)
    }

    @Test func `times are judged only once one was rejected, by settings that were just read`() {
        var topics = readiness()
        let old = start.microseconds / 1_000 - 100_000
        let strict = TopicSettings(["message.timestamp.before.max.ms": "1000"])
        answer(&topics, ready(), settings: strict)
        #expect(topics.timeError(old, in: 0, now: start) == nil)
        topics.checkTimes(of: 0)
        // They may be others than those that were read before.
        #expect(topics.settings(of: 0) == nil)
        answer(&topics, ready(), settings: strict)
        #expect(topics.timeError(old, in: 0, now: start)?.contains("1000 ms back") == true)
        // An operator raises the limit: what is old is not judged by what was read before.
        #expect(topics.timeError(old, in: 0, now: at(11)) == nil && topics.settings(of: 0) == nil)
        answer(&topics, ready(), settings: TopicSettings(["message.timestamp.before.max.ms": "600000"]), at: 11)
        #expect(topics.timeError(old, in: 0, now: at(11)) == nil && topics.settings(of: 0) != nil)
    }

    @Test(
        arguments: [
            (["message.timestamp.before.max.ms": "1000"], -7_000, true),
            (["message.timestamp.before.max.ms": "1000"], -5_000, false),
            (["message.timestamp.after.max.ms": "1000"], 7_000, true),
            (["message.timestamp.after.max.ms": "1000"], -70_000, false),
            (["message.timestamp.difference.max.ms": "1000"], 7_000, true),
            (
                [
                    "message.timestamp.difference.max.ms": "1000",
                    "message.timestamp.before.max.ms": "9223372036854775807",
                ], -7_000, false
            ),
            (["message.timestamp.before.max.ms": "1000", "message.timestamp.type": "LogAppendTime"], -7_000, false),
            (["message.timestamp.before.max.ms": "-1"], -7_000, false), ([:], -7_000, false),
            (["message.timestamp.before.max.ms": "1000"], .min, true),
            (["message.timestamp.after.max.ms": "1000"], .max - 1_000_000, true),
        ] as [([String: String], Int64, Bool)])
    func `a time near to a bound is the broker's to judge`(
        _ settings: [String: String], _ distance: Int64, _ isRejected: Bool
    ) {
        let now: Int64 = 1_000_000
        #expect((TopicSettings(settings).timeError(now + distance, now: now) != nil) == isRejected)
    }
}
