import Kafka
import Postgres

/// Which of the topics a publisher can write to, and if not, why and when it is looked at again. A pure value.
///
/// A topic is unknown until the current producer has an answer about it, then ready or refused. What brokers say about a
/// topic does not always show that it is writable: the right to write shows only when a record is sent. So a topic that
/// refused a record is tried with a record, of one segment at a time and alone.
struct TopicReadiness: Sendable {
    struct Refusal: Sendable, Equatable {
        let error: KafkaError
        /// Microseconds since 1970.
        let since: Int64
        /// Whether only a record can show that it is over.
        let isOfRecords: Bool
        fileprivate(set) var nextLook: ContinuousClock.Instant
        /// The segment whose record is tried.
        fileprivate(set) var probe: Int?
    }

    private struct Topic {
        /// Set while the current producer knows it.
        var handle: TopicHandle?
        var refusal: Refusal?
        var backoff: Backoff
        /// How often the topic was asked for and was not there, before that counts.
        var absences = 0
        var settings: TopicSettings?
        /// When they were read.
        var settingsTime: ContinuousClock.Instant?
        /// Whether the settings may be others by now.
        var isOutdated = false
        /// Whether a record was rejected for its time, so that the other records' times are looked at before they are sent.
        var checksTimes = false
        /// The number of partitions that the last producer used, and the last one that was reported.
        var partitions: Int32?
        var reported: Int32?
    }

    /// How often an absent topic is asked for before it counts as absent: a broker that makes topics by itself says the
    /// first times that it is not there.
    static let patience = 4

    /// What was absent goes on so soon after it is made, however long it was not there.
    static let longestPauseBetweenLooks: Duration = .seconds(2)

    private let longestPause: Duration
    private let pause: @Sendable (inout Backoff) -> Duration
    private var topics: [Topic] = []

    init(longestPause: Duration, pause: @escaping @Sendable (inout Backoff) -> Duration = { $0.next() }) {
        self.longestPause = longestPause
        self.pause = pause
    }

    // MARK: Looking

    func handle(of topic: Int) -> TopicHandle? { topic < topics.count ? topics[topic].handle : nil }

    func refusal(of topic: Int) -> Refusal? { topic < topics.count ? topics[topic].refusal : nil }

    /// `nil` where they are to be asked for.
    func settings(of topic: Int) -> TopicSettings? {
        topic < topics.count && !topics[topic].isOutdated ? topics[topic].settings : nil
    }

    func checksTimes(of topic: Int) -> Bool { topic < topics.count && topics[topic].checksTimes }

    /// Whether nobody has answered about the topic yet.
    func isUnknown(_ topic: Int) -> Bool {
        topic >= topics.count || (topics[topic].refusal == nil && topics[topic].handle == nil)
    }

    /// The topics that take nothing at the moment.
    var refused: [Int] { topics.indices.filter { topics[$0].refusal != nil } }

    /// Those that the current producer knows.
    var ready: [Int] { topics.indices.filter { topics[$0].handle != nil && topics[$0].refusal == nil } }

    /// The topics that are looked for again by now: absent ones, and those whose absence does not count yet.
    func due(_ now: ContinuousClock.Instant) -> [Int] {
        topics.indices.filter { topics[$0].refusal.map { !$0.isOfRecords && $0.nextLook <= now } ?? false }
    }

    /// When an absent topic is looked for next. What is tried with a record waits for an event.
    var nextLook: ContinuousClock.Instant? {
        topics.compactMap { $0.refusal.flatMap { $0.isOfRecords ? nil : $0.nextLook } }.min()
    }

    /// The largest record that all topics take, and the largest that one of them takes.
    func limits(_ limit: (TopicSettings) -> Int) -> (smallest: Int, largest: Int) {
        let all = topics.compactMap(\.settings).map(limit)
        return (all.min() ?? .max, all.max() ?? .max)
    }

    // MARK: Answers

    /// A new producer knows no topic yet.
    mutating func beginProducer() {
        for topic in topics.indices { topics[topic].handle = nil }
    }

    /// What brokers say of a topic.
    enum Answer: Sendable {
        case ready(TopicHandle)
        case refused(KafkaError)
    }

    enum Change: Sendable, Equatable {
        case none
        /// It takes records, and did not.
        case ready
        case refused(KafkaError)
        /// It has another number of partitions than the producer before used: keys move.
        case partitionsChanged(from: Int32, to: Int32)
        /// It has got another number of partitions than this producer uses to its end.
        case partitionsFound(Int32, used: Int32)
    }

