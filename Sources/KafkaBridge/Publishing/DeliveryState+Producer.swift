import Consumers
import Kafka
import Postgres

/// What is learnt from a producer and from brokers.
extension DeliveryState {
    var producerNumber: Int { producerCount }

    /// A producer is there, and knows no topic yet.
    mutating func producerStarted(largestBatch: Int, now: Moment) {
        producerCount += 1
        assert(attemptsUnderWay == 0, "records of a producer that is gone")
        topics.beginProducer()
        exactlyOnce?.producerStarted()
        askAgainAt = nil
        isAsking = false
        life = .running(Running(since: now.instant, largestBatch: largestBatch))
        notices.append(.producerStarted)
    }

    /// No producer could be built, where there was one before: files are being replaced, for example.
    mutating func producerNotBuilt(_ error: KafkaError, now: Moment) {
        runTrouble = .refused("\(error)")
        life = .absent(startAt: now.instant + options.pause(&runBackoff))
    }

    mutating func withRunning(_ body: (inout Running) -> Void) {
        guard case .running(var running) = life else { return }
        // Held once, so that a change copies nothing.
        life = .ending(hasFailed: false)
        body(&running)
        life = .running(running)
    }

    // MARK: Topics

    /// What to ask brokers about now.
    mutating func question(_ now: Moment) -> TopicQuestion? {
        if isAsking { return nil }
        if let askAgainAt, now.instant < askAgainAt { return nil }
        var asked = needed.union(topics.due(now.instant))
        if let look = nextPartitionLook, now.instant >= look {
            nextPartitionLook = nil
            asked.formUnion(topics.ready)
        }
        // An absent topic is looked for in its time.
        asked = asked.filter { topic in
            topics.refusal(of: topic).map { $0.isOfRecords || $0.nextLook <= now.instant } ?? true
        }
        // A topic that refuses records is looked up once for each producer, so that one can be tried.
        asked.formUnion(
            topics.refused.filter { topics.refusal(of: $0)?.isOfRecords == true && topics.handle(of: $0) == nil })
        if asked.isEmpty { return nil }
        isAsking = true
        return TopicQuestion(
            producer: producerCount,
            topics: asked.sorted().map { topic in
                let isKnown = topics.settings(of: topic) != nil
                let needsSettings =
                    !isKnown && (options.maximumRecordBytes == nil || topics.checksTimes(of: topic))
                return (topic, router.topics[topic], needsSettings)
            })
    }

    /// What brokers say of one topic.
    struct TopicAnswer: Sendable {
        var answer: TopicReadiness.Answer
        /// `nil` where they were not asked for.
        var settings: TopicSettings?
        /// How many partitions it has by now, whatever the producer uses.
        var partitions: Int32?
    }

    /// Takes in the answers to a question, in its order, or why there are none.
    mutating func answered(_ question: TopicQuestion, _ result: Result<[TopicAnswer], KafkaError>, now: Moment) {
        guard question.producer == producerCount else { return }
        isAsking = false
        switch result {
        case .failure(let error):
            let isRefused = error.classification.kind == .refused
            // What is asked only now and then is asked again in its time.
            if !needed.isEmpty { askTrouble = isRefused ? .refused(error.description) : .waiting(error.description) }
            notices.append(.failed(isRefused ? .refused : .retry))
            askAgainAt = now.instant + options.pause(&askBackoff)
        case .success(let answers):
            askTrouble = nil
            askBackoff.reset()
            askAgainAt = nil
            for (topic, answer) in zip(question.topics, answers) {
                take(answer, of: topic, now)
                guard case .refused(let error) = answer.answer else { continue }
                if error.classification.kind == .retry { askTrouble = .waiting("topic `\(topic.name)`: \(error)") }
                examineAgain()
            }
            needed = needed.filter { topics.isUnknown($0) }
            if let wait = needed.compactMap(topics.patience).min() { askAgainAt = now.instant + wait }
            let smallest = topics.limits { limit($0) }.smallest
            // Brokers would reject batches that are larger than a topic takes whole, and each record would have to go alone;
            // smaller ones than need be cost time for ever.
            withRunning { running in
                let largest = KafkaPublisherOptions.largestBatch(smallestLimit: smallest)
                if running.largestBatch > 0, largest != running.largestBatch { running.isOutdated = true }
            }
        }
    }

