/// One partition: its log, its leader, and the readers that wait for it.
final class Partition {
    let id: TopicPartition
    let log: PartitionLog
    private(set) var leader: Int32
    private(set) var leaderEpoch: Int32 = 0
    private var waiting: [ObjectIdentifier: FetchWait] = [:]

    init(id: TopicPartition, log: PartitionLog, leader: Int32) {
        self.id = id
        self.log = log
        self.leader = leader
    }

    func moveLeader(to node: Int32) {
        guard node != leader else { return }
        setLeader(node, epoch: leaderEpoch + 1)
        wakeReaders()
    }

    func setLeader(_ node: Int32, epoch: Int32) {
        leader = node
        leaderEpoch = epoch
    }

    /// Takes over what was kept: the leader, and an epoch after all that were.
    func restoreLeader(_ record: LeaderRecord, nodes: Int) {
        setLeader(record.leader <= Int32(nodes) ? record.leader : leader, epoch: max(leaderEpoch, record.epoch + 1))
    }

    /// The error of a client that asks the wrong node, or knows another leader epoch.
    func leadershipError(node: Int32, clientEpoch: Int32 = -1) -> KafkaErrorCode {
        if clientEpoch >= 0 && clientEpoch < leaderEpoch { return .fencedLeaderEpoch }
        if clientEpoch > leaderEpoch { return .unknownLeaderEpoch }
        return node == leader ? .none : .notLeaderOrFollower
    }

    func wait(_ fetch: FetchWait) { waiting[ObjectIdentifier(fetch)] = fetch }
    func stopWaiting(_ fetch: FetchWait) { waiting[ObjectIdentifier(fetch)] = nil }

    /// Lets the waiting readers look again, after an append, a marker or a change of leader.
    func wakeReaders() {
        guard !waiting.isEmpty else { return }
        for fetch in waiting.values { fetch.lookAgain() }
    }
}
