import NIOCore

/// Faults that strike no request.
extension Broker {
    /// Answers nothing until ``thaw()``: to clients the broker hangs.
    func freeze() { isFrozen = true }

    func thaw() {
        isFrozen = false
        let waiting = held
        held = []
        for work in waiting { work() }
    }

    func loseProducerState(topic: String?, partition: Int32?, producerID: Int64?) {
        for item in partitions(topic, partition) { item.log.producers.forget(producerID) }
    }

    func moveLeader(topic: String, partition: Int32?, to node: Int32) -> Bool {
        guard (1...Int32(endpoints.count)).contains(node) else { return false }
        let moved = partitions(topic, partition)
        for item in moved {
            item.moveLeader(to: node)
            _ = saveLeader(of: item)
        }
        return !moved.isEmpty
    }

    func removeFault(_ number: Int) {
        faults.remove(number)
        releaseMarkers()
    }

    func removeAllFaults() {
        faults.removeAll()
        releaseMarkers()
    }

    func disconnectAll(node: Int32?) {
        for (at, channel) in channels.values where node == nil || at == node { channel.close(promise: nil) }
    }

    private func partitions(_ topic: String?, _ index: Int32?) -> [Partition] {
        topics.values.filter { topic == nil || $0.name == topic }.flatMap(\.partitions)
            .filter { index == nil || $0.id.partition == index }
    }
}
