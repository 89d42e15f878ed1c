extension KafkaTestBroker {
    /// Puts a fault in force, and returns a number to ask about it.
    @discardableResult
    public func inject(_ fault: Fault) async -> Int {
        await onLoop { $0.faults.add(fault) } ?? 0
    }

    /// Ends a fault; markers that it held are written.
    public func removeFault(_ number: Int) async {
        _ = await onLoop { $0.removeFault(number) }
    }

    /// Ends all faults.
    public func removeAllFaults() async {
        _ = await onLoop { $0.removeAllFaults() }
    }

    /// How many requests a fault has struck so far.
    public func hits(ofFault number: Int) async -> Int {
        await onLoop { $0.faults.hits(number) } ?? 0
    }

    /// Stops answering: to clients the broker hangs, while their connections stay open.
    public func freeze() async {
        _ = await onLoop { $0.freeze() }
    }

    /// Goes on after ``freeze()``, with what has come in the meantime.
    public func thaw() async {
        _ = await onLoop { $0.thaw() }
    }

    /// Forgets what partitions know of producers: of all topics and producers unless some are named.
    public func loseProducerState(topic: String? = nil, partition: Int32? = nil, producerID: Int64? = nil) async {
        _ = await onLoop { $0.loseProducerState(topic: topic, partition: partition, producerID: producerID) }
    }

    /// Makes another node the leader of a partition, or of all of a topic; false if there is none such.
    @discardableResult
    public func moveLeader(ofTopic topic: String, partition: Int32? = nil, to node: Int32) async -> Bool {
        await onLoop { $0.moveLeader(topic: topic, partition: partition, to: node) } ?? false
    }

    /// Makes another node the coordinator of a transactional id, or of all: clients that ask the former one hear
    /// NOT_COORDINATOR. For `loading` the new one answers COORDINATOR_LOAD_IN_PROGRESS and writes no markers; the same node may
    /// be named, as one that was restarted. False if there is no such node.
    @discardableResult
    public func moveTransactionCoordinator(
        of transactionalID: String? = nil, to node: Int32, loading: Duration = .zero
    ) async -> Bool {
        await onLoop { $0.moveTransactionCoordinator(of: transactionalID, to: node, loading: loading) } ?? false
    }

    /// The node that coordinates the transactions of an id.
    public func transactionCoordinator(of transactionalID: String) async -> Int32? {
        await onLoop { $0.coordinatorNode(of: transactionalID) } ?? nil
    }

    /// Ends the connections of all clients, or of those of one node.
    public func disconnectAll(node: Int32? = nil) async {
        _ = await onLoop { $0.disconnectAll(node: node) }
    }
}
