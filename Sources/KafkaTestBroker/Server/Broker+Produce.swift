import Logging
import NIOCore

extension Broker {
    func produce(_ request: ProduceRequest, _ context: RequestContext) {
        if request.transactionalID == nil, Self.hasTransactionalRecords(request) {
            return context.reply(failure(request, .transactionalIDAuthorizationFailed))
        }
        var failed = false
        var response = ProduceResponse()
        for topicData in request.topicData {
            let name = context.version >= 13 ? topicNames[topicData.topicID] : topicData.name
            var answers = ProduceResponse.TopicProduce(name: name ?? "", topicID: topicData.topicID)
            for data in topicData.partitionData {
                var answer: ProduceResponse.PartitionProduce
                if let name {
                    answer = append(
                        data.records, to: TopicPartition(topic: name, partition: data.index), request: request,
                        context: context)
                } else {
                    answer = .init(errorCode: .unknownTopicID, baseOffset: -1)
                }
                answer.index = data.index
                if answer.errorCode == .none, let name,
                    let code = context.errorAfterEffect(.init(topic: name, partition: data.index))
                {
                    answer = .init(index: data.index, errorCode: code, baseOffset: -1)
                }
                if answer.errorCode == .notLeaderOrFollower, let name,
                    let partition = partition(.init(topic: name, partition: data.index))
                {
                    answer.currentLeader = .init(leaderID: partition.leader, leaderEpoch: partition.leaderEpoch)
                    addEndpoint(of: partition.leader, to: &response)
                }
                failed = failed || answer.errorCode != .none
                answers.partitionResponses.append(answer)
            }
            response.responses.append(answers)
        }
        if request.acks != 0 {
            context.reply(response)
        } else {
            // A producer that wants no answers learns of a failure by the connection's end.
            context.complete(failed ? .close : .nothing)
        }
    }

    private static func hasTransactionalRecords(_ request: ProduceRequest) -> Bool {
        request.topicData.contains { topic in
            topic.partitionData.contains { $0.records.flatMap(RecordBatchHeader.init)?.isTransactional == true }
        }
    }

    private func failure(_ request: ProduceRequest, _ code: KafkaErrorCode) -> ProduceResponse {
        ProduceResponse(
            responses: request.topicData.map { topic in
                .init(
                    name: topic.name, topicID: topic.topicID,
                    partitionResponses: topic.partitionData.map {
                        .init(index: $0.index, errorCode: code, baseOffset: -1)
                    })
            })
    }

    private func addEndpoint(of node: Int32, to response: inout ProduceResponse) {
        guard !response.nodeEndpoints.contains(where: { $0.nodeID == node }) else { return }
        let endpoint = endpoints[Int(node) - 1]
        response.nodeEndpoints.append(.init(nodeID: node, host: endpoint.host, port: Int32(endpoint.port)))
    }

    private func append(
        _ records: ByteBuffer?, to id: TopicPartition, request: ProduceRequest, context: RequestContext
    ) -> ProduceResponse.PartitionProduce {
        func refuse(_ code: KafkaErrorCode, _ message: String? = nil) -> ProduceResponse.PartitionProduce {
            .init(errorCode: code, baseOffset: -1, errorMessage: message)
        }
        if let code = context.injectedError(id) { return refuse(code) }
        guard let topic = topics[id.topic], let partition = partition(id) else {
            return refuse(.unknownTopicOrPartition)
        }
        guard [-1, 0, 1].contains(request.acks) else { return refuse(.invalidRequiredAcks) }
        let leadership = partition.leadershipError(node: context.connection.node)
        guard leadership == .none else { return refuse(leadership) }
        guard let records else { return refuse(.invalidRecord, "there are no records") }
        do {
            if request.acks == -1 && topic.settings.minInsyncReplicas > endpoints.count {
                return refuse(.notEnoughReplicas)
            }
            let batch = try BatchValidation.validate(
                records, settings: topic.settings, version: context.version, now: now)
            if let code = verify(batch.header, partition, request.transactionalID, version: context.version) {
                return refuse(code)
            }
            return try append(batch, to: partition, topic: topic)
        } catch let error as BatchValidation.Refusal {
            return .init(
                errorCode: error.code, baseOffset: -1,
                recordErrors: error.recordIndexes.map {
                    .init(batchIndex: $0, batchIndexErrorMessage: error.message)
                },
                errorMessage: error.message)
        } catch {
            logger.error("cannot append", metadata: ["topic": "\(id.topic)", "error": "\(error)"])
            return refuse(.kafkaStorageError)
        }
    }

    /// The error of a transactional batch that is not part of the open transaction: its partition has not joined, or the
    /// transaction has ended meanwhile.
    private func verify(
        _ batch: RecordBatchHeader, _ partition: Partition, _ transactionalID: String?, version: Int16
    ) -> KafkaErrorCode? {
        guard batch.isTransactional, let transactionalID else { return nil }
        let known = partition.log.producers.entries[batch.producerID]?.duplicate(
            epoch: batch.producerEpoch, firstSequence: batch.baseSequence, lastSequence: batch.lastSequence)
        if known != nil { return nil }
        let isOpen = partition.log.producers.openTransactions[batch.producerID] != nil
        let isLoading = coordinatorNode(of: transactionalID) == nil || coordinatorLoading(of: transactionalID) != nil
        // Where the transaction is open already its coordinator is not needed. Clients try again after this error.
        if isLoading && !isOpen { return .notEnoughReplicas }
        let code = transactions.verify(
            partition.id, in: transactionalID, producer: .init(id: batch.producerID, epoch: batch.producerEpoch))
        if code == .transactionAbortable && version <= 10 { return .invalidTxnState }
        return code == .none ? nil : code
    }

    private func append(
        _ batch: BatchValidation.Accepted, to partition: Partition, topic: Topic
    ) throws -> ProduceResponse.PartitionProduce {
        let log = partition.log
        if batch.header.hasProducerID {
            switch log.producers.judge(batch.header) {
            case .append: break
            case .duplicate(let known):
                return .init(
                    baseOffset: known.firstOffset,
                    logAppendTimeMilliseconds: batch.header.usesAppendTime ? known.timestamp : -1,
                    logStartOffset: log.startOffset)
            case .refuse(let code):
                return .init(errorCode: code, baseOffset: -1)
            }
        }
        let written = try log.append(
            batch.bytes, header: batch.header, leaderEpoch: partition.leaderEpoch, now: now, settings: topic.settings)
        log.producers.record(written)
        partition.wakeReaders()
        return .init(
            baseOffset: written.baseOffset,
            logAppendTimeMilliseconds: batch.header.usesAppendTime ? batch.header.maxTimestamp : -1,
            logStartOffset: log.startOffset)
    }
}