    /// What was found of records that are not given to the producer yet may hold no more.
    private mutating func examineAgain() {
        for index in batches.indices where batches[index].attempt == nil {
            for entry in batches[index].entries.indices { batches[index].entries[entry].isExamined = false }
        }
    }

    private mutating func take(
        _ answer: TopicAnswer, of topic: (index: Int, name: TopicName, needsSettings: Bool), _ now: Moment
    ) {
        var settings = answer.settings
        if topic.needsSettings, case .ready = answer.answer {
            settings = settings ?? TopicSettings()
            if settings?.maximumBytes == nil, options.maximumRecordBytes == nil, !wasUnknownLimitReported {
                wasUnknownLimitReported = true
                notices.append(.unknownLimit(topic.name))
            }
        }
        note(
            topics.answered(
                topic.index, answer.answer, settings: settings, found: answer.partitions, now: now.instant,
                time: now.microseconds),
            of: topic.index)
    }

    private mutating func note(_ change: TopicReadiness.Change, of topic: Int) {
        let name = router.topics[topic]
        switch change {
        case .none: break
        case .ready: notices.append(.topicReady(name))
        case .refused(let error):
            notices.append(.topicRefused(name, error))
            notices.append(.failed(.refused))
        case .partitionsChanged(let before, let count):
            notices.append(.partitionsChanged(name, before: before, count: count))
        case .partitionsFound(let count, let used):
            notices.append(.partitionsFound(name, count: count, used: used))
        }
    }

    // MARK: Records

    /// The producer took some of the records that it was to be given.
    mutating func fed(_ feed: Feed, _ count: Int, isFull: Bool, now: Moment) {
        exactlyOnce?.took(count, now: now.instant)
        guard let index = index(of: feed.batch) else { return }
        batches[index].attempt?.took(count)
        withRunning { $0.isQueueFull = isFull }
    }

    /// So many records that the producer was given of a batch are acknowledged.
    ///
    /// - Returns: whether those are all, so that nothing more is to be observed of them.
    mutating func observed(_ id: Int, acknowledged count: Int, now: Moment) -> Bool {
        withRunning { $0.isQueueFull = false }
        guard let index = index(of: id) else { return true }
        if batches[index].attempt?.observed(acknowledged: count) == true { noteProgress(of: id, now) }
        guard let attempt = batches[index].attempt else { return true }
        if !attempt.isWaitingForFirst { openGate(attempt, now) }
        guard attempt.isFed, count == attempt.handed else { return false }
        let delivered = end(attempt: index, .delivered).acknowledged
        if !isExactlyOnce {
            if delivered > 0 { notices.append(.published(delivered)) }
            runBackoff.reset()
        }
        (runTrouble, askTrouble) = (nil, nil)
        if batches[index].isResolved { remove(at: index) }
        resolve()
        return true
    }

    mutating func openGate(_ attempt: FeedAttempt, _ now: Moment) {
        if attempt.first.isEmpty { return }
        withRunning { running in
            for first in attempt.first { running.gate.acknowledge(first.partition, now: now.instant) }
        }
    }

    mutating func end(
        attempt index: Int, _ outcomes: RecordOutcomes
    ) -> (acknowledged: Int, failures: [FailureAssessment.Failure]) {
        let success: InFlightBatch.State = isExactlyOnce ? .uncommitted : .acknowledged
        let (acknowledged, failures) = batches[index].endAttempt(outcomes, success: success)
        attemptsUnderWay -= 1
        if isExactlyOnce, !batches[index].entries.contains(where: { $0.state == .open }) {
            batches[index].isSent = true
            recordMemory.append(.free(batches[index].id))
        }
        if !topics.refused.isEmpty {
            for topic in Set(acknowledged) { note(topics.tookRecord(topic), of: topic) }
        }
        return (acknowledged.count, failures)
    }

    // MARK: The end of a producer

    /// Something was not a success: the producer is given nothing more.
    mutating func producerFailed() { withRunning { $0.hasFailed = true } }

