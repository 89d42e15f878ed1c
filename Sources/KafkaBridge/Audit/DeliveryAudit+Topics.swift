import Consumers
import EventSourcing
import Kafka
import Postgres

extension DeliveryAudit {
    /// Finds the partitions of all topics that events belong to, and where to begin in those that are new.
    ///
    /// - Returns: the topics there are; `nil` where one is gone that was read before.
    func enterPartitions(notBefore time: Int64, _ reading: AuditReading) async throws -> [String]? {
        topicNumbers = [:]
        for (index, topic) in router.topics.enumerated() { topicNumbers[topic.description] = UInt16(clamping: index) }
        let known = Set((state?.knownPartitions ?? []).map(\.topic))
        let wanted = Set(topicNumbers.keys).union(options.deadLetterTopic.map { ["\($0)"] } ?? [])
        var topics: [String] = []
        for topic in wanted.sorted() {
            let partitions: [TopicPartition]
            do throws(KafkaError) { partitions = try await reading.partitions(of: [topic]) } catch {
                guard error.code == .unknownTopicOrPartition else { throw error }
                if known.contains(topic) { return nil }
                continue
            }
            topics.append(topic)
            let new = partitions.filter { state?.knows($0) == false }
            if new.isEmpty { continue }
            if known.contains(topic) {
                // It was added meanwhile, and holds what follows.
                for (partition, range) in try await reading.ranges(of: new) {
                    state?.add(partition, from: range.lowerBound, since: .min)
                }
            } else {
                let since = max(0, time - options.timeMargin.components.seconds * 1_000)
                for (partition, offset) in try await reading.offsets(notBefore: since, of: new) {
                    state?.add(partition, from: offset, since: offset == 0 ? .min : since)
                }
            }
        }
        return topics
    }

    /// - Returns: the offsets behind the last records that may be seen; `nil` where a partition is shorter than what was read
    ///   of it, and stays so.
    func findEnds(_ reading: AuditReading) async throws -> [TopicPartition: Int64]? {
        guard let state else { return nil }
        let starts = state.starts
        let deadline = ContinuousClock.now + options.patience
        while true {
            let ranges = try await reading.ranges(of: state.knownPartitions)
            // A new leader may not know yet how far records are replicated.
            if ranges.contains(where: { $0.value.upperBound < starts[$0.key] ?? 0 }) {
                guard .now < deadline else { return nil }
                try await Task.sleep(for: .milliseconds(500))
                continue
            }
            for (partition, range) in ranges { self.state?.skip(partition, to: range.lowerBound) }
            return ranges.mapValues(\.upperBound)
        }
    }

    /// - Returns: whether the ends were reached.
    func read(
        to ends: [TopicPartition: Int64], isLast: Bool, _ reading: AuditReading
    ) async throws(KafkaError) -> Bool {
        guard let starts = state?.starts else { return false }
        return try await reading.read(
            from: starts, to: ends,
            isEnough: { [self] in state?.isEnough(isLast: isLast) ?? true }
        ) { [self] in take($0) }
    }

    private func take(_ step: AuditReading.Step) {
        switch step {
        case .end(let partition, let offset): state?.reachedEnd(of: partition, at: offset)
        case .record(let record):
            let partition = TopicPartition(record.topic, record.partition)
            if let topic = topicNumbers[record.topic] {
                if let identity = names.identity(record) {
                    state?.take(
                        identity, topic: topic, of: partition, offset: record.offset, position: names.position(record))
                    return
                }
            } else if names.isDeadLetterTopic(record.topic), let position = names.deadLetterPosition(record) {
                state?.takeDeadLetter(at: position, of: partition, offset: record.offset)
                return
            }
            state?.takeOther(of: partition, offset: record.offset)
        }
    }

    // MARK: What was not found

    /// Reads what was hidden by transactions that have ended by now. What is hidden still is looked for again in the next
    /// step; only where that is more than can be noted, their end is waited for, not for long.
    ///
    /// - Returns: the partitions that still end with one.
    func waitForTransactions(
        _ reachedEnds: inout Bool, _ reading: AuditReading
    ) async throws -> Set<TopicPartition> {
        let deadline = ContinuousClock.now + options.patience
        while true {
            let open = try await reading.openTransactions(of: state?.knownPartitions ?? [])
            if open.isEmpty || .now >= deadline || state?.hasRoomForSuspects != false {
                // What became visible before this look is read.
                if let ends = try await findEnds(reading) {
                    reachedEnds = try await read(to: ends, isLast: true, reading)
                }
                return open
            }
            try await Task.sleep(for: .milliseconds(500))
        }
    }

    func judge(
        _ due: DuePositions, _ topics: [String], _ open: Set<TopicPartition>, on connection: Connection
    ) async throws -> [Absence] {
        guard let state, let ledger = state.window?.ledger else { return [] }
        var judge = AbsenceJudge(consumer: consumer, route: route, tables: tables, due: due, deletions: Deletions())
        var absences = try await judge.judge(ledger, state.knownPartitions, on: connection)
        guard absences.contains(where: { $0.kind == .missing }) else { return absences }
        var deletions = try await Deletions.find(topics, client: client, logger: logger)
        for (partition, time) in state.sinceTimes { deletions.leaveOut(through: time, of: partition) }
        judge.deletions = deletions
        absences = try await judge.judge(ledger, state.knownPartitions, on: connection)
        judge.settle(&absences, traces: KeyTraces(keys: []), holed: [], open: open)
        return absences
    }

    /// The positions of the events that are about to count as missing.
    func missingNow(_ absences: [Int: Absence.Kind]) -> [Int64] {
        guard let window = state?.window, let suspects = state?.record.suspects else { return [] }
        return (0..<window.repeated).filter { absences[$0] == .missing }.map { window.ledger.positions[$0] }
            .filter(Set(suspects).contains)
    }
}