    mutating func answered(
        _ topic: Int, _ answer: Answer, settings: TopicSettings?, found: Int32?, now: ContinuousClock.Instant,
        time: Int64
    ) -> Change {
        enter(topic)
        if let settings {
            (topics[topic].settings, topics[topic].isOutdated, topics[topic].settingsTime) = (settings, false, now)
        }
        switch answer {
        case .ready(let handle):
            topics[topic].absences = 0
            let isNew = topics[topic].handle == nil
            // Its number of partitions is fixed for the producer's life, or keys would move between records under way.
            let handle = topics[topic].handle ?? handle
            topics[topic].handle = handle
            if let refusal = topics[topic].refusal {
                if refusal.isOfRecords { return .none }
                return end(topic)
            }
            return partitions(topic, handle, isNew: isNew, found: found)
        case .refused(let error):
            if error.classification.kind == .retry {
                // It has no leader at the moment, for example.
                topics[topic].absences = max(1, topics[topic].absences)
                return .none
            }
            topics[topic].handle = nil
            topics[topic].absences += 1
            if topics[topic].refusal == nil, topics[topic].absences < Self.patience, error.isAbsence { return .none }
            return refuse(topic, error, isOfRecords: false, now: now, time: time)
        }
    }

    /// How long to wait before unknown topics are asked for again whose absence does not count yet.
    func patience(for topic: Int) -> Duration? {
        guard topic < topics.count, topics[topic].absences > 0, topics[topic].refusal == nil else { return nil }
        return .milliseconds(50 << min(topics[topic].absences, 5))
    }

    private mutating func partitions(_ topic: Int, _ handle: TopicHandle, isNew: Bool, found: Int32?) -> Change {
        let before = topics[topic].partitions
        if isNew {
            topics[topic].partitions = handle.partitionCount
            topics[topic].reported = handle.partitionCount
            if let before, before != handle.partitionCount {
                return .partitionsChanged(from: before, to: handle.partitionCount)
            }
        }
        guard let found, found != handle.partitionCount, found != topics[topic].reported else { return .none }
        topics[topic].reported = found
        return .partitionsFound(found, used: handle.partitionCount)
    }

    /// A topic refused a record.
    mutating func refusedRecord(
        _ topic: Int, _ error: KafkaError, now: ContinuousClock.Instant, time: Int64
    ) -> Change {
        enter(topic)
        // What is not there is looked for; no record is needed to see it again.
        return refuse(topic, error, isOfRecords: !error.isAbsence, now: now, time: time)
    }

    /// A topic took a record.
    mutating func tookRecord(_ topic: Int) -> Change {
        guard let refusal = refusal(of: topic), refusal.isOfRecords else { return .none }
        return end(topic)
    }

    private mutating func refuse(
        _ topic: Int, _ error: KafkaError, isOfRecords: Bool, now: ContinuousClock.Instant, time: Int64
    ) -> Change {
        let known = topics[topic].refusal
        let next = pause(&topics[topic].backoff)
        topics[topic].refusal = Refusal(
            error: error, since: known?.since ?? time, isOfRecords: isOfRecords,
            // A look costs one small request, while a record that is tried may cost a producer.
            nextLook: now + (isOfRecords ? next : min(next, Self.longestPauseBetweenLooks)))
        return known?.error == error ? .none : .refused(error)
    }

    private mutating func end(_ topic: Int) -> Change {
        topics[topic].refusal = nil
        topics[topic].absences = 0
        topics[topic].backoff.reset()
        return .ready
    }

    private mutating func enter(_ topic: Int) {
        while topics.count <= topic {
            topics.append(Topic(backoff: Backoff(initial: .milliseconds(500), maximum: longestPause)))
        }
    }

    // MARK: Trying a record

    /// The topics that may be tried with a record by now, of a segment that halts at them.
    func dueForProbe(_ now: ContinuousClock.Instant) -> [Int] {
        topics.indices.filter { topic in
            topics[topic].refusal.map { $0.isOfRecords && $0.probe == nil && $0.nextLook <= now } ?? false
        }
    }

    /// Whether a segment's record is the one that is tried; it becomes that if it is time for one.
    mutating func probe(_ topic: Int, segment: Int, now: ContinuousClock.Instant) -> Bool {
        guard topic < topics.count, topics[topic].handle != nil, let refusal = topics[topic].refusal,
            refusal.isOfRecords
        else { return false }
        if refusal.probe == segment { return true }
        guard refusal.probe == nil, refusal.nextLook <= now else { return false }
        topics[topic].refusal?.probe = segment
        return true
    }

