import Consumers
import CoreMetrics
import Kafka
import Telemetry

extension KafkaPublisher {
    /// Feeds what was not fed yet, to the run there is or to a new one.
    func feedOrRestore() async throws {
        if let run, run.takesMore, try await feedAll() { return }
        try await restoreRun()
    }

    /// Feeds everything that is not fed to the current run, in order. False when the run has failed.
    func feedAll() async throws -> Bool {
        // Consignments may be added while one is fed.
        while let next = inFlightBatches.first(where: { $0.batch == nil && $0.isOpen }) {
            do {
                if try await feed(next.id) { continue }
            } catch {
                run?.isSealed = true
                throw error
            }
            run?.isSealed = true
            return false
        }
        return true
    }

    /// Feeds what is not acknowledged of a inFlight to the current run. False when the run has failed.
    private func feed(_ id: Int) async throws -> Bool {
        await lookAtPartitions()
        guard let index = index(of: id) else { return true }
        var missing = missingTopics(at: index)
        while !missing.isEmpty {
            guard try await prepareTopics(missing) else { return false }
            missing = self.index(of: id).map { missingTopics(at: $0) } ?? []
        }
        checkSizes(of: id)
        // What is too large may go elsewhere.
        guard let index = self.index(of: id) else { return true }
        if !missingTopics(at: index).isEmpty || inFlightBatches[index].hasUnsized { return try await feed(id) }
        guard var run, let index = self.index(of: id) else { return run != nil }
        let inFlight = inFlightBatches[index]
        let open = inFlight.open
        if open.isEmpty { return true }

        let source = EventRecordSource(inFlight, open, topics: run.handles, options.route)
        let start = ContinuousClock.now
        let batch = run.producer.open(source)
        inFlightBatches[index].batch = batch
        inFlightBatches[index].handedToClient = .now
        inFlightBatches[index].batchEntries = open
        changed.advance()

        let hasSuspect = open.contains { inFlight.entries[$0].isSuspect }
        let isFed =
            hasSuspect
            ? await feedAlone(batch, source, id)
            : await feedThroughGate(batch, source, open.map { inFlight.entries[$0].topic }, &run)
        run.producer.endFeeding(batch, moreFollows: inFlight.isFull)
        metrics.produceTime.record(since: start)
        if self.run?.number == run.number { self.run?.gate = run.gate }
        return isFed
    }

    /// One record at a time, each acknowledged before the next, up to the last suspect.
    func feedAlone(_ batch: Batch, _ source: EventRecordSource, _ id: Int) async -> Bool {
        guard let run else { return false }
        // Whatever else is under way must not be rejected together with a suspect.
        for other in inFlightBatches where other.id != id {
            if let batch = other.batch, !(await batch.settled().isDelivered) { return false }
        }
        for index in 0..<batch.count {
            if let position = self.index(of: id) { inFlightBatches[position].alone = index }
            guard await run.producer.feed(batch, from: source, indices: index..<(index + 1)) else { return false }
            run.producer.sendAtOnce()
            guard await batch.progress(acknowledging: index + 1).acknowledged == index + 1 else { return false }
        }
        if let position = self.index(of: id) { inFlightBatches[position].alone = nil }
        return true
    }

    func feedThroughGate(
        _ batch: Batch, _ source: EventRecordSource, _ topics: [Int], _ run: inout ProducerInstance
    ) async -> Bool {
        var alone: [(index: Int, partition: FirstBatchGate.Partition)] = []
        // The records of a partition one after another, in their order: the client sends what it finds as soon as it finds
        // some, and so finds many records of a few partitions rather than a few of each.
        var others: [UInt64] = []
        others.reserveCapacity(batch.count)
        let now = ContinuousClock.now
        for index in 0..<batch.count {
            let partition = FirstBatchGate.Partition(topic: topics[index], partition: source.items[index].partition)
            switch run.gate.admit(partition, now: now) {
            case .alone: alone.append((index, partition))
            case .wait, .free: others.append(partition.place << 32 | UInt64(index))
            }
        }
        others.sort()
        if !alone.isEmpty {
            let indices = RecordIndices(alone.map(\.index))
            guard await run.producer.feed(batch, from: source, indices: indices) else { return false }
            run.producer.sendAtOnce()
            guard await batch.progress(acknowledging: alone.count).acknowledged == alone.count else { return false }
            for first in alone { run.gate.acknowledge(first.partition, now: .now) }
        }
        let indices = others.map { Int(truncatingIfNeeded: $0 & 0xffff_ffff) }
        return await run.producer.feed(batch, from: source, indices: RecordIndices(indices))
    }

    /// Makes topics usable for the current run; waits for what is missing. False when the run has failed.
    func prepareTopics(_ indices: [Int]) async throws -> Bool {
        if indices.isEmpty { return true }
        let names = indices.map { router.topics[$0] }
        while true {
            try checkGoing()
            guard let producer = run?.producer else { return false }
            do throws(KafkaError) {
                let handles = try await preparation.prepare(names, on: producer)
                for (index, handle) in zip(indices, handles) {
                    run?.handles[index] = handle
                    notePartitions(handle.partitionCount, of: router.topics[index])
                }
                try await learnLimits(of: indices)
                if run?.isSealed == true { return false }
                return true
            } catch {
                try checkGoing()
                switch error.classification.kind {
                case .fatal: return false
                case .retry:
                    metrics.failed(.retry)
                    say(.waiting(error.description))
                case .refused, .poison:
                    metrics.failed(.refused)
                    say(.refused(error.description))
                }
                await pause()
            }
        }
    }
}

extension KafkaPublisher {
    /// The topics of what is to be delivered that are not ready.
    fileprivate func missingTopics(at index: Int) -> [Int] {
        var topics: Set<Int> = []
        for entry in inFlightBatches[index].entries where entry.state == .open {
            if run?.handles[entry.topic] == nil || !knowsLimit(of: entry.topic) { topics.insert(entry.topic) }
        }
        return topics.sorted()
    }
}

extension FirstBatchGate.Partition {
    /// Tells partitions apart, and sorts them in some order.
    fileprivate var place: UInt64 { UInt64(topic & 0xffff) << 16 | UInt64(partition & 0xffff) }
}

extension InFlightBatch {
    /// Whether the size of something that is to be delivered was not looked at.
    fileprivate var hasUnsized: Bool { entries.contains { $0.state == .open && !$0.isSized } }
}
