import NIOCore

/// `Produce`: appends a record batch to each partition named.
///
/// Version 7 allows zstd, 8 names the records that are wrong, 10 the leader to ask instead; 11 may abort a transaction.
enum Produce {
    struct Request: TopicsRequest {
        var transactionalID: String?
        var acks: Int16 = 0
        var topics: [TopicItems<Item>] = []

        mutating func fields(_ wire: inout Coder) {
            wire(&transactionalID, &acks)
            wire.unused("timeout_ms", Int32(0))
            wire(&topics)
        }

        var transactionalIDs: [String] { transactionalID.map { [$0] } ?? [] }

        var hasTransactionalRecords: Bool {
            topics.contains { topic in
                topic.partitions.contains { $0.records.flatMap(RecordBatchHeader.init)?.isTransactional == true }
            }
        }
    }

    struct Item: Message, PartitionItem {
        var index: Int32 = 0
        var records: ByteBuffer?

        mutating func fields(_ wire: inout Coder) { wire(&index, &records) }
    }

    struct Response: Message {
        var topics: [TopicItems<Answer>] = []
        var endpoints: [NodeAddress] = []

        mutating func fields(_ wire: inout Coder) {
            wire(&topics)
            wire.throttleTime()
            wire.tagged(0, endpoints.isEmpty ? nil : endpoints, 10...)
        }
    }

    struct Answer: PartitionAnswer {
        var index: Int32 = 0
        var error = KafkaErrorCode.none
        var baseOffset: Int64 = -1
        var appendTime: Int64 = -1
        var logStartOffset: Int64 = -1
        var flaws: [RecordFlaw] = []
        var message: String?
        var leader: Leader?

        mutating func fields(_ wire: inout Coder) {
            wire(&index, &error)
            wire(&baseOffset, &appendTime)
            wire(&logStartOffset, 5...)
            wire(&flaws, &message, 8...)
            wire.tagged(0, leader, 10...)
        }
    }

    struct RecordFlaw: Message {
        var index: Int32 = 0
        var message: String?

        mutating func fields(_ wire: inout Coder) { wire(&index, &message) }
    }
}

extension Broker {
    func produce(_ request: Produce.Request, _ context: RequestContext) {
        let lacksID = request.transactionalID == nil && request.hasTransactionalRecords
        var endpoints: [NodeAddress] = []
        let topics = answers(to: request.topics, context) { (id, item) throws(KafkaErrorCode) in
            if lacksID { throw .transactionalIDAuthorizationFailed }
            do throws(KafkaErrorCode) {
                let answer = try append(item.records, to: id, request, context)
                if answer.error == .none { try context.errorAfterEffect(id).check() }
                return answer
            } catch {
                guard error == .notLeaderOrFollower else { throw error }
                return Produce.Answer(error: error, leader: leader(of: id, &endpoints))
            }
        }
        if request.acks != 0 {
            context.reply(Produce.Response(topics: topics, endpoints: endpoints))
        } else {
            // A producer that wants no answers learns of a failure by the connection's end.
            let failed = topics.contains { $0.partitions.contains { $0.error != .none } }
            context.complete(failed ? .close : .nothing)
        }
    }

    /// The leader of a partition, whose address is added to those that the response gives.
    func leader(of id: TopicPartition, _ endpoints: inout [NodeAddress]) -> Leader? {
        guard let partition = partition(id) else { return nil }
        if !endpoints.contains(where: { $0.id == partition.leader }) { endpoints.append(address(of: partition.leader)) }
        return Leader(node: partition.leader, epoch: partition.leaderEpoch)
    }

    private func append(
        _ records: ByteBuffer?, to id: TopicPartition, _ request: Produce.Request, _ context: RequestContext
    ) throws(KafkaErrorCode) -> Produce.Answer {
        try context.injectedError(id).check()
        guard partition(id) != nil else { throw .unknownTopicOrPartition }
        guard (-1...1).contains(request.acks) else { throw .invalidRequiredAcks }
        let (topic, partition) = try leading(id, context)
        if request.acks == -1 && topic.settings.minInsyncReplicas > Int64(endpoints.count) { throw .notEnoughReplicas }
        let batch: BatchValidation.Accepted
        do throws(Refusal) {
            guard let records else { throw Refusal(.invalidRecord, "there are no records") }
            batch = try BatchValidation.validate(
                records, settings: topic.settings, version: context.version, now: now)
        } catch {
            return Produce.Answer(
                error: error.code, flaws: error.recordIndexes.map { .init(index: $0, message: error.message) },
                message: error.message)
        }
        try verify(batch.header, partition, request.transactionalID, version: context.version)
        return try append(batch, to: partition, topic)
    }

    /// Refuses a transactional batch that is not part of the open transaction: its partition has not joined, or the transaction
    /// has ended meanwhile.
    private func verify(
        _ batch: RecordBatchHeader, _ partition: Partition, _ transactionalID: String?, version: Int16
    ) throws(KafkaErrorCode) {
        let producers = partition.log.producers
        guard batch.isTransactional, let transactionalID, producers.duplicate(of: batch) == nil else { return }
        let isOpen = producers.openTransactions[batch.producerID] != nil
        let isLoading = coordinatorNode(of: transactionalID) == nil || coordinatorLoading(of: transactionalID) != nil
        // Where the transaction is open already its coordinator is not needed. Clients try again after this error.
        if isLoading && !isOpen { throw .notEnoughReplicas }
        do throws(KafkaErrorCode) {
            try transactions.verify(
                partition.id, in: transactionalID,
                producer: .init(id: batch.producerID, epoch: batch.producerEpoch))
        } catch {
            throw error == .transactionAbortable && version <= 10 ? .invalidTxnState : error
        }
    }

    private func append(
        _ batch: BatchValidation.Accepted, to partition: Partition, _ topic: Topic
    ) throws(KafkaErrorCode) -> Produce.Answer {
        let log = partition.log
        let header = batch.header
        switch header.hasProducerID ? log.producers.judge(header) : .append {
        case .append: break
        case .duplicate(let known):
            return Produce.Answer(
                baseOffset: known.firstOffset, appendTime: header.usesAppendTime ? known.timestamp : -1,
                logStartOffset: log.startOffset)
        case .refuse(let code): throw code
        }
        let written = try storing("append") {
            try log.append(
                batch.bytes, header: header, leaderEpoch: partition.leaderEpoch, now: now, settings: topic.settings)
        }
        log.producers.record(written)
        partition.wakeReaders()
        return Produce.Answer(
            baseOffset: written.baseOffset, appendTime: header.usesAppendTime ? header.maxTimestamp : -1,
            logStartOffset: log.startOffset)
    }
}