    /// A segment's records belong to no one here any more.
    mutating func endProbes(of segment: Int) {
        for topic in topics.indices where topics[topic].refusal?.probe == segment { topics[topic].refusal?.probe = nil }
    }

    // MARK: Settings

    /// An operator may have changed the topic's settings: they are asked for again.
    mutating func forgetSettings(of topic: Int) {
        guard topic < topics.count else { return }
        topics[topic].isOutdated = true
        topics[topic].checksTimes = false
    }

    /// A record was rejected for its time: the settings, which are to be read now, tell of which others that is true.
    mutating func checkTimes(of topic: Int) {
        enter(topic)
        topics[topic].checksTimes = true
        topics[topic].isOutdated = true
    }

    /// So long the settings are relied on, before events that they would rule out make that they are read again.
    static let settingsLife: Duration = .seconds(10)

    /// Why no record of this time is sent: the topic has rejected records for their time, and its settings say that it would
    /// reject this one. `nil` where it is to be sent; then also where the settings are to be read again before.
    ///
    /// - Parameters: milliseconds since 1970.
    mutating func timeError(_ time: Int64, in topic: Int, now: DeliveryState.Moment) -> String? {
        guard checksTimes(of: topic), let error = settings(of: topic)?.timeError(time, now: now.microseconds / 1_000)
        else { return nil }
        return isSettled(topic, now: now) ? error : nil
    }

    /// Whether the settings were read so lately that an event may be ruled out by them; otherwise they are to be read again.
    mutating func isSettled(_ topic: Int, now: DeliveryState.Moment) -> Bool {
        guard topic < topics.count, !topics[topic].isOutdated else { return false }
        if let read = topics[topic].settingsTime, now.instant - read <= Self.settingsLife { return true }
        topics[topic].isOutdated = true
        return false
    }
}

/// What a topic's own settings allow of a record. What could not be read is `nil`.
struct TopicSettings: Sendable, Equatable {
    /// The largest batch, in bytes, as its records are before compression.
    var maximumBytes: Int?
    /// How far a record's time may lie before the broker's, and behind it, in milliseconds; `nil` where any may.
    var timeBefore: Int64?
    var timeAfter: Int64?

    /// Reads the settings as brokers name them. A broker before 3.6 has one bound for both directions. Where the broker
    /// sets the time itself, any is allowed.
    ///
    /// Source: Apache Kafka documentation, "Topic Configs", `message.timestamp.before.max.ms` and its neighbours.
    init(_ settings: [String: String]) {
        maximumBytes = settings["max.message.bytes"].flatMap { Int($0) }
        if settings["message.timestamp.type"] == "LogAppendTime" { return }
        let both = settings["message.timestamp.difference.max.ms"]
        timeBefore = Self.bound(settings["message.timestamp.before.max.ms"] ?? both)
        timeAfter = Self.bound(settings["message.timestamp.after.max.ms"] ?? both)
    }

    /// Nothing could be read.
    init() {}

    private static func bound(_ text: String?) -> Int64? {
        text.flatMap { Int64($0) }.flatMap { $0 < 0 || $0 == .max ? nil : $0 }
    }

    /// What the broker's clock may differ from this one's, in milliseconds: what is near to a bound is for the broker to judge.
    static let clockTolerance: Int64 = 5_000

    /// Why a record of this time would be rejected at this moment; `nil` if it might not.
    ///
    /// - Parameters: milliseconds since 1970.
    func timeError(_ time: Int64, now: Int64) -> String? {
        func lies(_ late: Int64, behind early: Int64, by bound: Int64) -> Bool {
            let (distance, overflows) = late.subtractingReportingOverflow(early)
            return late > early && (overflows || distance > max(bound, bound &+ Self.clockTolerance))
        }
        if let timeBefore, lies(now, behind: time, by: timeBefore) {
            return "its time lies more than \(timeBefore) ms back (message.timestamp.before.max.ms)"
        }
        if let timeAfter, lies(time, behind: now, by: timeAfter) {
            return "its time lies more than \(timeAfter) ms ahead (message.timestamp.after.max.ms)"
        }
        return nil
    }
}

extension KafkaError {
    /// Whether the topic is not there, or looks so to a client without the right to see it.
    var isAbsence: Bool {
        code == .unknownTopicOrPartition || code == .localUnknownTopic || code == .localUnknownPartition
    }

    /// Whether it is the topic that takes no records, and not the brokers as a whole.
    var concernsTopic: Bool {
        isAbsence || code == .topicAuthorizationFailed || code == .invalidTopic || code == .policyViolation
    }
}