    /// The producer is closed.
    ///
    /// - Parameters:
    ///   - outcomes: of everything that it was given and that was not reported as delivered.
    ///   - cause: what it failed with, if it did.
    mutating func producerEnded(_ outcomes: [Int: RecordOutcomes], cause: KafkaError?, now: Moment) {
        guard case .ending(let hasFailed) = life else { return }
        var failures: [FailureAssessment.Failure] = []
        var (published, sentAgain) = (0, 0)
        for index in batches.indices {
            guard let attempt = batches[index].attempt else { continue }
            let outcome = outcomes[batches[index].id] ?? RecordOutcomes(acknowledged: [false])
            let ended = end(attempt: index, outcome)
            published += ended.acknowledged
            failures += ended.failures
            sentAgain += max(0, attempt.handed - outcome.absent - ended.acknowledged)
        }
        if isExactlyOnce {
            // What is committed all the same shows when the segments are taken over again.
            for index in batches.indices {
                let count = batches[index].endTransaction(isCommitted: false)
                sentAgain += count
                guard count > 0, batches[index].isSent else { continue }
                batches[index].isSent = false
                recordMemory.append(.used(batches[index].id))
            }
            published = 0
            let hadRecords = exactlyOnce?.transaction.began != nil
            if let cause { exactlyOnce?.failed(cause) }
            exactlyOnce?.producerEnded()
            if case .over(let end)? = exactlyOnce?.transaction.phase, end == .fenced || hadRecords {
                notices.append(.transactionEnded(end))
            }
        }
        // Limits and topics may have changed, and what was found of one record may concern others.
        examineAgain()
        batches.removeAll { $0.isResolved }
        batchesWithParking = batchesWithParking.filter { index(of: $0) != nil }
        feedCursor = batches.first?.id ?? lastID + 1
        assert(attemptsUnderWay == 0, "an attempt without its producer")
        if published > 0 {
            runBackoff.reset()
            notices.append(.published(published))
        }
        if sentAgain > 0 { notices.append(.sentAgain(sentAgain)) }
        life = .absent(
            startAt: hasFailed && !act(on: failures, cause, now) ? now.instant + options.pause(&runBackoff) : nil)
        resolve()
    }

    /// - Returns: whether the next producer may begin at once.
    private mutating func act(
        on failures: [FailureAssessment.Failure], _ cause: KafkaError?, _ now: Moment
    ) -> Bool {
        let assessment = FailureAssessment.judge(failures)
        let isRefused = cause?.classification.kind == .refused && cause?.concernsTopic == false
        notices.append(.failed(assessment == .again && isRefused ? .refused : assessment.retry))
        switch assessment {
        case .again:
            // Nothing was under way, for example: the producer itself is refused.
            if isRefused, let cause { runTrouble = .refused("\(cause)") }
            return false
        case .refused(let error, let place):
            runTrouble = .refused("\(topicName(of: place)): \(error)")
            return false
        case .topic(let error, let place):
            if let topic = topic(of: place) {
                note(topics.refusedRecord(topic, error, now: now.instant, time: now.microseconds), of: topic)
            }
        case .isolate(let places):
            for place in places {
                if let index = index(of: place.inFlight) { batches[index].entries[place.index].isRetriedAlone = true }
            }
        case .poison(let error, let place):
            if error.code == .invalidTimestamp, let topic = topic(of: place) {
                // Its neighbours need not be sent to find out.
                topics.checkTimes(of: topic)
            }
            let isSize = error.code == .messageTooLarge || error.code == .recordListTooLarge
            markUndeliverable(
                place,
                Rejection(
                    reason: isSize ? .tooLarge : .rejected, error: "\(topicName(of: place)): \(error)",
                    topic: topic(of: place).map { router.topics[$0].description }),
                now)
        }
        return true
    }

    private func topic(of place: FailureAssessment.Entry) -> Int? {
        index(of: place.inFlight).flatMap { batches[$0].entries[place.index].topic }
    }

    private func topicName(of place: FailureAssessment.Entry) -> String {
        topic(of: place).map { "topic `\(router.topics[$0])`" } ?? "a topic"
    }

    // MARK: What is tried again

    /// The segments that are to begin anew by now: what they halted at may be gone.
    func retries(_ now: ContinuousClock.Instant) -> Set<Int> {
        var segments = halts.rereads
        for topic in router.topics.indices where topics.refusal(of: topic) == nil {
            segments.formUnion(halts.segments(waitingForTopic: topic))
        }
        for topic in topics.dueForProbe(now) {
            if let first = halts.segments(waitingForTopic: topic).first { segments.insert(first) }
        }
        return segments
    }
}

extension RecordOutcomes {
    /// How many of the failed records are known not to be in their topic.
    fileprivate var absent: Int {
        failures.count { $0.code == .purgedInQueue || KafkaError($0.code).classification.kind != .retry }
    }
}
